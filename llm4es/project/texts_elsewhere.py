"""Events handed to workers who write their texts, and what the workers have written, committed.

In: events in order, the sets of rows that are wanted. Out: commits, and counts. Knows no raw files; the executor says
where the workers are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import whole_entities
from ..recipes import Recipe
from ..recipes.derive import events_schema
from .commits import buffered, commit_behind
from .context import Context
from .increments import Increment
from .making import Making
from .merging import Ascending
from .observer import Advance
from .row_sets import RowSet, RowsToKeep
from .texts_there import EVENTS_A_PORTION, FEWEST, WHO, TextsThere, coming, going, own_column

if TYPE_CHECKING:
    from llm4es_store import Run

NOBODY_ELSE = "entity_id NOT IN (SELECT entity_id FROM wanted)"
"""SQL condition of the live rows that the workers do not look at: of those who are there no more."""


def keep_elsewhere(
    context: Context,
    run: "Run",
    sets: Sequence[RowSet],
    makings: Sequence[Making],
    events: Iterable[pa.RecordBatch],
    recipe: Recipe,
    advance: Advance,
    met: Callable[[pa.Table], None],
    *,
    complete: bool,
) -> None:
    """Have the events read by the workers of the context's executor, and commit what they write as it comes.

    Parameters
    ----------
    context : Context
        Its executor is one at the store.
    run : Run
        Open; it knows of the sets' standing.
    sets : sequence of RowSet
        One a cut of the texts, then the events; of those who are not among ``events``.
    makings : sequence of Making
        The texts that are wanted.
    events : iterable of pyarrow.RecordBatch
        In order.
    recipe : Recipe
        Its bins with their edges.
    advance : callable
        Takes how many more events are read.
    met : callable
        Takes who was read: ``entity_id``, ``first`` (time of the first event), and of each cut whether there is a text.
    complete : bool
        Whether everybody is wanted.
    """
    batches = _with_own(whole_entities(events), makings)
    first = next(batches, None)
    if first is not None:  # else no worker is started
        for each in sets[:-1]:
            run.make(each.table)
        run.make(sets[-1].table, pa.schema([*events_schema(recipe.fields), ("source_hash", pa.string())]))
        cuts = tuple(making.cut for making in makings)
        there = TextsThere(str(context.store.layout.root), EVENTS_A_PORTION, FEWEST, recipe, cuts, complete, run.run_id)
        increments = context.executor.map(there, chain([first], batches), advance)
        commit_behind(buffered(increments), lambda increment: _keep(run, sets, increment, met))
    gone = RowsToKeep(sets)
    for at, each in enumerate(sets):
        gone.add(at, None, each.merging.rest())
    if gone.n_rows:
        gone.keep(run)


def _with_own(events: Iterable[pa.RecordBatch], makings: Sequence[Making]) -> Iterator[pa.RecordBatch]:
    """Whole entities' events, with each one's own cut-offs beside them."""
    cutoffs = {
        at: Ascending(making.own.select(["entity_id", "as_of"]).sort_by("entity_id").to_reader())
        for at, making in enumerate(makings)
        if making.own is not None
    }
    for batch in events:
        ids = batch["entity_id"]
        for at, ascending in cutoffs.items():
            own = ascending.upto(ids[-1].as_py())
            dates = own["as_of"].combine_chunks().take(pc.index_in(ids, own["entity_id"].combine_chunks()))
            batch = batch.append_column(own_column(at), dates)
        yield batch


def _keep(run: "Run", sets: Sequence[RowSet], increment: Increment, met: Callable[[pa.Table], None]) -> None:
    """Commit what the workers have written, set by set."""
    told = {part.table: part for part in increment}
    if WHO in told:
        met(told[WHO].rows)
    for at, each in enumerate(sets):
        come, gone = told.get(coming(at)), told.get(going(at))
        stale = None if gone is None else gone.rows
        read = set() if come is None else {*come.rows["entity_id"].to_pylist()}
        if stale is not None:
            each.merging.vanished += len({*stale["entity_id"].to_pylist()} - read)
        if come is not None:
            each.merging.why.update(come.rows["reason"].to_pylist())
            n_rows, keys = pc.sum(come.rows["n_rows"]).as_py(), come.rows.select(["entity_id"])
            written = run.append_files(each.table, each.scope, come.files, keys, each.key, n_rows=n_rows, stale=stale)
            run.record.rows_computed += 0 if each is sets[-1] else written
        elif stale is not None:
            run.drop(each.table, each.scope, stale)
