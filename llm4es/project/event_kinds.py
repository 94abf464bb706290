"""Kinds of events, for what reads their texts without a model: the distinct lines, and how many of each an entity has.

In: SQL of events, the fields that a line shows, the item. Out: ids, counts, lines, items. A kind is a distinct line of
one item. Knows no feature and no model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.sql import identifier
from ..recipes import FieldSpec
from ..serialize.event_lines import event_lines, shown_sql
from .context import Context

_ITEM = "item of the event"
"""A column that no field can be called."""


@dataclass(frozen=True)
class EventKinds:
    """What some entities' events are, each distinct line of an item once."""

    context: Context
    """Whose store it is."""

    events: Callable[[Sequence[str]], str]
    """Columns of events -> SELECT of these events, with ``entity_id``."""

    fields: tuple[FieldSpec, ...]
    """What a line shows."""

    item: str | None
    """Column of the item; None: there is none."""

    def texts(self) -> "tuple[list[str], Any]":
        """The line of each kind, and (E,) codes of their items: -1 where an event has none."""
        import numpy as np
        import pyarrow as pa

        table = self.context.store.sql(f"SELECT * EXCLUDE (kind) FROM ({self._kinds}) ORDER BY kind").to_arrow_table()
        columns = [table.column(name).combine_chunks() for name in self._shown]
        items = table[_ITEM].combine_chunks().dictionary_encode().indices.fill_null(-1)
        return event_lines(columns, self.fields).to_pylist(), np.asarray(items.cast(pa.int64()))

    def counts(self, n_kinds: int) -> "tuple[list[str], Any]":
        """Ids of the entities, sorted, and how many events of each kind each has: a sparse (N, E) matrix."""
        import numpy as np
        import pyarrow.compute as pc
        from scipy import sparse

        same = " AND ".join(f"shown.{name} IS NOT DISTINCT FROM kinds.{name}" for name in map(identifier, self._names))
        table = self.context.store.sql(
            f"""SELECT entity_id, kind, count(*) AS n FROM ({self._lines}) AS shown JOIN ({self._kinds}) AS kinds
            ON {same} GROUP BY entity_id, kind"""
        ).to_arrow_table()
        entities = table["entity_id"].combine_chunks().dictionary_encode()
        order = pc.sort_indices(entities.dictionary).to_numpy()
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        cells = place[entities.indices.to_numpy()], table["kind"].to_numpy()
        counted = table["n"].to_numpy().astype(float)
        ids: list[str] = entities.dictionary.take(pc.sort_indices(entities.dictionary)).to_pylist()
        return ids, sparse.csr_matrix((counted, cells), shape=(len(ids), n_kinds))

    @property
    def _shown(self) -> list[str]:
        return [field.name for field in self.fields]

    @property
    def _names(self) -> list[str]:
        return [*self._shown, _ITEM]

    @property
    def _lines(self) -> str:
        """SELECT of what of each event a line shows, and of its item."""
        shown = [f"{shown_sql(field)} AS {identifier(field.name)}" for field in self.fields]
        item = "NULL::VARCHAR" if self.item is None else f"{identifier(self.item)}::VARCHAR"
        columns = [*self._shown, *([self.item] if self.item else [])]
        return f"SELECT entity_id, {', '.join(shown)}, {item} AS {identifier(_ITEM)} FROM ({self.events(columns)})"

    @property
    def _kinds(self) -> str:
        """SELECT of the kinds and their numbers, from 0 in the order of what they show."""
        names = ", ".join(map(identifier, self._names))
        return f"""SELECT row_number() OVER (ORDER BY {names}) - 1 AS kind, {names}
            FROM (SELECT DISTINCT {names} FROM ({self._lines}))"""
