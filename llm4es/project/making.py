"""The texts of one cut as they are made, chunk by chunk, and who is left without one.

In: chunks of whole entities' events. Out: texts, and sentences about those that have none. Knows no store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError
from ..core.times import shown
from ..recipes import Recipe
from .text_sets import TextSet


@dataclass
class Making:
    """The texts of one cut, as they are made chunk by chunk."""

    cut: TextSet
    own: pa.Table | None
    """Each entity's own cut-off; None: one for everybody."""
    made: int = 0
    """Entities that have a text."""
    too_late: int = 0
    """Entities that have no event before their cut-off, and so no text."""
    example: str = ""
    """One of them."""
    without: int = 0
    """Entities that have no cut-off of their own: no label says when."""

    def texts(self, chunk: pa.RecordBatch, recipe: Recipe) -> pa.Table:
        """The texts of some entities; changes nothing, so that chunks can be written at the same time."""
        return self.cut.texts(chunk, recipe, self.own)

    def count(self, ids: pa.Array, texts: pa.Table) -> None:
        """Count who of some entities has a text."""
        self.made += len(texts)
        if len(texts) == len(ids):
            return
        lacking = ids.filter(pc.invert(pc.is_in(ids, texts["entity_id"].combine_chunks())))
        if self.own is not None:
            cut = lacking.filter(pc.is_in(lacking, self.own["entity_id"].combine_chunks()))
            self.without += len(lacking) - len(cut)
            lacking = cut
        self.too_late += len(lacking)
        self.example = self.example or (lacking[0].as_py() if len(lacking) else "")

    def check(self, dataset: str, first: datetime | None) -> None:
        """DataError where nobody has a text, since the cut-off is before everything."""
        as_of, own = self.cut.options.as_of, self.cut.cutoff.own
        if self.made or not (as_of or own):
            return
        since = f", whose first is of {shown(first)}" if first else ""
        raise DataError(
            f"--as-of {shown(as_of)} is before every event of {dataset!r}{since}: give a later time, or none"
            if as_of
            else f"tasks.{self.cut.cutoff.tasks[0]}.as_of: no entity of {dataset!r} has an event before its own "
            "cut-off: mend the dates, or the ids"
        )

    def left_out(self) -> Iterator[str]:
        """Who has no text, and why."""
        if self.too_late and self.own is None:
            yield f"{self.too_late} entities have no event before {self.cut.options.as_of}, and so no text"
        elif self.too_late:
            yield (
                f"tasks.{self.cut.cutoff.tasks[0]}: {self.too_late} entities, such as {self.example!r}, have no event "
                "before their own cut-off, and so no text"
            )
        if self.without:
            task = self.cut.cutoff.tasks[0]
            yield f"tasks.{task}: {self.without} entities have no label, so no cut-off and no text there"
