"""What an event weighs where a user's vector is a weighted mean of event vectors: ``--weights``.

In: what a user typed: 'count', 'tfidf', 'sif', 'amount', 'recency:90d', or a product of them. Out: its factors, in one
order and spelling, so that equal weights have one name. Knows no data; imports nothing heavy.
"""

import math
import re
from enum import StrEnum

from ..core.errors import OptionError, did_you_mean


class Weight(StrEnum):
    """A factor of an event's weight."""

    COUNT = "count"  # 1: each event weighs alike
    TFIDF = "tfidf"  # the kind's inverse document frequency: in how few train entities' histories it is
    SIF = "sif"  # 0.001 / (0.001 + the kind's share of train entities' events) (Arora et al., ICLR 2017)
    AMOUNT = "amount"  # the event's amount, as the recipe names it
    RECENCY = "recency"  # 0.5 ** (age / half-life), the age from the entity's newest event


KIND_WEIGHTS = (Weight.TFIDF, Weight.SIF)
"""Those that all events of a kind share, learnt from train entities; the others are the event's own."""

_NAMES = tuple(map(str, Weight))
_HALF_LIFE = re.compile(r"recency:(\d+(?:\.\d+)?|\.\d+)d")
_REMEDY = "give count, tfidf, sif, amount, recency:DAYSd (recency:90d), or a product: tfidf*recency:90d"


def weight_factors(text: str) -> tuple[str, ...]:
    """The factors of an event's weight.

    Parameters
    ----------
    text : str
        A factor, or several with '*' between them, in any order.

    Returns
    -------
    tuple of str
        In one order: tfidf, sif, amount, recency. ('count',) where each event weighs alike.

    Raises
    ------
    OptionError
        For an unknown factor, one that comes twice, or a half-life that is no number of days above 0.

    Examples
    --------
    >>> weight_factors("recency:90d * tfidf")
    ('tfidf', 'recency:90d')
    >>> weight_factors("count")
    ('count',)
    >>> weight_factors("tfdif")
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --weights 'tfdif' is unknown: give count, tfidf, sif, amount, recency:DAYSd \
(recency:90d), or a product: tfidf*recency:90d; did you mean 'tfidf'?
    """
    factors = [_factor(part.strip().lower(), text) for part in text.split("*")]
    kinds = [factor.partition(":")[0] for factor in factors]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise OptionError(f"--weights {text!r} has {twice} twice: name each factor once")
    factors = sorted(factors, key=lambda factor: _NAMES.index(factor.partition(":")[0]))
    return tuple(factor for factor in factors if factor != Weight.COUNT) or (Weight.COUNT.value,)


def half_life(factors: tuple[str, ...]) -> float | None:
    """Days after which an event weighs half; None where its age does not count.

    Parameters
    ----------
    factors : tuple of str
        As ``weight_factors`` gives them.

    Returns
    -------
    float or None
        Days.

    Examples
    --------
    >>> half_life(("tfidf", "recency:90d")), half_life(("count",))
    (90.0, None)
    """
    found = (_HALF_LIFE.fullmatch(factor) for factor in factors)
    return next((float(match[1]) for match in found if match), None)


def _factor(part: str, text: str) -> str:
    """One factor in its one spelling: 'recency:090.0d' is 'recency:90d'."""
    if part.partition(":")[0] != Weight.RECENCY:
        if part in _NAMES:
            return part
        of = "" if part == text else f" of {text!r}"
        raise OptionError(f"--weights {part!r}{of} is unknown: {_REMEDY}{did_you_mean(part, _NAMES)}")
    days = half_life((part,))
    if not days or not math.isfinite(days):
        raise OptionError(f"--weights {part!r} has no half-life: give days above 0, such as recency:90d")
    return f"recency:{days:.12g}d" if "e" not in f"{days:.12g}" else part
