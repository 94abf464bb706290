"""Kinds of events, for what reads their texts without a model: the distinct lines, and how many of each an entity has.

In: SQL of events, the fields that a line shows, the item. Out: ids, counts, lines, items. A kind is a distinct line of
one item. Knows no feature and no model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.limits import FRUGAL
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

    everybody: Callable[[Sequence[str]], str] | None = None
    """As ``events``, of all entities, where these are some of them: their items are coded in the order that all
    entities' have, on which the factors that are learnt of them depend."""

    def texts(self) -> "tuple[list[str], Any]":
        """The line of each kind, and (E,) codes of their items: -1 where an event has none."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self.context.store.sql(f"SELECT * EXCLUDE (kind) FROM ({self._kinds}) ORDER BY kind").to_arrow_table()
        columns = [table.column(name).combine_chunks() for name in self._shown]
        items = table[_ITEM].combine_chunks()
        codes = items.dictionary_encode().indices if self.everybody is None else pc.index_in(items, self._items())
        return event_lines(columns, self.fields).to_pylist(), np.asarray(codes.fill_null(-1).cast(pa.int64()))

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

    def _items(self) -> Any:
        """The items, each once, in the order of the first kind that has it among everybody's."""
        order = ", ".join(f"{name}, 'ASC NULLS LAST'" for name in map(identifier, self._names))
        item = identifier(_ITEM)
        query = f"""SELECT {item} FROM ({self._lines_of(self.everybody or self.events)})
            WHERE {item} IN (SELECT {item} FROM ({self._lines}))
            GROUP BY {item} ORDER BY min(create_sort_key({order}))"""
        return self.context.store.sql(query, limits=FRUGAL).to_arrow_table()[_ITEM].combine_chunks()

    @property
    def _shown(self) -> list[str]:
        return [field.name for field in self.fields]

    @property
    def _names(self) -> list[str]:
        return [*self._shown, _ITEM]

    @property
    def _lines(self) -> str:
        return self._lines_of(self.events)

    def _lines_of(self, events: Callable[[Sequence[str]], str]) -> str:
        """SELECT of what of each event a line shows, and of its item."""
        shown = [f"{shown_sql(field)} AS {identifier(field.name)}" for field in self.fields]
        item = "NULL::VARCHAR" if self.item is None else f"{identifier(self.item)}::VARCHAR"
        columns = [*self._shown, *([self.item] if self.item else [])]
        return f"SELECT entity_id, {', '.join(shown)}, {item} AS {identifier(_ITEM)} FROM ({events(columns)})"

    @property
    def _kinds(self) -> str:
        """SELECT of the kinds and their numbers, from 0 in the order of what they show."""
        names = ", ".join(map(identifier, self._names))
        return f"""SELECT row_number() OVER (ORDER BY {names}) - 1 AS kind, {names}
            FROM (SELECT DISTINCT {names} FROM ({self._lines}))"""
