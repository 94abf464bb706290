"""What ``embed --history events`` does in a dry run: count the tokens to be read, and have rows stand in for them.

In: a request, a plan's distinct events. Out: numbers; rows in a rehearsal's store. Reads no event by a model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.plan import Plan
from ..models.sentence_modules import read_modules
from ..options import Pooling
from .event_request import EventRequest
from .event_texts import DistinctEvents
from .incremental import plan_of
from .rehearsal import stand_in
from .stand_ins import of_embeddings
from .token_counts import events_to_embed

if TYPE_CHECKING:
    from llm4es_store import Run


def tokens_to_read(asked: EventRequest, lacking: Plan) -> int:
    """Tokens of the events that nobody has read, each counted."""
    before = asked.vectors.context
    if asked.options.pooling is Pooling.MODEL:
        before = read_modules(asked.ref.folder, asked.ref.name, asked.ref.dim).prompt
    return events_to_embed(asked.ref, asked.load, asked.options, lacking.todo["event_text"].to_pylist(), before)


def stand_ins(asked: EventRequest) -> dict[str, Any]:
    """What the rows of ``embeddings`` say that stand for those to be pooled."""
    return of_embeddings(asked.options, asked.load, asked.space.fingerprint, asked.ref.dim, reading=asked.words)


def drop_wrong_vectors(asked: EventRequest, run: "Run") -> None:
    """Drop what was made wrongly under the model's name."""
    context = asked.context
    if not asked.space.wrong:
        return
    other = asked.space.replaced
    run.delete("embeddings", {"dataset": context.dataset, "model": asked.space.name}, other)
    for table in ("layers", "event_vectors"):
        if context.store.table(table) is not None:
            scope = {"model": asked.space.name} | ({"dataset": context.dataset} if table == "layers" else {})
            run.delete(table, scope, other)


def rehearse(asked: EventRequest, run: "Run", kinds: DistinctEvents, depths: Sequence[int]) -> None:
    """Have rows stand for the events that will be read, and for what will be learnt of them.

    Parameters
    ----------
    asked : EventRequest
        Of which model, by what reading.
    run : Run
        Of a rehearsal's store, open.
    kinds : DistinctEvents
        The distinct events of whom there is something to do.
    depths : sequence of int
        The k that lack.
    """
    job = asked.vectors.job(asked.context, kinds.to_read())
    stand_in(job, run, plan_of(asked.context, job))
    for k in asked.fits.lacking(depths):
        run.append("event_fits", asked.fits.scope(k), pa.table({"k": pa.array([k], pa.int32())}), ("k",))
