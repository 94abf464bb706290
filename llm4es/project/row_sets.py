"""Rows of one table on their way into the store: compared as they are made, held until they are worth a commit.

In: chunks that were made, live rows. Out: rows_to_keep to commit, each of whole entities. Knows no recipe's fields.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ..core.entities import entity_starts
from ..core.sql import Scope, literal
from ..core.tables import events_table
from .context import Context
from .merging import Ascending, Merging
from .row_chunks import Made
from .selection import RAW

if TYPE_CHECKING:
    import duckdb

    from llm4es_store import Run
    from llm4es_store.live import ScopeRows

ROWS_AT_ONCE, BYTES_AT_ONCE = 400_000, 192 * 2**20
"""Events, or bytes of events and texts, that are written and committed at a time: the bound on memory."""


@dataclass
class RowSet:
    """The rows of one scope: what is live, and what is wanted."""

    table: str
    scope: Scope
    key: tuple[str, ...]
    live: "ScopeRows"
    merging: Merging

    def record(self, run: "Run") -> None:
        """Enter why rows were written."""
        reasons = run.record.reasons.setdefault(self.table, {})
        gone = {"vanished": self.merging.vanished} if self.merging.vanished else {}
        for why, count in [*self.merging.why.items(), *gone.items()]:
            reasons[why] = reasons.get(why, 0) + count


@dataclass
class RowsToKeep:
    """What is committed together: of each set the rows that go and those that come."""

    sets: Sequence[RowSet]
    rows: list[list[pa.Table]] = field(default_factory=list)
    stale: list[list[pa.Table]] = field(default_factory=list)
    reasons: list[dict[str, str]] = field(default_factory=list)
    """Of each set, why an entity's rows come."""
    n_rows: int = 0
    n_bytes: int = 0

    def __post_init__(self) -> None:
        self.rows, self.stale = [[] for _ in self.sets], [[] for _ in self.sets]
        self.reasons = [{} for _ in self.sets]

    def add(self, at: int, rows: pa.Table | None, stale: pa.Table, reasons: Mapping[str, str] | None = None) -> None:
        """Rows of one of the sets."""
        self.reasons[at].update(reasons or {})
        if rows is not None and len(rows):
            self.rows[at].append(rows)
            self.n_rows, self.n_bytes = self.n_rows + len(rows), self.n_bytes + rows.nbytes
        if len(stale):
            self.stale[at].append(stale)
            self.n_rows += len(stale)

    @property
    def is_full(self) -> bool:
        """Whether it is worth a commit."""
        return self.n_rows >= ROWS_AT_ONCE or self.n_bytes >= BYTES_AT_ONCE

    def keep(self, run: "Run") -> None:
        """Commit it, set by set."""
        for each, rows, stale in zip(self.sets, self.rows, self.stale, strict=True):
            is_events = each is self.sets[-1]
            written, come = 0, pa.concat_tables(rows) if rows else None
            schema = come.schema if is_events and come is not None else None  # each dataset has events of its own kind
            if stale and come is not None:
                gone = pa.concat_tables(stale)
                written = run.replace_rows(each.table, each.scope, gone, come, each.key, schema=schema)
            elif come is not None:
                written = run.append(each.table, each.scope, come, each.key, schema=schema)
            elif stale:
                run.drop(each.table, each.scope, pa.concat_tables(stale))
            run.record.rows_computed += 0 if is_events else written


def rows_to_keep(chunks: Iterator[Made], sets: Sequence[RowSet]) -> Iterator[RowsToKeep]:
    """What of the chunks is not live, in rows_to_keep that are worth a commit; at the end what has vanished.

    Parameters
    ----------
    chunks : iterator of Made
        In order.
    sets : sequence of RowSet
        One a cut of the texts, then the events.

    Yields
    ------
    RowsToKeep
        Texts of an entity never after its events.
    """
    held = RowsToKeep(sets)
    for made in chunks:
        for at, each in enumerate(sets):
            is_events = at == len(sets) - 1
            change = each.merging.change(made.ids, made.histories if is_events else made.texts[at])
            if change.is_nothing:
                continue
            rows = made.events if is_events else made.texts[at]
            if not change.all_chosen:
                rows = rows.filter(_of_events(rows, change.chosen) if is_events else change.chosen)
            held.add(at, rows, change.stale, change.reasons)
        if held.is_full:
            yield held
            held = RowsToKeep(sets)
    for at, each in enumerate(sets):
        held.add(at, None, each.merging.rest())
    if held.n_rows:
        yield held


def text_rows(
    context: Context, connection: "duckdb.DuckDBPyConnection", config: str, *, complete: bool, chosen: str
) -> RowSet:
    """The raw texts of one configuration.

    Parameters
    ----------
    context : Context
        Store and dataset.
    connection : duckdb.DuckDBPyConnection
        Of ``llm4es_store.comparing``.
    config : str
        The texts' configuration.
    complete : bool
        Whether everybody is wanted.
    chosen : str
        SQL condition of the live rows that are compared, such as ``looked_at`` gives.

    Returns
    -------
    RowSet
        For ``rows_to_keep``.
    """
    from llm4es_store import in_order, live_rows

    scope, related = {"dataset": context.dataset, "config_id": config}, {"dataset": context.dataset, "variant": RAW}
    live = live_rows(context.store, "texts", scope)
    others = live_rows(context.store, "texts", related, f"config_id <> {literal(config)}")
    known = f"SELECT entity_id, source_hash FROM ({live.rows}) WHERE {chosen}"
    merging = Merging(
        Ascending(in_order(connection, known, ["entity_id", "source_hash"])),
        lambda: Ascending(in_order(connection, f"FROM ({others.rows}) WHERE {chosen}", ["entity_id"])),
        complete,
    )
    return RowSet("texts", scope, ("entity_id", "variant"), live, merging)


def events_rows(context: Context, connection: "duckdb.DuckDBPyConnection", *, complete: bool, chosen: str) -> RowSet:
    """The events of the dataset, hidden fields included. Parameters and result as of ``text_rows``."""
    from llm4es_store import in_order, live_rows

    table, scope = events_table(context.dataset), {"dataset": context.dataset}
    live = live_rows(context.store, table, scope, "position = 0")  # the first stands for all of the entity
    known = f"SELECT entity_id, source_hash FROM ({live.rows}) WHERE {chosen}"
    merging = Merging(Ascending(in_order(connection, known, ["entity_id", "source_hash"])), complete=complete)
    return RowSet(table, scope, ("entity_id", "position"), live, merging)


READ = "entity_id IN (SELECT entity_id FROM to_read)"
"""SQL condition of the live rows of whoever is read."""


def looked_at(*, complete: bool, some: bool) -> str:
    """SQL condition of the live rows that are compared: of whoever is read, and is there no more.

    Parameters
    ----------
    complete : bool
        Whether everybody is wanted.
    some : bool
        Whether only those of the table ``to_read`` are read.

    Returns
    -------
    str
        For ``text_rows`` and ``events_rows``.
    """
    if not some:
        return "true"
    return f"({READ} OR entity_id NOT IN (SELECT entity_id FROM everybody))" if complete else READ


def _of_events(events: pa.Table, chosen: pa.Array) -> pa.Array:
    """For each event, whether its entity is chosen."""
    starts = entity_starts(events["entity_id"].combine_chunks())
    counts = np.diff(np.append(starts, len(events)))
    return pa.array(np.repeat(np.asarray(chosen), counts))
