"""What ``run`` gives back.

In: the stages' outcomes, a comparison. Out: one value that shows both, on a terminal and in a notebook, and is one JSON
document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from .outcome import Outcome
from .plan_lines import WIDTH
from .run_tree import Branch, done_tree, plan_tree

if TYPE_CHECKING:
    from .compare import Comparison
    from .context import Context


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

    comparison: "Comparison | None"
    """Everything probed side by side; None: a dry run, or a recipe without tasks."""

    dataset: str = ""
    """Name of the data."""

    store: str = ""
    """Where the results lie."""

    plan: tuple[Outcome, ...] | None = None
    """What was planned before the work, as a dry run plans; None: nothing was."""

    context: "Context | None" = field(default=None, repr=False, compare=False)
    """Where it was done: asked for what lies there; None: nothing is said of that."""

    @cached_property
    def lies(self) -> tuple[Mapping[str, int], ...]:
        """Of each outcome: the view that holds what it makes -> its rows."""
        from .where_it_lies import where_it_lies

        return ({},) * len(self.outcomes) if self.context is None else where_it_lies(self.context, self.outcomes)

    @cached_property
    def next(self) -> tuple[str, ...]:
        """Three commands that go on from here, as a shell takes them."""
        from .next_commands import next_commands

        return () if self.context is None else next_commands(self.context, self.outcomes, self.comparison or ())

    @property
    def dry_run(self) -> bool:
        """Whether all of it was planned only."""
        return bool(self.outcomes) and all(outcome.dry_run for outcome in self.outcomes)

    @property
    def tree(self) -> Branch:
        """The stages, and with what was done where it lies."""
        if self.dry_run:
            return plan_tree(self.dataset, self.outcomes)
        return done_tree(self.dataset, self.store, self.outcomes, self.lies)

    def document(self) -> dict[str, Any]:
        """All of it as plain values, as ``--format json`` prints it.

        Returns
        -------
        dict
            ``dataset``, ``store``, and ``plan``: a dict an outcome, None where nothing was planned. Of what was done
            also ``done``, each with its ``tables``; ``comparison``, a dict a row; its ``cautions``; ``next``.

        Examples
        --------
        >>> planned = project.run(model=folder, k=1, max_length=64, finetune="none", dry_run=True).document()
        >>> [stage["stage"] for stage in planned["plan"]]
        ['serialize', 'enrich', 'embed', 'probe']
        """
        head = {"dataset": self.dataset, "store": self.store}
        if self.dry_run:
            return {**head, "plan": _planned(self.outcomes)}
        return {
            **head,
            "plan": None if self.plan is None else _planned(self.plan),
            "done": [_done(outcome, views) for outcome, views in zip(self.outcomes, self.lies, strict=True)],
            "comparison": [] if self.comparison is None else self.comparison.to_pylist(),
            "cautions": [] if self.comparison is None else self.comparison.cautions,
            "next": list(self.next),
        }

    def __repr__(self) -> str:
        if self.dry_run:
            return "\n".join(self.tree.lines(WIDTH))
        lines = [repr(outcome) for outcome in self.outcomes]
        return "\n".join(lines if self.comparison is None else [*lines, "", repr(self.comparison)])

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        if self.comparison is None:
            return f"<pre>{escape(repr(self))}</pre>"
        done = "<br>".join(f"<code>{escape(repr(outcome))}</code>" for outcome in self.outcomes)
        return f"{done}{self.comparison._repr_html_()}"


def _planned(outcomes: tuple[Outcome, ...]) -> list[dict[str, Any]]:
    """The rows of the summary; of what is to be made the configuration is not known yet, where a model is."""
    return [{**outcome.row(), "reasons": dict(outcome.reasons)} for outcome in outcomes]


def _done(outcome: Outcome, views: Mapping[str, int]) -> dict[str, Any]:
    """The row of the summary, and what it has no column for."""
    more = {"reasons": dict(outcome.reasons), "config_id": outcome.config_id, "message": outcome.message}
    return {**outcome.row(), **more, "tables": dict(views)}
