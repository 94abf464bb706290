"""What a row of a comparison is made with: a model, imported vectors, or a choice that may have taken neither.

In: rows as plain values. Out: words, and counts. Knows no predictions.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..core.lists import split_outside
from ..core.tasks import BASELINE_NAMES
from ..features.expressions import Expression, parse_expression

LONG = 40
"""Characters of a combination's name from which a sentence only says what it is."""

_OF_ANOTHER = re.compile(r"best\(.*\): ")
"""What a choice inside another is told by."""


def short(name: str) -> str:
    """A name; of a long combination what it is.

    Examples
    --------
    >>> short("best(tfidf, words, vote(tfidf, m@8), vote(words, m@8))"), short("vote(tfidf, m@8)")
    ('the best of 4 feature sets', 'vote(tfidf, m@8)')
    """
    if len(name) <= LONG or (how := (tree := parse_expression(name)).how) is None:
        return name
    return f"the {how} of {len(tree.parts)} feature sets"


def made_with(row: Mapping[str, Any]) -> str:
    """What the vectors of a row are of: nobody knows what made those that were imported.

    Examples
    --------
    >>> made_with({"imported": True}), made_with({"imported": False})
    ('imported vectors', 'a language model')
    """
    return "imported vectors" if row.get("imported") else "a language model"


def choices(row: Mapping[str, Any]) -> dict[str, int]:
    """What a row's own choice took, and in how many fits; {} where it chooses nothing itself.

    Examples
    --------
    >>> row = {"features": "best(tfidf, vote(words, m@8 [64 tokens, full]))"}
    >>> choices(row | {"chosen": "tfidf 9, vote(words, m@8 [64 tokens, full]) 6"})
    {'tfidf': 9, 'vote(words, m@8 [64 tokens, full])': 6}
    """
    if not row.get("chosen") or not row["features"].startswith("best("):
        return {}
    own = next(part for part in row["chosen"].split("; ") if not _OF_ANOTHER.match(part))
    taken = (part.rpartition(" ") for part in split_outside(own))
    return {name: int(n) for name, _, n in taken}


def taken_with_vectors(row: Mapping[str, Any]) -> tuple[int, int] | None:
    """In how many fits a choice took something with vectors, and of how many; None where nothing is chosen.

    Examples
    --------
    >>> taken_with_vectors({"features": "best(tfidf, words, m@8)", "chosen": "tfidf 9, words 4, m@8 2"})
    (2, 15)
    """
    if not (found := choices(row)):
        return None
    return sum(n for name, n in found.items() if _has_vectors(parse_expression(name))), sum(found.values())


def took_none(row: Mapping[str, Any]) -> bool:
    """Whether a choice took baselines alone."""
    found = taken_with_vectors(row)
    return found is not None and not found[0]


def _has_vectors(tree: Expression) -> bool:
    """Whether anything in a name is no baseline."""
    if tree.how is not None:
        return any(map(_has_vectors, tree.parts))
    return not set(tree.text.split("+")) <= set(BASELINE_NAMES)
