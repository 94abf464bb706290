"""Every error that a user can cause and mend.

The message is one line: what failed, the value, what to do. The command line prints it as it is and exits with 2;
any other exception is a bug and shows its traceback.
"""

import difflib
from collections.abc import Iterable, Sequence


def one_line(error: object, at_most: int | None = None) -> str:
    """The text of an error in one line; the name of its class where it has none.

    Parameters
    ----------
    error : object
        An error, or its text.
    at_most : int, optional
        Characters after which it is cut, the ellipsis included; None: whole.

    Returns
    -------
    str
        The text, every run of white space one space.

    Examples
    --------
    >>> one_line(ValueError("no such\\n  file"))
    'no such file'
    >>> one_line(TimeoutError())
    'TimeoutError'
    >>> one_line("a very long story", at_most=7)
    'a very…'
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return text if at_most is None or len(text) <= at_most else f"{text[: at_most - 1].rstrip()}…"


class Llm4esError(Exception):
    """Base of all known errors. ``str(error)`` is one line that says what failed, the value, and what to do."""


class OptionError(Llm4esError):
    """An option or a combination of options that cannot work."""


class RecipeError(Llm4esError):
    """A recipe that is unknown, malformed, or asks for what is not there."""


class DataError(Llm4esError):
    """Raw data that is missing, corrupt, or not what the recipe says."""


class FetchError(Llm4esError):
    """Something that should have been downloaded and could not be."""


class ModelError(Llm4esError):
    """A model that is unknown, incomplete, unsafe, or does not fit the request."""


class StoreError(Llm4esError):
    """A store that is missing, unreadable, of a newer format, or was asked for what it must refuse."""


class ProbeError(Llm4esError):
    """A probe that the data cannot carry."""


class WorkerError(Llm4esError):
    """Processes that ended before their work was done, or cannot be had."""


def nearest(name: object, known: Sequence[str]) -> str:
    """The known names that a misspelt one may stand for, whatever their case; all of them where none is near.

    Examples
    --------
    >>> nearest("Usr", ["user", "amount"])
    'did you mean user?'
    >>> nearest("x", ["user", "amount"])
    'there are user, amount'
    """
    near = near_names(str(name), known, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known) or 'none'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """What to add to a message that lists the known names; nothing where none is near.

    Examples
    --------
    >>> did_you_mean("ful", ["full", "newest"]), did_you_mean("x", ["full"])
    ("; did you mean 'full'?", '')
    """
    near = near_names(word, known, at_most=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def near_names(name: str, known: Iterable[str], at_most: int = 3, cutoff: float = 0.6) -> list[str]:
    """The known names most like a misspelt one, whatever their case; how like, 0..1, is said by ``cutoff``.

    Examples
    --------
    >>> near_names("Usr", ["user", "amount"])
    ['user']
    """
    by_lower = {each.lower(): each for each in known}
    return [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, at_most, cutoff)]
