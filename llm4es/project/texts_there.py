"""Events to texts where a worker of a cluster computes: it compares them with the store, and writes below it.

In: portions of whole entities' events, in order. Out: increments that say whose rows lie in which files, and which rows
go; whoever has the run open commits them. Knows no executor and no raw files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import StoreError
from ..core.schemas import TIME
from .context import Context
from .increments import Increment, TableRows, Work
from .making import Making
from .merging import KEY
from .observer import Advance
from .raw_rows import read_only
from .row_chunks import Made, chunks_made
from .row_sets import READ, RowSet, RowsToKeep, events_rows, rows_to_keep, text_rows
from .text_sets import TextSet
from .there import AtTheStore

if TYPE_CHECKING:
    from llm4es_store import Store
    from llm4es_store.data_file import DataFile

    from ..recipes import Recipe

WHO = "read"
"""What an increment says besides rows: who was read, and who of them has a text in which cut."""

EVENTS_A_PORTION, FEWEST = 61_440, 8_192
"""Events that a worker is handed at a time: their texts are some MB; and towards the end, at least."""


def coming(at: int) -> str:
    """What an increment calls whose rows come in one of the sets, why, and how many: ``rows 0``."""
    return f"rows {at}"


def going(at: int) -> str:
    """What an increment calls the rows that go in one of the sets."""
    return f"stale {at}"


def own_column(at: int) -> str:
    """The column of events that holds each entity's own cut-off in one of the cuts; no field has such a name."""
    return f"own {at}"


@dataclass(frozen=True)
class TextsThere(AtTheStore):
    """A set-up: texts of every cut, and hashes of histories."""

    recipe: "Recipe"
    """Its bins with their edges."""

    cuts: tuple[TextSet, ...]
    """The texts that are made."""

    complete: bool
    """Whether everybody is wanted."""

    run_id: str
    """Whose rows they are."""

    def __call__(self) -> Work:
        """Open the store."""
        from llm4es_store import Store

        return _Texts(self, Store(self.store))


class _Texts:
    """The stage around its store."""

    def __init__(self, there: TextsThere, store: "Store") -> None:
        self._there = there
        self._context = Context(there.recipe.name, store, there.recipe)

    def __call__(self, portions: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for events in portions:
            yield from self._portion(events, advance)

    def _portion(self, events: pa.RecordBatch, advance: Advance) -> Iterator[Increment]:
        """What of the portion's events and texts is not live."""
        from llm4es_store import comparing

        makings = [Making(cut, _own(events, at)) for at, cut in enumerate(self._there.cuts)]
        events = events.drop_columns([name for name in events.schema.names if name.startswith("own ")])
        met: list[pa.Table] = []
        with comparing(self._context.store) as connection:
            read_only(connection, events["entity_id"].unique())
            asked = partial(text_rows, self._context, connection, complete=self._there.complete, chosen=READ)
            sets = [asked(making.cut.cutoff.config_id) for making in makings]
            sets.append(events_rows(self._context, connection, complete=self._there.complete, chosen=READ))
            made = _met(chunks_made([events], makings, self._there.recipe), met)
            for held in rows_to_keep(made, sets):
                yield [*_said(met), *self._in_files(held)]
        yield _said(met)
        advance(len(events))

    def _in_files(self, held: RowsToKeep) -> Iterator[TableRows]:
        for at, (each, reasons) in enumerate(zip(held.sets, held.reasons, strict=True)):
            if held.rows[at]:
                rows = pa.concat_tables(held.rows[at])
                yield TableRows(coming(at), _counted(rows, reasons), ("entity_id",), files=self._files(each, rows))
            if held.stale[at]:
                yield TableRows(going(at), pa.concat_tables(held.stale[at]), KEY)

    def _files(self, of: RowSet, rows: pa.Table) -> tuple["DataFile", ...]:
        from llm4es_store.elsewhere import written_elsewhere

        files = written_elsewhere(self._context.store, of.table, of.scope, self._there.run_id, rows, of.key)
        if files is None:
            raise StoreError(f"table {of.table!r} of {self._there.store} is not there any more: run it again")
        return tuple(files)


def _own(events: pa.RecordBatch, at: int) -> pa.Table | None:
    """Each entity's own cut-off, of those that have one."""
    if own_column(at) not in events.schema.names:
        return None
    own = pa.table({"entity_id": events["entity_id"], "as_of": events[own_column(at)]}).drop_null()
    return own.group_by(["entity_id", "as_of"], use_threads=False).aggregate([])


def _met(chunks: Iterator[Made], met: list[pa.Table]) -> Iterator[Made]:
    """The same chunks; who is in them is noted."""
    for made in chunks:
        ids = made.ids
        counted = made.events.group_by("entity_id", use_threads=False).aggregate([("event_time", "min")])
        columns = {"entity_id": ids, "first": counted["event_time_min"].cast(TIME)}
        for at, texts in enumerate(made.texts):
            columns[coming(at)] = pc.is_in(ids, texts["entity_id"].combine_chunks())
        met.append(pa.table(columns))
        yield made


def _said(met: list[pa.Table]) -> Sequence[TableRows]:
    """Who was read since this was asked last."""
    if not met:
        return []
    rows = pa.concat_tables(met)
    met.clear()
    return [TableRows(WHO, rows, ("entity_id",))]


def _counted(rows: pa.Table, reasons: dict[str, str]) -> pa.Table:
    """Whose rows they are, why they come, and how many."""
    counts = Counter(rows["entity_id"].to_pylist())
    why = pa.array([reasons[entity] for entity in counts], pa.string())
    return pa.table({"entity_id": list(counts), "reason": why, "n_rows": pa.array(counts.values(), pa.int64())})
