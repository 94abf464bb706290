"""What is typed to read a dataset's raw files again, as its newest serialization did.

In: a context. Out: words; UntoldError where none read the same files in the same way. Reads no events.
"""

from dataclasses import replace
from pathlib import Path

from ..recipes import locate
from .again import UntoldError, flags
from .context import Context
from .kept_files import refuse_strange_files
from .kept_recipes import BUILT_IN
from .recorded import last_run
from .selection import WHOM
from .serialize import ON_BAD_ROW


def serialize_again(context: Context) -> list[str]:
    """The words that read a dataset's files again.

    Parameters
    ----------
    context : Context
        Dataset and store.

    Returns
    -------
    list of str
        Typed behind ``llm4es``.

    Raises
    ------
    UntoldError, Llm4esError
        Where its record says too little, and where its files may not be read for the dataset's name alone.

    Examples
    --------
    >>> serialize_again(context)
    ['serialize', 'shop']
    """
    run, kept = last_run(context.store, "serialize", context.dataset), context.store.recipe(context.dataset)
    if run is None or kept is None:
        raise UntoldError("no record says how its files were read")
    usual = context.recipe.texts.options()
    skip = {ON_BAD_ROW: run.config[ON_BAD_ROW]} if ON_BAD_ROW in run.config else {}
    options = replace(usual, **{**run.config["options"], **skip})
    words = ["serialize", context.dataset, *flags(options, usual)]
    if kept["origin"] == BUILT_IN and kept["folder"] is not None:
        words += ["--data", kept["folder"]]
    elif kept["folder"] is not None:
        refuse_strange_files(context)
        locate(context.recipe, Path(kept["folder"]))
    n = run.config.get(WHOM)
    return words if n is None else [*words, "--max-entities", str(n)]
