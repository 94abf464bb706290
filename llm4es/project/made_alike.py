"""Which vectors were made alike, of histories that may end at different times.

In: a store's record of runs, a dataset. Out: what made each configuration, without its cut-off. Knows no vectors.
"""

from typing import TYPE_CHECKING, Any

from ..core.hashing import config_id
from .recorded import runs_of

if TYPE_CHECKING:
    from llm4es_store import Store


def made_alike(store: "Store", dataset: str) -> dict[str, str]:
    """Configuration of vectors -> hash of the model, the options and the texts behind it, but for where texts end.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose vectors.

    Returns
    -------
    dict of str to str
        Imported vectors are in it under no configuration: nobody knows what made them.

    Examples
    --------
    >>> len(made_alike(project.store, "shop"))
    1
    """
    texts: dict[str, Any] = {}
    for run in runs_of(store, "serialize", dataset):
        options = {name: value for name, value in run.config.get("options", {}).items() if name != "as_of"}
        recipe = run.config.get("recipe")
        for made in (run.config["config_id"], *(cut["config_id"] for cut in run.config.get("cutoffs", ()))):
            texts[made] = {"recipe": recipe, "options": options}
    for run in runs_of(store, "enrich", dataset):
        texts[run.config["config_id"]] = {"options": run.config.get("options"), "base": texts.get(run.config["base"])}
    found: dict[str, str] = {}
    for run in runs_of(store, "embed", dataset):
        if "texts" in run.config:
            read = [(variant, texts.get(made)) for variant, made in run.config["texts"]]
            found[run.config["config_id"]] = config_id(
                {"model": run.config.get("model"), "options": run.config.get("options"), "texts": read}
            )
    return found
