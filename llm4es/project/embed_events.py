"""The step ``embed --history events``: each distinct event read once, entities as weighted means of event vectors.

In: a context, a model, options. Out: rows of ``event_vectors``, ``event_fits`` and ``embeddings``. The model is loaded
where there are events that nobody has read; another k, another weighting, and entities whose new events are of known
kinds need none. Knows no screen.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ..core.hashing import config_id
from ..core.plan import Plan
from ..core.sql import Scope
from ..core.tables import events_table
from ..embed.smaller_vectors import smaller
from ..models.architecture import check_predicts
from ..models.placement import where_it_runs
from ..models.ref import ModelRef, check_length
from ..options import UNSAID, EmbedOptions, LoadOptions, WorkerOptions
from .align import Alignment
from .context import Context
from .costs import Amount, like_model
from .cut_histories import what_is_cut
from .event_pooling import Mapped
from .event_rehearsal import drop_wrong_vectors, rehearse, stand_ins, tokens_to_read
from .event_request import EventRequest
from .event_texts import DistinctEvents, kinds_of
from .events_said import EventsRead
from .executor import Increment, Local, TableRows
from .given_prompts import recorded_prompt
from .how_kept import how_kept
from .incremental import Job, carry_out, incremental, plan_of
from .observer import Advance
from .outcome import Outcome
from .places import ORIGIN, place_of
from .recorded import runs_of
from .selection import WHOM
from .spaces import space_of
from .stored_models import resolved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llm4es_store import Run

KEY = ("entity_id", "k")

TOKENS = "event_tokens"
"""What a run's record says of the tokens that a model read for all kinds of its configuration."""

MATRIX_BYTES = 1 << 30
"""Of the kinds' vectors of several k that are in memory together: beyond, entities are pooled k after k."""


def embed_events(
    context: Context, model: str | ModelRef, load: LoadOptions, options: EmbedOptions, working: WorkerOptions = UNSAID
) -> Outcome:
    """Embed the entities whose vectors are missing, or whose events have changed, by the vectors of their events.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    model : str or ModelRef
        What reads the events.
    load : LoadOptions
        How it is loaded.
    options : EmbedOptions
        Which k or groups of layers, fields, weights and maps.
    working : WorkerOptions, optional
        Where events are read, and by how many; by default as the context's executor says.

    Returns
    -------
    Outcome
        Vectors wanted, computed and reused, and why; ``message``: how many events and tokens were read.

    Raises
    ------
    StoreError
        Where there are no events.
    OptionError
        For fields that there are not, and events that are nearly all distinct.
    DataError
        For amounts that are no weights, and no train entities to learn from.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions, LoadOptions
    >>> options = EmbedOptions.of(k=1, history="events", by="product", max_length=64)
    >>> embed_events(context, folder, LoadOptions(), options)
    embed model: 20 computed, 0 reused (20 other settings ...), ...
    """
    context = context.working(working)
    context.say_cutoff("embed")
    ref = resolved(context.store, model)
    check_length(ref, options.max_length)
    if options.prompt is not None:
        check_predicts(ref, "asked")
    origin = place_of(model, ref)
    return _Step(EventRequest(context, ref, load, options, space_of(context, ref, load, origin)), origin).outcome()


class _Step:
    """One call of it: plans, has events read, pools."""

    def __init__(self, asked: EventRequest, origin: str) -> None:
        self.asked, self.origin = asked, origin
        self.todo = pa.table({"entity_id": pa.array([], pa.string())})  # rows of the plan
        self.to_pool = self.todo  # each of their entities once
        self.read = EventsRead()
        self.zeros: set[str] = set()  # entities whose events weigh nothing
        self.cut: list[int] = []  # how many of the events that were read now are longer than a window
        self.kept: dict[int, NDArray[np.float32]] = {}  # k -> the kinds' vectors, while there is room

    def outcome(self) -> Outcome:
        """Plan, and carry out."""
        asked, context = self.asked, self.asked.context
        asked.check()
        hashes = context.store.sql(f"{asked.histories.hashes(asked.entities)} ORDER BY entity_id").to_arrow_table()
        job = self._job(hashes)
        if asked.options.align_to is None:
            return incremental(context, job)
        aligned = Alignment.of(context, job, asked.options.align_to, asked.options.store_as)
        return aligned.outcome(incremental(context, job))

    def _job(self, hashes: pa.Table) -> Job:
        asked, context = self.asked, self.asked.context
        scope = {"dataset": context.dataset, "model": asked.space.name, "config_id": config_id(asked.config)}
        wanted = [hashes.append_column("k", pa.array([k] * len(hashes), pa.int32())) for k in asked.depths]
        return Job(
            stage="embed",
            what=asked.space.name,
            config_id=scope["config_id"],
            record={
                "config_id": scope["config_id"],
                "model_name": asked.space.name,
                "revision": asked.ref.revision,
                ORIGIN: self.origin,
                "k": asked.depths,
                WHOM: context.max_entities,
                **(recorded_prompt(asked.options.prompt, asked.text.prompts) if asked.text.prompts else {}),
                **asked.config,
            },
            table="embeddings",
            scope=scope,
            key=KEY,
            wanted=pa.concat_tables(wanted),  # (entities x k)
            rows_in=len(hashes),
            related_scope=asked.space.related(context.dataset),
            complete=context.max_entities is None,
            unseen=asked.space.reason,
            inputs="SELECT entity_id FROM todo LIMIT 0",  # the events are a stream of their own
            total=lambda todo: len(todo) * len(asked.depths),
            unit="vectors",
            setup=lambda: self._pooled,
            prepare=self._prepare,
            executor=lambda todo: Local(1),  # sparse products use all cores as they are
            finish=lambda run: self._said(run, scope),
            amount=self._planned,
            spent=lambda run: self._amount(run.record.rows_computed),
            like=like_model(asked.ref, asked.load, reads="events"),
            stand_ins=stand_ins(asked),
            besides=self._rehearse,
        )

    def _prepare(self, run: "Run", plan: Plan) -> pa.Table:
        """Drop what was made wrongly; have the events read that nobody has read."""
        asked, context = self.asked, self.asked.context
        run.reads([events_table(context.dataset), "splits"])
        self.todo, self.to_pool = plan.todo, _once(plan.todo)
        drop_wrong_vectors(asked, run)
        if not len(self.to_pool):
            return self.to_pool
        self.kinds = self._kinds(self.to_pool)
        job = asked.vectors.job(context, self.kinds.to_read(), self.cut)
        lacking = plan_of(context, job)
        asked.check_distinct(self.kinds, len(lacking.todo))
        now = lacking.todo["event_hash"].to_pylist()
        self.read = self._counted(len(now))
        if now:
            context.observer.say(self.read.loading(asked.ref.name, where_it_runs(asked.ref, asked.load)))
        carry_out(context, job, run, lacking)
        self.read.n_tokens, self.read.n_cut = int(asked.vectors.n_tokens(context.store, now).sum()), sum(self.cut)
        for k in asked.fits.lacking(self._depths()):
            asked.fits.learn(run, k, self.kinds, self._matrix(k))
        asked.fits.say_learnt_later()
        self._record(run, plan)
        return self.to_pool

    def _kinds(self, todo: pa.Table) -> DistinctEvents:
        """The distinct events of the entities to pool and, where something is to be learnt, of train entities."""
        asked = self.asked
        entities = "SELECT entity_id FROM todo"
        if asked.fits.lacking(self._depths()):
            entities += f" UNION SELECT entity_id FROM ({asked.fits.train})"
        kinds = kinds_of(asked.histories, asked.text, entities, todo)
        if len(kinds) == 1 < kinds.n_events:
            asked.context.observer.warn(
                f"all {kinds.n_events:,} events read the same ({kinds.texts[0][0].as_py()[:60]!r}): so do all vectors; "
                "--by FIELD,... reads them by other fields"
            )
        return kinds

    def _pooled(self, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Rows of ``embeddings`` of the entities to pool; they come in a stream of their own."""
        asked, kinds = self.asked, self.kinds
        tokens = sum(asked.vectors.n_tokens(asked.context.store, hashes) for hashes in kinds.hashes)  # (E,)
        together: dict[int, Mapped] = {}
        depths = self._depths()
        for k in depths:
            together[k] = self._mapped(k)
            if k != depths[-1] and sum(each.vectors.nbytes for each in together.values()) < MATRIX_BYTES:
                continue
            for rows in asked.pooling.rows(self.to_pool, kinds, together, np.asarray(tokens)):
                self._count_zeros(rows)
                yield [TableRows("embeddings", smaller(rows, asked.options.store_as), KEY)]
                advance(len(rows))
            together = {}

    def _mapped(self, k: int) -> Mapped:
        """The kinds in the space of one k."""
        vectors, space = self._matrix(k), self.asked.fits.space(k)
        self.kept.pop(k, None)
        if space is None:
            return Mapped(vectors, np.ones(len(vectors)))
        return Mapped(np.asarray(space.map(vectors), np.float32), space.weights_of(self.kinds.keys))

    def _matrix(self, k: int) -> "NDArray[np.float32]":
        """The kinds' vectors of one k, (E, D): read once where they fit in memory with the others."""
        if k in self.kept:
            return self.kept[k]
        vectors = self.asked.matrix(self.kinds, k)
        if vectors.nbytes + sum(each.nbytes for each in self.kept.values()) < MATRIX_BYTES:
            self.kept[k] = vectors
        return vectors

    def _depths(self) -> list[int]:
        """The k that lack for anybody."""
        return sorted(set(self.todo["k"].unique().to_pylist()))

    def _count_zeros(self, rows: pa.RecordBatch) -> None:
        vectors = np.asarray(rows["vector"].flatten()).reshape(len(rows), -1)
        empty = np.flatnonzero(~vectors.any(axis=1))
        self.zeros.update(rows["entity_id"].take(pa.array(empty)).to_pylist())

    def _planned(self, plan: Plan) -> Amount:
        """In a dry run: how many events a model will read, for whom, and their tokens, each counted."""
        asked, context = self.asked, self.asked.context
        self.todo, self.to_pool = plan.todo, _once(plan.todo)
        self.kinds = self._kinds(self.to_pool)
        lacking = plan_of(context, asked.vectors.job(context, self.kinds.to_read()))
        self.read = self._counted(len(lacking.todo))
        asked.check_distinct(self.kinds, len(lacking.todo))
        context.observer.say(self.read.planned())
        self.read.n_tokens = tokens_to_read(asked, lacking)
        return self._amount(len(plan.todo))

    def _amount(self, n_rows: int) -> Amount:
        """Tokens to read; where all events are known, vectors to pool."""
        return Amount(self.read.n_tokens) if self.read.n_tokens else Amount(n_rows, "vectors", tokens=0)

    def _rehearse(self, run: "Run", plan: Plan) -> None:
        """In a rehearsal: have rows stand for the events that will be read, and for what will be learnt of them."""
        drop_wrong_vectors(self.asked, run)
        if len(plan.todo):
            rehearse(self.asked, run, self.kinds, self._depths())

    def _counted(self, n_lacking: int) -> EventsRead:
        """So many events to read, of those of the entities to pool."""
        kinds, asked = self.kinds, self.asked.text.prompts is not None
        return EventsRead(len(kinds), kinds.n_events, n_lacking, n_pooled=len(self.to_pool), asked=asked)

    def _record(self, run: "Run", plan: Plan) -> None:
        """Keep what the model read for everybody's kinds: known where everybody is pooled, else it grows."""
        asked = self.asked
        tokens = sum(int(asked.vectors.n_tokens(asked.context.store, hashes).sum()) for hashes in self.kinds.hashes)
        if plan.reused:
            past = runs_of(asked.context.store, asked.context.dataset, "embed")
            of_it = (each.config for each in past if each.config.get("config_id") == run.record.config["config_id"])
            before = [int(config[TOKENS]) for config in of_it if TOKENS in config]
            tokens = before[-1] + self.read.n_tokens if before else tokens
        run.record.config = {**run.record.config, TOKENS: tokens}

    def _said(self, run: "Run", scope: Scope) -> str:
        """What was read, and for whom."""
        asked, store = self.asked, self.asked.context.store
        if not len(self.to_pool):
            return what_is_cut(store, scope, asked.options)
        self.read.n_zeros = len(self.zeros)
        return "; ".join([*self.read.said(), *how_kept(store, scope, asked.options)])


def _once(todo: pa.Table) -> pa.Table:
    """``entity_id`` and ``source_hash`` of planned rows, each entity once, ascending."""
    rows = todo.select(["entity_id", "source_hash"]).group_by(["entity_id", "source_hash"], use_threads=False)
    return rows.aggregate([]).sort_by("entity_id").combine_chunks()
