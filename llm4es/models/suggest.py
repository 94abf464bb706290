"""What to say of a model's name that stands for nothing: the names that were probably meant.

In: the name as typed, and the names that need no network. Out: the remedy of an error message. Reads the names of
folders beside the one that was typed, and nothing in them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.errors import near_names

LIKENESS = 0.7
"""How like two names are, 0..1, for one to be taken for a slip in typing the other."""

BEGINNING = 0.8
"""The same of a name and the beginning of another."""

SHORTEST = 4
"""Letters of a name that is taken for a beginning."""

AT_MOST = 3
"""Names suggested at once."""


def remedy(name: str, known: Iterable[str], otherwise: str) -> str:
    """``did you mean ...?`` where a known name or a local folder is near, else ``otherwise``.

    Examples
    --------
    >>> remedy("smolm2-135m", ["smollm2-135m", "mine"], "give another")
    'did you mean smollm2-135m?'
    >>> remedy("smolm2", ["smollm2-135m", "mine"], "give another")
    'did you mean smollm2-135m?'
    >>> remedy("gpt-7", ["smollm2-135m", "mine"], "give another")
    'give another'
    """
    last = Path(name).name  # the way to a folder is the same for all that lie beside it
    near = [*_near(name, known), *(name[: len(name) - len(last)] + match for match in _near(last, _folders(name)))]
    once = list(dict.fromkeys(near))  # a model of the store and a folder may have one name
    return f"did you mean {' or '.join(once[:AT_MOST])}?" if once else otherwise


def _near(name: str, known: Iterable[str]) -> list[str]:
    """The known names most like ``name``, capitals aside."""
    known = list(known)
    of_beginnings = {each[: len(name) + 1]: each for each in known}  # 'smolm2': the rest of the name was left out
    near = near_names(name, of_beginnings, AT_MOST, BEGINNING) if len(name) >= SHORTEST else []
    return near_names(name, known, AT_MOST, LIKENESS) or [of_beginnings[each] for each in near]


def _folders(name: str) -> Iterator[str]:
    """Names of model folders and .gguf files beside the path that was typed."""
    try:
        beside = sorted(Path(name).expanduser().parent.iterdir())
    except OSError:
        return
    for path in beside:
        if path.suffix == ".gguf" or (path / "config.json").is_file():
            yield path.name
