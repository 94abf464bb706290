"""What ``predict`` gives: figures of what scores are worth, and who was scored.

In: figures, outcomes. Out: a result that reads well. Knows no step.
"""

import pyarrow as pa

from .outcome import Outcome
from .result import Result


class Scoring(Result):
    """Whom a predictor has scored, and what it is worth: a row a figure.

    Examples
    --------
    >>> Scoring(pa.table({"measure": ["roc_auc"], "value": [0.75]}), [Outcome("predict", "loyal", 2, 0, 2)])
    predict loyal: 0 computed, 2 reused (nothing to do), 0.0s
    measure  value
    roc_auc  0.75
    """

    def __init__(self, table: pa.Table, outcomes: list[Outcome]) -> None:
        super().__init__(table)
        self.outcomes = tuple(outcomes)
        """One a task: scores wanted, computed and reused."""

    @property
    def computed(self) -> int:
        """Scores computed in all."""
        return sum(outcome.computed for outcome in self.outcomes)

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self.outcomes), *([super().__repr__()] if len(self) else [])])
