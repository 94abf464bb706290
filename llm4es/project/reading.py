"""Reading the raw events once: what is new goes into the store, chunk by chunk, with the texts of every cut.

In: a context, the raw files, options, the cuts that are wanted. Out: rows of ``events``, ``texts``, ``labels`` and
``splits``, and the recipe. Knows no screen and no record.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import whole_entities
from ..core.errors import OptionError
from ..core.plan import Plan, Reason
from ..core.sql import identifier, literal
from ..core.tables import events_table
from ..options import SerializeOptions
from ..recipes import Source, entity_ids, read_events, read_labels, read_splits
from ..recipes.bin_edges import BinEdges
from ..serialize.event_hashes import histories, with_hashes
from .appended import NewRows
from .bins import fitted, keep_edges, unfitted
from .completed import completed
from .context import Context
from .executor import Increment, TableRows
from .incremental import Job, carry_out, plan_of
from .kept_recipes import keep_recipe
from .making import NOBODY, Making
from .observer import Null
from .outcome import Outcome
from .selection import RAW, n_texts
from .text_sets import TextSet, own_cutoffs

if TYPE_CHECKING:
    from llm4es_store import Run

KEY, EVENTS_KEY = ("entity_id", "variant"), ("entity_id", "position")

FEW = 0.5
"""Share of the labels' entities without events above which both sides' ids are shown."""

_EVENTS_AT_ONCE = 500_000
"""Events read, written and committed at a time: the bound on memory."""


EVENT_FIELDS = "event_fields"
"""What the record calls the names of the fields that events were kept with."""


@dataclass
class Reading:
    """One pass over the events."""

    context: Context
    source: Source
    options: SerializeOptions
    cuts: Sequence[TextSet]
    """The sets of texts that are made."""
    new: NewRows | None = None
    """What has come to a source that only grows; None: every row is read."""
    fields_before: Sequence[str] | None = None
    """Names of the fields of the serialization before; None: its record does not have them, or there was none."""
    already: int = 0
    """Texts that were there before."""
    rows: int = 0
    reused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    """Time of the first event that was read."""

    def read(self, run: "Run | None") -> None:
        """Read, compare, and with a run also write."""
        context = self.context
        if self.new is not None:
            self.already = n_texts(context.store, context.dataset, [each.cutoff.config_id for each in self.cuts], None)
        labels = self._labels()  # before anything is written: what is wrong with them is told first
        makings = [Making(cut, own_cutoffs(labels, cut.cutoff) if cut.cutoff.own else None) for cut in self.cuts]
        everything = replace(self.options, as_of=None)  # events are kept whole, whatever the texts' cut-off
        edges = BinEdges(unfitted(context.store, context.recipe))
        events = self._events(everything, edges)
        keep_edges(context, edges, run)  # before any text says their words
        recipe = fitted(context.store, context.recipe).with_edges(edges.edges)
        of_events = [NOBODY]
        if run is not None:
            self._forget_other_fields(run)
        with context.observer.progress(f"serialize {context.dataset}", None, "events") as advance:
            for chunk in _chunks(whole_entities(events)):
                for making in makings:
                    self._keep_texts(run, making, making.texts(chunk, recipe))
                hashed = with_hashes(chunk)
                if run is not None:
                    self._keep(run, self._events_job(histories(hashed), hashed))
                of_events.append(histories(hashed))
                first = pc.min(chunk["event_time"]).as_py()
                self.first = first if self.first is None or (first and first < self.first) else self.first
                advance(chunk.num_rows)
        for making in makings:
            if self.new is None:
                making.check(context.dataset, self.first)
            for line in making.left_out():
                context.observer.say(line)
        if context.max_entities is None and self.new is None:
            self._drop_vanished(run, makings, pa.concat_tables(of_events))
        if self.new is not None:
            self._count_the_others()
        else:
            self._say_who_is_unknown(labels["entity_id"].unique(), pa.concat_tables(of_events)["entity_id"])
        if run is not None:
            self._keep_the_rest(run, labels)

    def _events(self, options: SerializeOptions, edges: BinEdges) -> Iterable[pa.RecordBatch]:
        """All events of the entities that are looked at: everybody, or whoever has new ones."""
        context, new = self.context, self.new
        if new is None:
            events: Iterable[pa.RecordBatch] = read_events(
                context.recipe, self.source, options, context.max_entities, edges
            )
            return events
        if new.nothing:
            context.observer.say("serialize: no new events")
            return ()
        return completed(context, read_events(context.recipe, new.source, options), new.since)

    def _count_the_others(self) -> None:
        """Texts of entities that have no new events stay: they count as reused."""
        computed = sum(self.reasons.get(reason, 0) for reason in Reason)
        self.rows = self.already + self.reasons.get(Reason.NEW, 0)
        self.reused = self.rows - computed

    def _forget_other_fields(self, run: "Run") -> None:
        """Drop events that were kept under other names of fields: their values alone, which are hashed, do not tell."""
        context, table = self.context, events_table(self.context.dataset)
        view, names = context.store.events_view(context.dataset), [field.name for field in context.recipe.fields]
        if view not in context.store.views() or names == self.fields_before:
            return
        kept = context.store.sql(f"SELECT * FROM {identifier(view)} LIMIT 0").columns
        if self.fields_before is None and not set(names) - set(kept):
            return  # of a version that did not record names: those of its columns are all that is known
        if context.max_entities is not None:
            self._refuse_to_forget_others(view)
        context.observer.say("serialize: the events were kept with other fields: they are kept anew")
        run.delete(table, {"dataset": context.dataset}, "true")

    def _refuse_to_forget_others(self, view: str) -> None:
        """Events of entities outside a sample would vanish, and their texts would stay."""
        context = self.context
        mine = entity_ids(context.recipe, self.source, self.options, context.max_entities)
        known = context.store.sql(f"SELECT DISTINCT entity_id FROM {identifier(view)}").to_arrow_table()["entity_id"]
        if others := pc.sum(pc.invert(pc.is_in(known, value_set=mine))).as_py():
            raise OptionError(
                f"--max-entities {context.max_entities}: the fields have other names than before, and the store "
                f"has events of {others} more entities: serialize all of them (without --max-entities) first"
            )

    def _say_who_is_unknown(self, labelled: pa.Array, known: pa.ChunkedArray) -> None:
        """Labels that are nobody's: often ids in another writing. A sample lacks most entities, but not all of them."""
        strangers = labelled.filter(pc.invert(pc.is_in(labelled, value_set=known)))
        whole = self.context.max_entities is None
        if not len(strangers) or not (whole or len(strangers) == len(labelled)):
            return
        said = f"{len(strangers)} entities have labels and no events: nothing can be told of them"
        if len(strangers) <= FEW * len(labelled):
            self.context.observer.say(said)
            return
        share = f"{100 * len(strangers) / len(labelled):.3g} % of the labels', such as {strangers[0].as_py()!r}"
        self.context.observer.warn(f"{said} ({share}; the events have ids such as {known[0].as_py()!r})")

    def outcome(self, seconds: float) -> Outcome:
        """What was done, or would be."""
        computed = sum(self.reasons.get(reason, 0) for reason in Reason)
        return Outcome(
            "serialize", self.context.dataset, self.rows, computed, self.reused, self.reasons,
            0.0 if self.context.dry_run else seconds, self.cuts[-1].cutoff.config_id, dry_run=self.context.dry_run,
        )  # fmt: skip

    def _keep_texts(self, run: "Run | None", making: Making, texts: pa.Table) -> None:
        """The texts that are new or have changed."""
        job = self._texts_job(making, texts.select(["entity_id", "source_hash"]), texts)
        plan = plan_of(self.context, job)
        self.rows += len(texts)
        self.reused += plan.reused
        for reason, count in plan.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        if run is not None:
            carry_out(self.context.with_(observer=Null()), job, run, plan)
            return
        todo = plan.todo
        self.context.upstream.changes.update(
            zip(todo["entity_id"].to_pylist(), todo["reason"].to_pylist(), strict=True)
        )

    def _keep(self, run: "Run", job: Job) -> None:
        """Plan and carry out; the one bar is the reading's."""
        carry_out(self.context.with_(observer=Null()), job, run, plan_of(self.context, job))

    def _drop_vanished(self, run: "Run | None", makings: Sequence[Making], of_events: pa.Table) -> None:
        """Drop texts and events of entities that the raw events do not have any more, or whose cut-off is gone."""
        for making in makings:
            of_texts = pa.concat_tables(making.made)
            texts = replace(self._texts_job(making, of_texts), complete=True)
            plan = plan_of(self.context, texts)
            if plan.vanished:
                self.reasons["vanished"] = self.reasons.get("vanished", 0) + plan.vanished
            if run is None:
                gone = set(plan.stale["entity_id"].to_pylist()) - set(of_texts["entity_id"].to_pylist())
                self.context.upstream.changes.update(dict.fromkeys(gone))
            elif plan.vanished:
                _drop(texts, run, plan)
        events = replace(self._events_job(of_events), complete=True)
        if run is not None and (found := plan_of(self.context, events)).vanished:
            _drop(events, run, found)

    def _keep_the_rest(self, run: "Run", labels: pa.Table) -> None:
        """Labels of everybody, splits of everybody who has a text, and what the recipe says."""
        dataset = {"dataset": self.context.dataset}
        query = f"SELECT DISTINCT entity_id FROM texts WHERE dataset = {literal(self.context.dataset)}"
        ids = self.context.store.sql(query).to_arrow_table()["entity_id"]
        run.replace("labels", dataset, labels)
        run.replace("splits", dataset, read_splits(self.context.recipe, ids, self.source, skip=self._skip))
        keep_recipe(self.context, run)

    def _texts_job(self, making: Making, wanted: pa.Table, texts: pa.Table | None = None) -> Job:
        scope = {"dataset": self.context.dataset, "config_id": making.cut.cutoff.config_id}
        related = {"dataset": self.context.dataset, "variant": RAW}
        return self._job("texts", scope, wanted, texts, KEY, related_scope=related)

    def _events_job(self, wanted: pa.Table, events: pa.Table | None = None) -> Job:
        """Events of entities whose histories are new or have changed, hidden fields included."""
        scope = {"dataset": self.context.dataset}
        table = events_table(self.context.dataset)
        return self._job(table, scope, wanted, events, EVENTS_KEY, row_filter="position = 0")

    def _job(
        self,
        table: str,
        scope: dict[str, str],
        wanted: pa.Table,
        rows: pa.Table | None,
        key: tuple[str, ...],
        **more: Any,
    ) -> Job:
        """A job whose rows are made already: of those planned, the rows go into the store."""

        def work(batches: Iterable[pa.RecordBatch], advance: Any) -> Iterator[Increment]:
            if rows is not None:
                yield [TableRows(table, rows, key)]

        return Job(
            stage="serialize", what=self.context.dataset, config_id=self.cuts[-1].cutoff.config_id, record={},
            table=table, scope=scope,
            key=("entity_id",), wanted=wanted, setup=lambda: work, **more,
        )  # fmt: skip

    @property
    def _skip(self) -> bool:
        return self.options.on_bad_row == "skip"

    def _labels(self) -> pa.Table:
        """Labels of everybody, checked; and that every entity has its place in the splits that the data names."""
        context = self.context
        if context.recipe.splits.columns:
            ids = entity_ids(context.recipe, self.source, self.options, context.max_entities)
            read_splits(context.recipe, ids, self.source, skip=self._skip)
        return read_labels(context.recipe, self.source, skip=self._skip)


def _drop(job: Job, run: "Run", plan: Plan) -> None:
    run.start_from(plan)
    run.drop(job.table, job.scope, plan.stale)


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of whole entities, joined until they are worth a commit."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= _EVENTS_AT_ONCE:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)
