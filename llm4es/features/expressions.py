"""What is made of several probes, as ``--features`` names it: ``vote(A, B)``, ``stack(A, B)``, ``best(A, B)``.

In: text. Out: a tree of names. Knows no store: whether there are such features, and which a pattern stands for, is for
the reader of the names to say.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from ..core.errors import ProbeError
from ..core.lists import split_outside
from ..core.tasks import BASELINE_NAMES
from .joins import EMBEDDING, parted


class Combination(StrEnum):
    """What becomes of several probes."""

    VOTE = "vote"  # the mean of their log odds, of numbers the mean: nothing is fitted
    STACK = "stack"  # a small model on their predictions, fitted out of fold inside the training part
    BEST = "best"  # the one that cross-validation inside the training part prefers, in every fold anew


@dataclass(frozen=True)
class Expression:
    """A name, or several that are combined."""

    text: str
    """As it was typed."""

    how: Combination | None = None
    """None: a name of features, perhaps several joined by '+', perhaps a pattern."""

    parts: tuple["Expression", ...] = ()
    """What is combined, from left to right."""

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for whatever it fits."""
        return self.how is None and "*" in self.text


def parse_expression(text: str) -> Expression:
    """The tree of a name.

    Parameters
    ----------
    text : str
        ``tfidf``, ``m@8+tfidf``, ``vote(tfidf, m@8 [full])``, ``best(m@*, vote(tfidf, m@8))``.

    Returns
    -------
    Expression
        One node where nothing is combined.

    Raises
    ------
    ProbeError
        For a bracket that is not closed, one part alone, a part that comes twice, a combination joined by '+', and one
        as a part of its own kind.

    Examples
    --------
    >>> tree = parse_expression("best(m@*,vote(tfidf , m@8 [full]))")
    >>> tree.how.value, [part.text for part in tree.parts]
    ('best', ['m@*', 'vote(tfidf , m@8 [full])'])
    >>> parse_expression("vote(tfidf)")
    Traceback (most recent call last):
    llm4es.core.errors.ProbeError: --features 'vote(tfidf)' has one part: give tfidf, or several parted by commas
    """
    text = text.strip()
    if (begun := re.match(rf"({'|'.join(Combination)})\s*\(", text)) is None:
        if joined := re.search(rf"\+\s*(?:{'|'.join(Combination)})\s*\(", text):
            raise ProbeError(f"--features {text!r} joins {_plus(joined.group())}: {_REMEDY}")
        return Expression(text)
    how, inner = Combination(begun.group(1)), text[begun.end() :]
    end = _closing(inner)
    if end < 0:
        raise ProbeError(f"--features {text!r} lacks a ')': close what {how}( opens")
    if behind := inner[end + 1 :].strip():
        what = "joins" if behind.startswith("+") else f"has {behind!r} behind"
        raise ProbeError(f"--features {text!r} {what} {how}(...): {_REMEDY}")
    parts = tuple(parse_expression(part) for part in split_outside(inner[:end]))
    if not parts:
        raise ProbeError(f"--features {text!r} has no parts: give several parted by commas")
    if len(parts) == 1 and not parts[0].is_pattern:
        raise ProbeError(f"--features {text!r} has one part: give {parts[0].text}, or several parted by commas")
    if nested := next((part for part in parts if part.how is how), None):
        raise ProbeError(f"--features {text!r} holds {nested.text!r}: name its parts in the outer {how}(...)")
    return Expression(text, how, parts)


def combined_name(how: Combination, parts: Iterable[str]) -> str:
    """What tables show: ``vote(tfidf, m@8)``.

    Examples
    --------
    >>> combined_name(Combination.VOTE, ["tfidf", "m@8"])
    'vote(tfidf, m@8)'
    """
    return f"{how}({', '.join(parts)})"


def is_combined(name: str) -> bool:
    """Whether a name in a table is one of several probes together.

    Examples
    --------
    >>> is_combined("vote(tfidf, m@8)"), is_combined("tfidf")
    (True, False)
    """
    return name.startswith(tuple(f"{how}(" for how in Combination)) and name.endswith(")")


def fitting(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern stands for: '*' fits any characters, every other character itself.

    A pattern joined by '+' is one of features joined: each piece stands for its own names.

    Examples
    --------
    >>> fitting("m@* [full]", ["m@8 [full]", "m@8", "n@8 [full]"])
    ['m@8 [full]']
    >>> fitting("m@*+tfidf", ["m@4", "m@8", "tfidf"])
    ['m@4+tfidf', 'm@8+tfidf']
    """
    names = list(names)
    pieces = parted(pattern, lambda piece: _fit(piece, names)) or []
    joined = (chosen for chosen in product(*pieces) if pieces and len(set(chosen)) == len(chosen))
    each = {frozenset(chosen): chosen for chosen in reversed(list(joined))}  # 'm@4+m@8' is 'm@8+m@4'
    return ["+".join([first, *map(_behind, others)]) for first, *others in reversed(each.values())]


def _fit(piece: str, names: Sequence[str]) -> list[str] | None:
    """The names that a piece of a pattern stands for; of one without '*' itself, whether or not it is there."""
    plain = piece.removeprefix(EMBEDDING)
    matches = re.compile(".*".join(map(re.escape, plain.split("*"))), re.DOTALL).fullmatch
    return ([name for name in names if matches(name)] or None) if "*" in plain else [plain]


def _behind(name: str) -> str:
    """A name as it stands behind a '+'."""
    return name if name in BASELINE_NAMES else EMBEDDING + name


_REMEDY = "features are joined by '+' first and combined then, as in vote(A+B, C)"


def _plus(joined: str) -> str:
    return f"{joined.strip('+ (')}(...)"


def _closing(text: str) -> int:
    """Where the bracket ends that was opened before the text; -1: nowhere."""
    depth = 0
    for place in re.finditer(r"\[[^\]]*\]|[()]", text):
        depth += {"(": 1, ")": -1}.get(place.group(), 0)
        if depth < 0:
            return place.start()
    return -1
