"""A stage that reads the store, and writes below it, where it computes: it is handed planned rows and gives files.

In: a stage's set-up, the address of a store, a run that another process has open. Out: increments whose rows lie in
files already; whoever has the run open commits them. Knows no stage and no executor.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import ModelError
from ..core.sql import Scope
from .commits import COMMIT_SECONDS, joined
from .increments import Increment, Setup, TableRows, Work
from .models_there import models_there
from .observer import Advance

if TYPE_CHECKING:
    from llm4es_store import Store


PORTION = 512, 4
"""Planned rows of a portion, and towards the end."""


@dataclass(frozen=True)
class AtTheStore:
    """A set-up for whoever sees the store: it opens the store where the work is done."""

    store: str
    """Folder or URI, as every worker sees it."""

    most_rows: int
    """Rows of a portion: what a worker is handed at a time, and does again where another one died."""

    fewest_rows: int
    """The same towards the end, where portions become smaller so that all end together."""

    def __call__(self) -> Work:
        """Set the stage up."""
        raise NotImplementedError


@dataclass(frozen=True)
class There(AtTheStore):
    """A set-up around a stage's own, which is handed planned rows."""

    setup: Setup
    """The stage's: it pickles."""

    inputs: str
    """SELECT of what the stage reads, over the store's views and ``todo``."""

    batch_rows: int
    """Rows of input handed over at a time."""

    scope: Scope
    """What of the tables the run is answerable for."""

    run_id: str
    """Whose rows they are."""

    own: tuple[str, ...] = ()
    """Tables whose rows the run takes itself."""

    def __call__(self) -> Work:
        """Open the store, and set the stage up, with the models of this machine."""
        from llm4es_store import Store

        store = Store(self.store)
        return _Stage(self, models_there(self.setup, store)(), store)


class _Stage:
    """The stage around its store; ``stop`` makes it end early, and give what it has."""

    def __init__(self, there: There, work: Work, store: "Store") -> None:
        self._there, self._work, self._store = there, work, store
        self._stopped = False

    def stop(self) -> None:
        """End the portion that is being done, with what is made of it."""
        self._stopped = True

    def __call__(self, portions: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for todo in portions:
            yield from self._done(todo, advance)

    def _done(self, todo: pa.RecordBatch, advance: Advance) -> Iterator[Increment]:
        """An increment every some seconds, and an empty one for each that is not written yet: there is progress."""
        held: list[Increment] = []
        with self._store.connect() as connection:
            connection.register("todo", pa.Table.from_batches([todo]))
            batches = connection.sql(self._there.inputs).to_arrow_reader(self._there.batch_rows)
            began = time.monotonic()
            try:
                for increment in self._work(batches, advance):
                    held.append(increment)
                    yield []
                    if self._stopped:
                        break
                    if time.monotonic() - began > COMMIT_SECONDS:
                        now, held = held, []
                        yield self._written(now)
                        began = time.monotonic()
            except ModelError:
                if held:
                    yield self._written(held)
                raise
        if held:
            yield self._written(held)

    def _written(self, increments: list[Increment]) -> Increment:
        return [self._in_files(rows) for rows in joined(increments)]

    def _in_files(self, rows: TableRows) -> TableRows:
        """Rows of the job's scope in files; those that the run takes itself as they are."""
        from llm4es_store.elsewhere import written_elsewhere

        there = self._there
        if rows.scope is not None or rows.table in there.own or not len(rows.rows):
            return rows
        files = written_elsewhere(self._store, rows.table, there.scope, there.run_id, rows.rows, rows.key)
        return rows if files is None else replace(rows, rows=rows.rows.select(list(rows.key)), files=tuple(files))
