"""The step ``serialize``: raw files to events, labels, splits and one text an entity in the store.

In: a context, options. Out: rows of ``events``, ``texts``, ``labels`` and ``splits``, and the recipe itself. One pass
over the events: what is new goes into the store, chunk by chunk. Knows no screen.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import entity_starts, whole_entities
from ..core.hashing import config_id
from ..core.plan import Plan, Reason
from ..core.schemas import TEXTS
from ..core.sql import literal
from ..core.tables import events_table
from ..options import SerializeOptions
from ..recipes import Source, entity_ids, locate, read_events, read_labels, read_splits
from ..serialize import serialize as to_texts
from ..serialize.event_hashes import before, histories, with_hashes
from .context import Context
from .executor import Increment, TableRows
from .incremental import Job, carry_out, plan_of
from .kept_recipes import is_kept, keep_recipe
from .observer import Null
from .outcome import Outcome
from .selection import RAW, entities_sql, last_run

if TYPE_CHECKING:
    from llm4es_store import Run

KEY, EVENTS_KEY = ("entity_id", "variant"), ("entity_id", "position")

_EVENTS_AT_ONCE = 500_000
"""Events read, written and committed at a time: the bound on memory."""

FEW = 0.5
"""Share of the labels' entities without events above which both sides' ids are shown."""

_HASHES = TEXTS.empty_table().select(["entity_id", "source_hash"])
"""No entity at all."""


def serialize(context: Context, options: SerializeOptions) -> Outcome:
    """Serialize the entities whose histories are new or have changed; the events of the others stay as they are.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    options : SerializeOptions
        Which events a text keeps, and which preset of fields it shows.

    Returns
    -------
    Outcome
        Texts wanted, computed and reused, and why.

    Raises
    ------
    DataError
        For raw files that are missing, rows that cannot be read, and labels or splits that are wrong.

    Examples
    --------
    >>> from llm4es.options import SerializeOptions
    >>> serialize(context, SerializeOptions())
    serialize shop: 0 computed, 20 reused (nothing to do), ...
    """
    began = time.monotonic()
    source = locate(context.recipe, context.data, allow_outside=context.allow_outside)
    config = {"recipe": context.recipe.fingerprint(options.preset), "options": options.fingerprint()}
    made = config_id(config)
    record = {
        "config_id": made,
        "source": source.fingerprint,
        "layout": source.layout,
        "files": {table: [path.name for path in paths] for table, paths in source.files.items()},
        "events_files": source.contents[context.recipe.events.table],  # the same people under another name are known
        "whole_recipe": context.recipe.content_hash(),
        "max_entities": context.max_entities,
        **config,
    }
    if (n_texts := _already_there(context, record)) is not None:
        if not context.dry_run and not is_kept(context):
            with context.run("serialize", record) as run:  # a store of a version that did not keep recipes
                run.record.rows_in = run.record.rows_reused = n_texts
                keep_recipe(context, run)
        seconds = 0.0 if context.dry_run else time.monotonic() - began
        return Outcome("serialize", context.dataset, n_texts, 0, n_texts, {}, seconds, made, dry_run=context.dry_run)
    reading = _Reading(context, source, options, made)
    if context.dry_run:
        reading.read(None)
    else:
        with context.run("serialize", record) as run:
            run.begin()
            reading.read(run)
            run.record.rows_in, run.record.rows_reused = reading.rows, reading.reused
            run.record.rows_computed = reading.rows - reading.reused
    return reading.outcome(time.monotonic() - began)


def _already_there(context: Context, record: dict[str, Any]) -> int | None:
    """How many texts there are, if the newest serialization was this one, of the same files, and came to its end."""
    last = last_run(context.store, "serialize", context.dataset)
    if last is None or last.status != "done":
        return None
    same = all(last.config.get(key) == record[key] for key in ("config_id", "source", "whole_recipe"))
    done, asked = last.config.get("max_entities"), context.max_entities
    if not same or (done is not None and (asked is None or asked > done)):
        return None
    entities = entities_sql(context.dataset, record["config_id"], asked)
    return int(context.store.sql(f"SELECT count(*) FROM ({entities})").fetchall()[0][0])


@dataclass
class _Reading:
    """One pass over the events."""

    context: Context
    source: Source
    options: SerializeOptions
    config_id: str
    rows: int = 0
    reused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    too_late: int = 0
    """Entities that have no event before the cut-off, and so no text."""

    def read(self, run: "Run | None") -> None:
        """Read, compare, and with a run also write."""
        context = self.context
        labels = self._labels()  # before anything is written: what is wrong with them is told first
        everything = replace(self.options, as_of=None)  # events are kept whole, whatever the texts' cut-off
        events = read_events(context.recipe, self.source, everything, context.max_entities)
        of_texts, of_events = [_HASHES], [_HASHES]
        with context.observer.progress(f"serialize {context.dataset}", None, "events") as advance:
            for chunk in _chunks(whole_entities(events)):
                texts = self._texts(chunk)
                self._keep_texts(run, texts)
                hashed = with_hashes(chunk)
                if run is not None:
                    self._keep(run, self._events_job(histories(hashed), hashed))
                of_texts.append(texts.select(["entity_id", "source_hash"]))
                of_events.append(histories(hashed))
                advance(chunk.num_rows)
        if self.too_late:
            context.observer.say(f"{self.too_late} entities have no event before {self.options.as_of}, and so no text")
        if context.max_entities is None:
            self._drop_vanished(run, pa.concat_tables(of_texts), pa.concat_tables(of_events))
        self._say_who_is_unknown(labels["entity_id"].unique(), pa.concat_tables(of_events)["entity_id"])
        if run is not None:
            self._keep_the_rest(run, labels)

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
            0.0 if self.context.dry_run else seconds, self.config_id, dry_run=self.context.dry_run,
        )  # fmt: skip

    def _texts(self, chunk: pa.RecordBatch) -> pa.Table:
        """The texts of some entities."""
        texts = pa.Table.from_batches(
            list(to_texts([before(chunk, self.options.as_of)], self.context.recipe, self.options)), schema=TEXTS
        )
        self.too_late += len(entity_starts(chunk["entity_id"])) - len(texts)
        return texts

    def _keep_texts(self, run: "Run | None", texts: pa.Table) -> None:
        """The texts that are new or have changed."""
        job = self._texts_job(texts.select(["entity_id", "source_hash"]), texts)
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

    def _drop_vanished(self, run: "Run | None", of_texts: pa.Table, of_events: pa.Table) -> None:
        """Drop texts and events of entities that the raw events do not have any more."""
        texts, events = (
            replace(job, complete=True) for job in (self._texts_job(of_texts), self._events_job(of_events))
        )
        plan = plan_of(self.context, texts)
        if plan.vanished:
            self.reasons["vanished"] = plan.vanished
        if run is None:
            gone = set(plan.stale["entity_id"].to_pylist()) - set(of_texts["entity_id"].to_pylist())
            self.context.upstream.changes.update(dict.fromkeys(gone))
            return
        for job, found in ((texts, plan), (events, plan_of(self.context, events))):
            if found.vanished:
                _drop(job, run, found)

    def _keep_the_rest(self, run: "Run", labels: pa.Table) -> None:
        """Labels of everybody, splits of everybody who has a text, and what the recipe says."""
        dataset = {"dataset": self.context.dataset}
        query = f"SELECT DISTINCT entity_id FROM texts WHERE dataset = {literal(self.context.dataset)}"
        ids = self.context.store.sql(query).to_arrow_table()["entity_id"]
        run.replace("labels", dataset, labels)
        run.replace("splits", dataset, read_splits(self.context.recipe, ids, self.source, skip=self._skip))
        keep_recipe(self.context, run)

    def _texts_job(self, wanted: pa.Table, texts: pa.Table | None = None) -> Job:
        scope = {"dataset": self.context.dataset, "config_id": self.config_id}
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
            stage="serialize", what=self.context.dataset, config_id=self.config_id, record={}, table=table, scope=scope,
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
