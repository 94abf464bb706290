"""What a step did, or with a dry run would do.

In: counts and reasons. Out: a value that reads well as a line, as a row of a table, and in a notebook. Knows no step.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ..core.printable import printable_line
from .costs import Estimate
from .underway import duration


@dataclass(frozen=True)
class Outcome:
    """One step's result.

    Examples
    --------
    >>> Outcome("embed", "smollm2-135m", rows=40, computed=2, reused=38, reasons={"text changed": 2}, seconds=1.5)
    embed smollm2-135m: 2 computed, 38 reused (2 text changed), 1.5s
    """

    stage: str
    """Name of the step."""

    what: str
    """Which of several: the model, the task."""

    rows: int
    """Rows wanted."""

    computed: int
    """Rows computed; with a dry run, to compute."""

    reused: int
    """Rows that were there already."""

    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why rows were computed, or vanished -> how many."""

    seconds: float = 0.0
    """By the clock; 0 for a dry run."""

    config_id: str | None = None
    """The configuration of the rows."""

    dry_run: bool = False
    """Planned only: nothing was written."""

    cost: Estimate | None = None
    """What the work will cost, of a dry run; None: there is none, or nobody counts it."""

    message: str = ""
    """What else has to be said of the result, in a sentence."""

    @property
    def why(self) -> str:
        """The reasons as text."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.reasons.items() if count)
        return reasons or ("nothing to do" if not self.computed else "")

    def row(self) -> dict[str, Any]:
        """As a row of the summary.

        Returns
        -------
        dict
            ``stage``, ``what``, ``rows``, ``computed`` (``to compute`` with a dry run), ``reused``, ``why`` and
            ``seconds``; with a dry run ``tokens`` before them, and the seconds are estimated: None where nobody knows.

        Examples
        --------
        >>> Outcome("embed", "m", rows=2, computed=1, reused=1, reasons={"new": 1}).row()["why"]
        '1 new'
        """
        counts = {"stage": self.stage, "what": self.what, "rows": self.rows}
        if not self.dry_run:
            done = {"computed": self.computed, "reused": self.reused, "why": self.why}
            return {**counts, **done, "seconds": round(self.seconds, 1)}
        cost = self.cost or Estimate(seconds=None if self.computed else 0.0)
        planned = {"to compute": self.computed, "reused": self.reused, "why": self.why}
        seconds = None if cost.seconds is None else round(cost.seconds, 1)
        return {**counts, **planned, "tokens": cost.tokens, "seconds": seconds}

    def __repr__(self) -> str:
        done = "to compute" if self.dry_run else "computed"
        took = (f", {self.cost}" if self.cost else "") if self.dry_run else f", {duration(self.seconds)}"
        what = printable_line(self.what)
        return f"{self.stage} {what}: {self.computed} {done}, {self.reused} reused ({self.why}){took}"

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        message = f"<br>{escape(self.message)}" if self.message else ""
        return f"<code>{escape(repr(self))}</code>{message}"


class Outcomes:
    """Several outcomes of one step, such as one a task, in order.

    Examples
    --------
    >>> Outcomes([Outcome("probe", "gender", rows=2, computed=0, reused=2)])
    probe gender: 0 computed, 2 reused (nothing to do), 0.0s
    """

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self._outcomes = tuple(outcomes)

    @property
    def computed(self) -> int:
        """Rows computed in all."""
        return sum(outcome.computed for outcome in self)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __getitem__(self, place: int) -> Outcome:
        return self._outcomes[place]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return "<br>".join(outcome._repr_html_() for outcome in self)
