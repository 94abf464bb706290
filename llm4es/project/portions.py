"""Input of a stage in portions that several processes take as they come to need one.

In: record batches in which the rows of an entity are adjacent. Out: portions, each given out until somebody has
finished it; of what comes of one twice, because a process was killed, nothing is told twice. Knows neither processes
nor stages.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import among, entity_starts, whole_entities
from .increments import Increment, TableRows
from .skips import Skips

MOST_ROWS, FEWEST_ROWS = 64, 4
"""Rows of a portion: many while there is much to do, few towards the end, so that all end together."""

_TWICE = 2
"""Deaths over one portion that are no accident."""


@dataclass
class Portion:
    """Some of the input, and what of its output has been passed on.

    Examples
    --------
    >>> portion = Portion(pa.record_batch({"entity_id": ["a", "b"]}))
    >>> told = portion.not_told([TableRows("t", pa.table({"entity_id": ["a"]}), ("entity_id",))])
    >>> portion.again()
    >>> (rest,) = portion.not_told([TableRows("t", pa.table({"entity_id": ["a", "b"]}), ("entity_id",))])
    >>> rest.rows["entity_id"].to_pylist()
    ['b']
    """

    rows: pa.RecordBatch
    """The input."""

    deaths: int = 0
    """Workers that died over it."""

    _told: list[TableRows] = field(default_factory=list)
    _before: list[TableRows] = field(default_factory=list)
    _advanced: int = 0
    _skips: Skips = field(default_factory=Skips)

    def again(self) -> None:
        """All of it will be done once more."""
        self._before, self._told = [*self._before, *self._told], []
        self._skips.add(self._advanced)
        self._advanced = 0

    def halves(self) -> "list[Portion]":
        """Two portions of its entities, of which one may be done though the other kills whoever reads it; one entity
        stays as it is."""
        starts = entity_starts(self.rows["entity_id"])
        if len(starts) < 2:
            return [self]
        half = int(starts[len(starts) // 2])
        return [
            Portion(rows, 1, _before=list(self._before), _skips=self._skips)
            for rows in (self.rows.slice(0, half), self.rows.slice(half))
        ]

    def not_told(self, increment: Increment) -> Increment:
        """What of an increment has not been passed on before.

        Parameters
        ----------
        increment : sequence of TableRows
            What came of this portion.

        Returns
        -------
        sequence of TableRows
            The same without the rows whose key was there when it was done the first time.
        """
        fresh = []
        for part in increment:
            for before in (one for one in self._before if part.key and (one.table, one.key) == (part.table, part.key)):
                rows = part.rows.filter(pc.invert(among(part.rows, before.rows, part.key)))
                whole = not part.files or (part.whole and len(rows) == len(part.rows))
                part = replace(part, rows=rows, whole=whole)
            if part.key:
                self._told.append(TableRows(part.table, part.rows.select(part.key), part.key))
            if len(part.rows):
                fresh.append(part)
        return fresh

    def advanced(self, more: int) -> int:
        """How much of what is done now was not told to be done before.

        Parameters
        ----------
        more : int
            Units that a process has done.

        Returns
        -------
        int
            At most as many.
        """
        self._advanced += more
        return more - self._skips.take(more)


class Portions:
    """What is left to do, for several threads that hand it on.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        The rows of an entity adjacent. Read ahead by some portions a share.
    shares : int
        How many take portions at once.
    most_rows, fewest_rows : int
        Rows of a portion, and towards the end.
    patience : int, optional
        Workers that may die over one entity before it is left out; a portion that two died over is halved. None: a
        portion is given out again, however many died.

    Examples
    --------
    >>> portions = Portions([pa.record_batch({"entity_id": ["a", "a"]})], shares=1)
    >>> portions.take().rows["entity_id"].to_pylist()
    ['a', 'a']
    >>> portions.finished(); portions.take()
    """

    def __init__(
        self,
        batches: Iterable[pa.RecordBatch],
        shares: int,
        *,
        most_rows: int = MOST_ROWS,
        fewest_rows: int = FEWEST_ROWS,
        patience: int | None = None,
    ) -> None:
        self._batches: Iterator[pa.RecordBatch] = whole_entities(batches)
        self._shares, self._most_rows, self._fewest_rows, self._patience = shares, most_rows, fewest_rows, patience
        self.left_out: list[str] = []
        """Entities over which too many workers died."""
        self._ahead: deque[pa.RecordBatch] = deque()
        self._returned: deque[Portion] = deque()
        self._given = 0
        self._ended = self._closed = False
        self._changed = threading.Condition()

    def take(self) -> Portion | None:
        """The next portion; None: all are finished. Waits where what others have taken may still come back."""
        with self._changed:
            while self._closed or not self._left():
                if self._closed or not self._given:
                    return None
                self._changed.wait()
            self._given += 1
            return self._returned.popleft() if self._returned else Portion(self._cut())

    def close(self) -> None:
        """Nothing more is given out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def finished(self) -> None:
        """A portion that was taken is done."""
        with self._changed:
            self._given -= 1
            self._changed.notify_all()

    def back(self, portion: Portion) -> bool:
        """A portion that was taken is not done, and never will be by whoever took it.

        Parameters
        ----------
        portion : Portion
            What ``take`` gave.

        Returns
        -------
        bool
            Whether less is left than before to look for what kills workers in.
        """
        portion.again()
        portion.deaths += 1
        parts = [portion] if self._patience is None or portion.deaths < _TWICE else portion.halves()
        too_many = len(parts) == 1 and self._patience is not None and portion.deaths >= self._patience
        with self._changed:
            self._given -= 1
            if too_many:
                self.left_out.append(portion.rows["entity_id"][0].as_py())
            else:
                self._returned.extend(parts)
            self._changed.notify_all()
        return too_many or len(parts) > 1

    @property
    def unfinished(self) -> bool:
        """Whether anything is left that nobody has finished."""
        with self._changed:
            return bool(self._given) or self._left()

    def _left(self) -> bool:
        """Whether there is something to take."""
        while not self._ended and sum(map(len, self._ahead)) < 2 * self._shares * self._most_rows:
            batch = next(self._batches, None)
            if batch is None:
                self._ended = True
            else:
                self._ahead.append(batch)
        return bool(self._returned or self._ahead)

    def _cut(self) -> pa.RecordBatch:
        """The next rows: as many as are wanted, and then up to where another entity begins."""
        wanted = self._most_rows
        if self._ended:
            wanted = max(self._fewest_rows, min(wanted, sum(map(len, self._ahead)) // (2 * self._shares)))
        batch = self._ahead.popleft()
        end = next((int(start) for start in entity_starts(batch["entity_id"]) if start >= wanted), len(batch))
        if end < len(batch):
            self._ahead.appendleft(batch.slice(end))
        return batch.slice(0, end)
