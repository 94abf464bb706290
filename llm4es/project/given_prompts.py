"""The prompts that ``--prompt`` names: such as come with the program, or those of a file.

In: a name or a path. Out: a ``PromptSet``. Knows no model.
"""

from pathlib import Path

from ..core.errors import OptionError, one_line
from ..embed.prompts import Asked, PromptSet, built_in_prompt, parse_prompts
from .short_vectors import ASKED

ENDING = ".toml"

FILE = "prompt_file"
"""Key of a run's record: the file that says what was asked."""


def given_prompts(given: str, asked: Asked) -> PromptSet:
    """What is asked about events or histories.

    Parameters
    ----------
    given : str
        A built-in name, or the path of a TOML file.
    asked : Asked
        What it is to be about.

    Returns
    -------
    PromptSet
        At least one prompt; named as the file without its ending.

    Raises
    ------
    OptionError
        For a file that is not there or cannot be read, a name that there is not, and what ``parse_prompts`` refuses.

    Examples
    --------
    >>> given_prompts("one-word", Asked.HISTORIES).names
    ('word',)
    >>> given_prompts("films.toml", Asked.EVENTS)
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --prompt films.toml cannot be read (No such file or directory): give a TOML file...
    """
    path = Path(given).expanduser()
    if path.suffix != ENDING:
        return parse_prompts(built_in_prompt(given), given, asked)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else one_line(error, 120)
        raise OptionError(f"--prompt {given} cannot be read ({why}): give a TOML file of templates") from error
    return parse_prompts(text, path.stem, asked)


def recorded_prompt(given: str | None, prompts: PromptSet) -> dict[str, str]:
    """What a run's record says of a prompt besides its words: its name, and where its file lies.

    Parameters
    ----------
    given : str or None
        As it was typed.
    prompts : PromptSet
        What it stands for.

    Returns
    -------
    dict of str to str
        No file of a prompt that comes with the program.

    Examples
    --------
    >>> recorded_prompt("one-word", given_prompts("one-word", Asked.HISTORIES))
    {'asked': 'one-word'}
    """
    path = Path(given or "").expanduser()
    return {ASKED: prompts.name} | ({FILE: str(path.absolute())} if path.suffix == ENDING else {})
