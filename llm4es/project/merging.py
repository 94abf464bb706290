"""Rows that are made in the order of their entities, beside those that are live: what is new, changed or gone.

In: live rows in order, chunks of wanted ones. Out: of each chunk what has to be written, and why; at the end who has
vanished. Both sides are read once, side by side, so no step looks at everybody at once. Knows no stage.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import among
from ..core.plan import Reason

KEY = ("entity_id", "source_hash")


@dataclass(frozen=True)
class Change:
    """What of a chunk's wanted rows is not live."""

    chosen: pa.Array
    """For each wanted row, whether it has to be written."""
    reasons: dict[str, str]
    """Entity -> why, of those."""
    stale: pa.Table
    """Live rows (entity_id, source_hash) of these entities that no wanted row confirms."""

    @property
    def all_chosen(self) -> bool:
        """Whether every wanted row has to be written."""
        return len(self.reasons) == len(self.chosen)

    @property
    def is_nothing(self) -> bool:
        """Whether all that is wanted is live, and nothing else."""
        return not self.reasons and not len(self.stale)


class Ascending:
    """Rows in ascending order of their first column, taken up to one of its values.

    Examples
    --------
    >>> rows = pa.table({"entity_id": ["a", "b", "d"]}).to_reader()
    >>> ascending = Ascending(rows)
    >>> ascending.upto("c").to_pydict(), ascending.rest().to_pydict()
    ({'entity_id': ['a', 'b']}, {'entity_id': ['d']})
    """

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader, self._held = reader, reader.schema.empty_table()

    def upto(self, last: str) -> pa.Table:
        """Those at or below a value that were not taken yet."""
        parts = [self._held]
        while not len(parts[-1]) or parts[-1].column(0)[-1].as_py() <= last:
            batch = next(self._reader, None)
            if batch is None:
                break
            if batch.num_rows:
                parts.append(pa.Table.from_batches([batch]))
        table = pa.concat_tables(parts)
        count = pc.sum(pc.less_equal(table.column(0), last)).as_py() or 0
        self._held = table.slice(count)
        return table.slice(0, count)

    def rest(self) -> pa.Table:
        """All others."""
        return pa.concat_tables([self._held, self._reader.read_all()])


@dataclass
class Merging:
    """The live rows of one scope beside those that are wanted.

    Examples
    --------
    >>> live = pa.table({"entity_id": ["a", "b", "c"], "source_hash": ["1", "1", "1"]})
    >>> merging = Merging(Ascending(live.to_reader()))
    >>> ids = pa.array(["a", "c", "d"])
    >>> change = merging.change(ids, pa.table({"entity_id": ids, "source_hash": ["1", "2", "1"]}))
    >>> change.reasons, change.stale["entity_id"].to_pylist(), merging.vanished
    ({'c': 'text changed', 'd': 'new'}, ['b', 'c'], 1)
    """

    live: Ascending
    """``entity_id`` and ``source_hash``."""
    related: Callable[[], Ascending] | None = None
    """Entities that have such a row under another configuration; asked only where one is needed."""
    complete: bool = True
    """Whether all is wanted that should be live, so that what is not has vanished."""
    vanished: int = 0
    """Entities that are live and no longer wanted, so far."""
    reused: int = 0
    why: Counter[str] = field(default_factory=Counter)
    _related: Ascending | None = None

    def change(self, ids: pa.Array, wanted: pa.Table) -> Change:
        """What has to be written of the wanted rows of a chunk of entities, whose ids ascend from chunk to chunk."""
        live = self.live.upto(ids[-1].as_py())
        wanted = wanted.select(KEY)
        if len(live) == len(wanted) and all(live[column].equals(wanted[column]) for column in KEY):
            self.reused += len(wanted)
            return Change(pa.array(np.zeros(len(wanted), bool)), {}, live.slice(0, 0))
        todo = np.ones(len(wanted), bool)
        if len(live):
            todo = ~_mask(among(wanted, live, KEY))
            live = live.filter(pa.array(~_mask(among(live, wanted, KEY))))
        stale = live.filter(pc.is_in(live["entity_id"], wanted["entity_id"].combine_chunks()))
        reasons = self._reasons(wanted["entity_id"].filter(pa.array(todo)), stale)
        self.reused += len(wanted) - len(reasons)
        self.why.update(reasons.values())
        if not self.complete:
            return Change(pa.array(todo), reasons, stale)
        self.vanished += len(live["entity_id"].unique()) - len(stale["entity_id"].unique())
        return Change(pa.array(todo), reasons, live)

    def rest(self) -> pa.Table:
        """The live rows (entity_id, source_hash) of entities behind the last chunk; none where not all is wanted."""
        live = self.live.rest()
        if not self.complete:
            return live.slice(0, 0)
        self.vanished += len(live["entity_id"].unique())
        return live

    def _reasons(self, todo: pa.ChunkedArray, stale: pa.Table) -> dict[str, str]:
        reasons = dict.fromkeys(todo.to_pylist(), str(Reason.NEW))
        if not reasons:
            return reasons
        if self.related is not None:
            self._related = self._related or self.related()
            known = self._related.upto(todo[-1].as_py())["entity_id"]
            reasons |= dict.fromkeys(
                known.filter(pc.is_in(known, todo.combine_chunks())).to_pylist(), str(Reason.CONFIG)
            )
        changed = stale["entity_id"]
        changed = changed.filter(pc.is_in(changed, todo.combine_chunks()))
        return reasons | dict.fromkeys(changed.to_pylist(), str(Reason.CHANGED))


def _mask(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(column.to_numpy(), bool)
