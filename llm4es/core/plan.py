"""What has to be computed, and why: the value that a store's plan hands to whoever computes.

In: nothing. Out: a plan's shape. Knows neither stages nor files.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import pyarrow as pa

from .sql import Scope


class Reason(StrEnum):
    """Why a row is computed."""

    NEW = "new"  # the subject has no such row
    CHANGED = "text changed"  # it was made from other content
    CONFIG = "other settings"  # the subject has such a row, under another configuration
    MODEL = "model changed"  # the name stood for other weights
    LABELS = "labels changed"  # it was made from other labels
    ENTITIES = "other entities"  # it was made of more or fewer
    ANEW = "read otherwise before"  # it was made from this content, in a way that was wrong


@dataclass(frozen=True)
class Plan:
    """The difference between what is wanted and what is live."""

    todo: pa.Table
    """Wanted rows to compute, in the order wanted, with a column ``reason``."""
    stale: pa.Table
    """Live rows (subject, source_hash) that no wanted row confirms: made from other content, or vanished."""
    vanished: int
    """Subjects that are live and no longer wanted; 0 where the wanted set was not the whole."""
    reused: int
    """Wanted rows that are live already."""
    table: str
    """The table whose rows are planned."""
    subject: str
    """The column that says whom a row is about, the first of the key: entity_id, a probe's features, a model."""
    scope: Scope
    """The rows of it that the plan is about."""
    version: int | None
    """Delta version of the table that was looked at; None: there was none."""
    commits: int
    """Commits made in the scope until then: a writer knows from it whether somebody else wrote since."""

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> rows to compute."""
        counts = self.todo["reason"].value_counts()  # of each in the order of its first row
        return {each["values"]: each["counts"] for each in counts.to_pylist()}

    @property
    def why(self) -> dict[str, int]:
        """The reasons, and how many subjects have vanished."""
        return self.reasons | ({"vanished": self.vanished} if self.vanished else {})

    def because(self, reason: Reason) -> "Plan":
        """The plan in which every row is computed for this reason, which the store cannot know.

        Parameters
        ----------
        reason : Reason
            Why.

        Returns
        -------
        Plan
            With the same rows.
        """
        told = pa.array([reason.value] * len(self.todo), pa.string())
        return replace(self, todo=self.todo.set_column(self.todo.schema.get_field_index("reason"), "reason", told))

    def with_reason(self, reason: Reason, subjects: pa.Array) -> "Plan":
        """The plan in which rows of these subjects are not said to be computed for other content.

        Parameters
        ----------
        reason : Reason
            Why they are.
        subjects : pyarrow.Array
            Whose rows are meant.

        Returns
        -------
        Plan
            With the reason in place of ``Reason.CHANGED`` at them.
        """
        import pyarrow.compute as pc  # who only reads a store has no use for it

        reasons = self.todo["reason"]
        meant = pc.and_(pc.equal(reasons, Reason.CHANGED.value), pc.is_in(self.todo[self.subject], subjects))
        told = pc.if_else(meant, reason.value, reasons)
        return replace(self, todo=self.todo.set_column(self.todo.schema.get_field_index("reason"), "reason", told))
