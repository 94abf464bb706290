"""A plan for people: a line a stage, what it costs, and the sum, folded to a terminal's width.

In: outcomes of a dry run. Out: lines. Knows no store.
"""

import textwrap
from collections.abc import Sequence

from .costs import Estimate, summed
from .outcome import Outcome

WIDTH = 80
"""Characters of a line, where nobody says otherwise."""


def plan_lines(outcomes: Sequence[Outcome], width: int = WIDTH) -> list[str]:
    """What will be done, a stage after the other.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of a dry run.
    width : int, default 80
        Characters of a line; longer ones go on in the next, moved in.

    Returns
    -------
    list of str
        The last one is the sum, where there is more than one stage.

    Examples
    --------
    >>> outcomes = [
    ...     Outcome("serialize", "shop", 20, 2, 18, {"new": 2}, dry_run=True, cost=Estimate(seconds=4.0)),
    ...     Outcome("embed", "smollm2-135m", 40, 4, 36, {"new": 4}, dry_run=True, cost=Estimate(512, seconds=11.0)),
    ... ]
    >>> print("\\n".join(plan_lines(outcomes)))
    serialize shop: 2 to compute, 18 reused (2 new), about 4 s
    embed smollm2-135m: 4 to compute, 36 reused (4 new), 512 tokens, about 11 s
    in all: 512 tokens, about 15 s
    """
    lines = [repr(outcome) for outcome in outcomes]
    if len(outcomes) > 1:
        todo = [outcome for outcome in outcomes if outcome.computed]
        costs = [(outcome.stage, outcome.cost or Estimate()) for outcome in todo]
        lines.append(f"in all: {summed(costs)}" if todo else "in all: nothing to do")
    return [part for line in lines for part in _folded(line, width)]


def _folded(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
