"""``llm4es serialize``: raw events to facts, labels, splits and one text an entity."""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm4es.options import History, SerializeOptions

from ..options import (
    DEFAULT_STORE,
    DataOption,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    RecipeArgument,
    StoreOption,
    moment,
)
from ..screen import Screen
from ..selection import RAW, entities_sql, last_run
from ..work import Outcome, Work, show_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.recipes import Source
    from llm4es_store import Run

OnBadRowOption = Annotated[
    str | None,
    typer.Option("--on-bad-row", metavar="fail|skip", help="Rows that cannot be read; else the recipe's: fail."),
]

_EVENTS_AT_ONCE = 500_000
"""Events read, written and committed at a time: the bound on memory."""


def serialize(
    recipe: RecipeArgument,
    data: DataOption = None,
    history: Annotated[
        History | None, typer.Option("--history", help="Which events stay beyond --max-events; else the recipe's.")
    ] = None,
    max_events: Annotated[
        int | None, typer.Option("--max-events", min=1, help="Events a text; else the recipe's: all.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="Only events before this time.")] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="Text preset; else the recipe's: raw.")] = None,
    on_bad_row: OnBadRowOption = None,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Read raw events and write facts, labels, splits, and one text an entity.

    Examples:

        llm4es serialize movielens-100k

        llm4es serialize rosbank --data data/rosbank --max-events 200

        llm4es serialize mine.toml --as-of 2026-01-01 --dry-run
    """
    work = Work(recipe, store, Screen(quiet), data, max_entities, dry_run)
    options = work.recipe.texts.options(
        history=history, max_events=max_events, as_of=moment(as_of), preset=preset, on_bad_row=on_bad_row
    )
    show_outcomes([serialize_stage(work, options)], format_, dry_run=dry_run)


def serialize_stage(work: Work, options: SerializeOptions) -> Outcome:
    """Serialize the entities whose histories are new or have changed; the facts of the others stay as they are."""
    from llm4es.core.hashing import config_id
    from llm4es.core.plan import Reason
    from llm4es.recipes import locate

    began = time.monotonic()
    source = locate(work.recipe, work.data)
    config = {"recipe": work.recipe.fingerprint(options.preset), "options": options.fingerprint()}
    made_by = config_id(config)
    record = {
        "config_id": made_by,
        "source": source.fingerprint,
        "layout": source.layout,
        "files": {table: [path.name for path in paths] for table, paths in source.files.items()},
        "whole_recipe": work.recipe.content_hash(),
        "max_entities": work.max_entities,
        **config,
    }
    if (there := _already_there(work, record)) is not None:
        return Outcome("serialize", work.dataset, there, 0, there, {}, time.monotonic() - began, made_by)
    stage = _Serialization(work, source, options, made_by)
    if work.dry_run:
        stage.go(None)
    else:
        with work.run("serialize", record) as run:
            run.begin()
            stage.go(run)
            run.record.rows_in, run.record.rows_reused = stage.rows, stage.reused
            run.record.rows_computed = stage.rows - stage.reused
    if stage.vanished:
        stage.reasons |= {"vanished": stage.vanished}
    computed = sum(stage.reasons.get(reason, 0) for reason in Reason)
    seconds = time.monotonic() - began
    return Outcome("serialize", work.dataset, stage.rows, computed, stage.reused, stage.reasons, seconds, made_by)


def _already_there(work: Work, record: dict[str, Any]) -> int | None:
    """How many texts there are, if the newest serialization was this one, of the same files, and came to its end."""
    last = last_run(work.store, "serialize", work.dataset)
    if last is None or last.status != "done":
        return None
    same = all(last.config.get(key) == record[key] for key in ("config_id", "source", "whole_recipe"))
    done, asked = last.config.get("max_entities"), work.max_entities
    if not same or (done is not None and (asked is None or asked > done)):
        return None
    entities = entities_sql(work.dataset, record["config_id"], asked)
    return len(work.store.sql(entities).fetchall())


class _Serialization:
    """One pass over the events: what is new goes into the store, chunk by chunk."""

    def __init__(self, work: Work, source: "Source", options: SerializeOptions, made_by: str) -> None:
        self.work, self.source, self.options = work, source, options
        self.scope = {"dataset": work.dataset, "config_id": made_by}
        self.rows = self.reused = self.vanished = 0
        self.reasons: dict[str, int] = {}
        self.too_late = 0
        """Entities that have no event before the cut-off, and so no text."""
        self.skip = options.on_bad_row == "skip"

    def go(self, run: "Run | None") -> None:
        """Read, compare, and with a run also write."""
        import pyarrow as pa

        from llm4es.core.entities import entity_starts, whole_entities
        from llm4es.recipes import read_events
        from llm4es.serialize import serialize as to_texts
        from llm4es.serialize.event_hashes import before, histories, with_hashes

        work = self.work
        labels = self._labels()  # before anything is written: what is wrong with them is told first
        everything = dataclasses.replace(self.options, as_of=None)  # facts are whole, whatever the texts' cut-off
        events = read_events(work.recipe, self.source, everything, work.max_entities)
        seen: list[tuple[pa.Table, pa.Table]] = []  # (entity_id, source_hash) of the texts, of the facts
        with work.screen.progress(f"serialize {work.dataset}", None, "events") as advance:
            for chunk in _chunks(whole_entities(events)):
                texts = pa.Table.from_batches(
                    list(to_texts([before(chunk, self.options.as_of)], work.recipe, self.options)),
                    schema=_texts_schema(),
                )
                self.too_late += len(entity_starts(chunk["entity_id"])) - len(texts)
                self._keep_texts(run, texts)
                facts = with_hashes(chunk)
                if run is not None:
                    self._keep_facts(run, facts)
                seen.append((texts.select(["entity_id", "source_hash"]), histories(facts)))
                advance(chunk.num_rows)
        if self.too_late:
            work.screen.say(f"{self.too_late} entities have no event before {self.options.as_of}, and so no text")
        if work.max_entities is None:
            texts_seen = pa.concat_tables([_nobody(), *(of_texts for of_texts, _ in seen)])
            facts_seen = pa.concat_tables([_nobody(), *(of_facts for _, of_facts in seen)])
            self._drop_vanished(run, texts_seen, facts_seen)
            strangers = len(set(labels["entity_id"].to_pylist()) - set(facts_seen["entity_id"].to_pylist()))
            if strangers:
                work.screen.say(f"{strangers} entities have labels and no events: nothing can be told of them")
        if run is not None:
            run.replace("labels", {"dataset": work.dataset}, labels)
            self._keep_splits(run)

    def _keep_texts(self, run: "Run | None", texts: "pa.Table") -> None:
        """The texts that are new or have changed."""
        from llm4es.core.entities import among

        kin = {"dataset": self.work.dataset, "variant": RAW}
        plan = self.work.store.plan(
            "texts", self.scope, texts.select(["entity_id", "source_hash"]), ["entity_id"], kin=kin
        )
        self.rows += len(texts)
        self.reused += plan.reused
        for reason, count in plan.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        if run is None:
            self.work.ahead.update(
                zip(plan.todo["entity_id"].to_pylist(), plan.todo["reason"].to_pylist(), strict=True)
            )
        if run is not None and len(plan.todo):
            run.follow(plan)
            run.drop("texts", self.scope, plan.stale)
            run.append(
                "texts", self.scope, texts.filter(among(texts, plan.todo, ["entity_id"])), ("entity_id", "variant")
            )

    def _keep_facts(self, run: "Run", events: "pa.Table") -> None:
        """The events of entities whose histories are new or have changed, hidden fields included."""
        from llm4es.core.entities import among
        from llm4es.core.tables import events_table
        from llm4es.serialize.event_hashes import histories

        table, scope = events_table(self.work.dataset), {"dataset": self.work.dataset}
        plan = self.work.store.plan(table, scope, histories(events), ["entity_id"], one_of="position = 0")
        if len(plan.todo):
            run.follow(plan)
            run.drop(table, scope, plan.stale)
            new = events.filter(among(events, plan.todo, ["entity_id"]))
            run.append(table, scope, new, ("entity_id", "position"), schema=events.schema)

    def _drop_vanished(self, run: "Run | None", texts: "pa.Table", facts: "pa.Table") -> None:
        """Texts and facts of entities that the raw events do not have any more."""
        from llm4es.core.tables import events_table

        plan = self.work.store.plan("texts", self.scope, texts, ["entity_id"], complete=True)
        self.vanished = plan.vanished
        if run is None:
            gone = set(plan.stale["entity_id"].to_pylist()) - set(texts["entity_id"].to_pylist())
            self.work.ahead.update(dict.fromkeys(gone))
            return
        if self.vanished:
            run.follow(plan)
            run.drop("texts", self.scope, plan.stale)
        table, scope = events_table(self.work.dataset), {"dataset": self.work.dataset}
        plan = self.work.store.plan(table, scope, facts, ["entity_id"], complete=True, one_of="position = 0")
        if plan.vanished:
            run.follow(plan)
            run.drop(table, scope, plan.stale)

    def _labels(self) -> "pa.Table":
        """Labels of everybody, checked; and that every entity has its place in the splits that the data names."""
        from llm4es.recipes import entity_ids, read_labels, read_splits

        work, source = self.work, self.source
        if work.recipe.splits.columns:
            ids = entity_ids(work.recipe, source, self.options, work.max_entities)
            read_splits(work.recipe, ids, source, skip=self.skip)
        return read_labels(work.recipe, source, skip=self.skip)

    def _keep_splits(self, run: "Run") -> None:
        """Splits of everybody who has a text."""
        from llm4es.recipes import read_splits

        dataset = {"dataset": self.work.dataset}
        ids = self.work.store.sql(f"SELECT DISTINCT entity_id FROM texts WHERE dataset = '{self.work.dataset}'")
        splits = read_splits(self.work.recipe, ids.to_arrow_table()["entity_id"], self.source, skip=self.skip)
        run.replace("splits", dataset, splits)


def _nobody() -> "pa.Table":
    """No entity at all: what is seen where the events are gone."""
    return _texts_schema().empty_table().select(["entity_id", "source_hash"])


def _texts_schema() -> "pa.Schema":
    from llm4es.core.schemas import TEXTS

    return TEXTS


def _chunks(batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    """Batches of whole entities, joined until they are worth a commit."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.num_rows for each in held) >= _EVENTS_AT_ONCE:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)
