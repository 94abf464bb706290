"""What ``run`` gives back.

In: the stages' outcomes, a comparison. Out: one value that shows both, on a terminal and in a notebook.
"""

from dataclasses import dataclass
from html import escape

from .outcome import Outcome
from .plan_lines import plan_lines
from .result import Result


@dataclass(frozen=True)
class RunResult:
    """What the stages did, or with a dry run would do, and how everything compares.

    Examples
    --------
    >>> RunResult((Outcome("serialize", "shop", rows=20, computed=0, reused=20),), None)
    serialize shop: 0 computed, 20 reused (nothing to do), 0.0s
    """

    outcomes: tuple[Outcome, ...]
    """One a stage, model and task, in order."""

    comparison: Result | None
    """Everything probed side by side; None: a dry run, or a recipe without tasks."""

    def __repr__(self) -> str:
        if self.outcomes and all(outcome.dry_run for outcome in self.outcomes):
            return "\n".join(plan_lines(self.outcomes))
        lines = [repr(outcome) for outcome in self.outcomes]
        return "\n".join(lines if self.comparison is None else [*lines, "", repr(self.comparison)])

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        if self.comparison is None:
            return f"<pre>{escape(repr(self))}</pre>"
        done = "<br>".join(f"<code>{escape(repr(outcome))}</code>" for outcome in self.outcomes)
        return f"{done}{self.comparison._repr_html_()}"
