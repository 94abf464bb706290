"""Where '+' parts the name of several feature sets side by side, and where it is part of a model's name.

In: a name. Out: what its pieces stand for. Knows no store: what a piece stands for is for the caller to say.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from ..core.tasks import BASELINE_NAMES

EMBEDDING = "embedding:"
"""May stand before the name of vectors."""

T = TypeVar("T")


def parted(text: str, found: Callable[[str], T | None]) -> list[T] | None:
    """What the pieces of a joined name stand for, where '+' parts them so that each stands for something.

    Parameters
    ----------
    text : str
        Pieces joined by '+', which names may hold too; one between square brackets joins nothing.
    found : function of str
        What a piece stands for; None: nothing.

    Returns
    -------
    list or None
        A thing a piece, from left to right, each piece as long as can be; None where the text cannot be parted so.

    Examples
    --------
    >>> there = {"m+8bit@8": 1, "tfidf": 2, "m": 3}
    >>> parted("m+8bit@8+tfidf", there.get), parted("m+n", there.get)
    ([1, 2], None)
    """
    joins = [place.start() for place in re.finditer(r"\[[^\]]*\]|\+", text) if place.group() == "+"]
    ends: dict[int, list[T] | None] = {}

    def rest_from(start: int) -> list[T] | None:
        if start not in ends:
            ends[start] = next(filter(None, (_with(start, end) for end in [len(text), *reversed(joins)])), None)
        return ends[start]

    def _with(start: int, end: int) -> list[T] | None:
        if end <= start or (first := found(text[start:end])) is None:
            return None
        if end == len(text):
            return [first]
        behind = rest_from(end + 1)
        return None if behind is None else [first, *behind]

    return rest_from(0)


def holds_several(text: str) -> bool:
    """Whether there is a '+' in a name that parts two feature sets, by how names look.

    Examples
    --------
    >>> holds_several("m+8bit@8"), holds_several("m+8bit@8+n@8")
    (False, True)
    """
    names = "|".join(BASELINE_NAMES)
    if re.search(rf"\+(?:{re.escape(EMBEDDING)}|(?:{names})(?:\+|$))", text) or re.match(rf"(?:{names})\+", text):
        return True
    outside = re.sub(r"\[[^\]]*\]", "[]", text)
    return re.search(r"@(?:all|(?:layer)?\d+)(?: \[\])?(?: #\w+)?\+", outside) is not None or (
        "+" in outside and "@" not in outside
    )
