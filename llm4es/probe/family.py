"""Several differences to one reference, judged together: p-values, intervals and detectable differences that agree.

In: differences and their standard errors. Out: what holds for all of them at once. Bonferroni's correction (Dunn 1961)
serves for p, interval and power alike, so an interval leaves out 0 exactly where its p is below 0.05; Holm's
procedure would find a little more, and has no two-sided intervals that say by how much (Strassburger & Bretz 2008).
Knows no predictions.
"""

import math
from statistics import NormalDist

SIGNIFICANT = 0.05
"""Corrected p-values below it are a finding."""

CONFIDENCE = 1 - SIGNIFICANT
"""Chance that the intervals of all differences hold the truth together."""

POWER = 0.8
"""Chance that a difference of the smallest detectable size is found."""

ROUNDING = 1e-12
"""A difference below it is one of sums in another order, not of features."""

NORMAL = NormalDist()

_LEAST = 1000
"""Members beyond which 2^-members is no number that a computer tells from 0."""


def least_p(members: int) -> float:
    """The smallest two-sided p-value that so many independent entities can give: that of a sign test, 2^(1 - members).

    Where the truth is an even chance (a ROC-AUC of 0.5, two feature sets alike), all of ``members`` fall on one side
    with 2^-members for either side. A test by a standard error knows no such bound: of perfectly separated entities
    the error is 0, and p would be too.

    Examples
    --------
    >>> least_p(6), least_p(1), least_p(10**6) > 0
    (0.03125, 1.0, True)
    """
    return 2.0 ** (1 - min(max(members, 1), _LEAST))


def honest_error(difference: float, error: float, members: int) -> float:
    """The standard error, widened to where p reaches ``least_p``: p and interval then come from one number.

    Examples
    --------
    >>> round(honest_error(0.5, 0.0, 6), 3), honest_error(0.5, 0.3, 6)
    (0.232, 0.3)
    """
    if math.isnan(error) or abs(difference) < ROUNDING:
        return error
    most = -NORMAL.inv_cdf(least_p(members) / 2)  # standard errors that the sign test grants
    return max(error, abs(difference) / most) if most > 0 else math.inf


def p_value(difference: float, error: float) -> float:
    """Two-sided p-value of a normal difference; 1 where there is none, or where its error is unknown.

    Examples
    --------
    >>> round(p_value(1.96, 1.0), 3), p_value(0.0, 0.0), p_value(0.1, float("nan"))
    (0.05, 1.0, 1.0)
    """
    if abs(difference) < ROUNDING or not math.isfinite(error):
        return 1.0
    # erfc, not 1 - erf: that is 0 from 8.3 errors on
    return math.erfc(abs(difference) / error / math.sqrt(2))


def adjusted(p: float, comparisons: int) -> float:
    """A p-value corrected for the number of comparisons: any false finding among them stays below it.

    Examples
    --------
    >>> adjusted(0.01, 7), adjusted(0.5, 7)
    (0.07, 1.0)
    """
    return min(1.0, p * max(comparisons, 1))


def simultaneous(difference: float, error: float, comparisons: int) -> tuple[float, float]:
    """The interval of a difference that, together with those of the others, holds the truth with CONFIDENCE.

    It leaves out 0 exactly where ``adjusted(p_value(difference, error), comparisons)`` is below SIGNIFICANT.

    Examples
    --------
    >>> [round(end, 2) for end in simultaneous(0.0, 1.0, 1)], [round(end, 2) for end in simultaneous(0.0, 1.0, 7)]
    ([-1.96, 1.96], [-2.69, 2.69])
    """
    if math.isnan(error):
        return -math.inf, math.inf
    half = _critical(comparisons) * error
    return difference - half, difference + half


def detectable(error: float, comparisons: int) -> float:
    """The smallest true difference that a test with this standard error finds with POWER among so many comparisons.

    Examples
    --------
    >>> round(detectable(1.0, 1), 1), round(detectable(1.0, 7), 1)
    (2.8, 3.5)
    """
    return (_critical(comparisons) + NORMAL.inv_cdf(POWER)) * error


def _critical(comparisons: int) -> float:
    """Standard errors that a difference has to be from 0."""
    return -NORMAL.inv_cdf(SIGNIFICANT / 2 / max(comparisons, 1))
