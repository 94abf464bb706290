"""The texts of one cut as they are made, chunk by chunk, and who is left without one.

In: chunks of whole entities' events. Out: texts, and sentences about those that have none. Knows no store.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import entity_starts
from ..core.errors import DataError
from ..core.schemas import TEXTS
from ..core.times import shown
from ..recipes import Recipe
from .text_sets import TextSet

NOBODY = TEXTS.empty_table().select(["entity_id", "source_hash"])
"""No entity at all."""


@dataclass
class Making:
    """The texts of one cut, as they are made chunk by chunk."""

    cut: TextSet
    own: pa.Table | None
    """Each entity's own cut-off; None: one for everybody."""
    made: list[pa.Table] = field(default_factory=lambda: [NOBODY])
    too_late: int = 0
    """Entities that have no event before their cut-off, and so no text."""
    example: str = ""
    """One of them."""
    without: int = 0
    """Entities that have no cut-off of their own: no label says when."""

    def texts(self, chunk: pa.RecordBatch, recipe: Recipe) -> pa.Table:
        """The texts of some entities; those that have none are counted."""
        texts = self.cut.texts(chunk, recipe, self.own)
        ids = chunk["entity_id"].take(pa.array(entity_starts(chunk["entity_id"])))
        lacking = ids.filter(pc.invert(pc.is_in(ids, texts["entity_id"].combine_chunks())))
        if self.own is not None:
            cut = lacking.filter(pc.is_in(lacking, self.own["entity_id"].combine_chunks()))
            self.without += len(lacking) - len(cut)
            lacking = cut
        self.too_late += len(lacking)
        self.example = self.example or (lacking[0].as_py() if len(lacking) else "")
        self.made.append(texts.select(["entity_id", "source_hash"]))
        return texts

    def check(self, dataset: str, first: datetime | None) -> None:
        """DataError where nobody has a text, since the cut-off is before everything."""
        as_of, own = self.cut.options.as_of, self.cut.cutoff.own
        if any(len(table) for table in self.made) or not (as_of or own):
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
