"""Reading the raw events once: what is new goes into the store, chunk by chunk, with the texts of every cut.

In: a context, the raw files, options, the cuts that are wanted. Out: rows of ``events``, ``texts``, ``labels`` and
``splits``, and the recipe. Knows no screen and no record.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError
from ..core.plan import Reason
from ..core.sql import identifier
from ..core.tables import events_table
from ..options import SerializeOptions
from ..recipes import RawEvents, Recipe, Source, entity_ids, read_labels, read_splits
from ..recipes.bin_edges import BinEdges
from ..recipes.model import Mode
from .appended import NewRows
from .bins import fitted, keep_edges, unfitted
from .commits import commit_behind
from .completed import completed
from .context import Context
from .everybody import keep_labels, keep_splits, say_who_is_unknown
from .executor import FEW_ENTITIES, at_the_store, where_it_pays
from .kept_recipes import keep_recipe
from .making import Making
from .observer import Advance
from .outcome import Outcome
from .raw_rows import Unread, keep_rows, read_only, unread
from .recorded import PastRun, runs_of
from .row_chunks import Made, chunks_made
from .row_sets import events_rows, looked_at, rows_to_keep, text_rows
from .same_labels import labelled_before
from .selection import n_texts
from .text_sets import TextSet, own_cutoffs
from .texts_elsewhere import NOBODY_ELSE, keep_elsewhere
from .texts_there import coming

if TYPE_CHECKING:
    import duckdb

    from llm4es_store import Run

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
    before: PastRun | None = None
    """The serialization before; None: this is the first."""
    fields_before: Sequence[str] | None = None
    """Names of the fields of the last one that came to its end; None: none did, or its record does not have them."""
    same_labels: bool = False
    """Whether labels, and the splits of whoever was there, are those that the serialization before has kept."""
    already: int = 0
    """Texts that were there before."""
    rows: int = 0
    reused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    """Time of the first event that was read."""

    def read(self, run: "Run | None") -> None:
        """Read, compare, and with a run also write."""
        context, new = self.context, self.new
        if new is not None:
            self.already = n_texts(context.store, context.dataset, [each.cutoff.config_id for each in self.cuts], None)
        labels = None  # read before anything is written, if they are
        if not self.same_labels or any(cut.cutoff.own for cut in self.cuts):
            labels = read_labels(context.recipe, self.source, skip=self._skip)
        own = [own_cutoffs(labels, cut.cutoff) if labels is not None and cut.cutoff.own else None for cut in self.cuts]
        makings = [Making(cut, mine) for cut, mine in zip(self.cuts, own, strict=True)]
        made_from, rows = "", None
        if new is not None and new.nothing:
            context.observer.say("serialize: no new events")
            self.rows = self.reused = self.already
        else:
            made_from, rows = self._open(run, labels, makings)
        for making in makings:
            if new is None:
                making.check(context.dataset, self.first)
            for line in making.left_out():
                context.observer.say(line)
        if run is not None:
            if labels is None and self._another_began(run):
                labels = read_labels(context.recipe, self.source, skip=self._skip)
            if labels is not None:
                keep_labels(context, run, labels)
            if labels is not None or {Reason.NEW, "vanished"} & self.reasons.keys():
                keep_splits(context, run, self.source, skip=self._skip)
            keep_recipe(context, run)
            if rows is not None:
                keep_rows(context, run, made_from, rows)

    def _another_began(self, run: "Run") -> bool:
        """Whether another serialization has begun since: labels may be those that it has kept."""
        runs = runs_of(self.context.store, self.context.dataset, "serialize")
        before = [] if self.before is None else [self.before.run_id]
        return [each.run_id for each in runs][-1 - len(before) :] != [*before, run.run_id]

    def _open(
        self, run: "Run | None", labels: pa.Table | None, makings: Sequence[Making]
    ) -> tuple[str, pa.Table | None]:
        """Load the raw events, and read those of whom it is not known that they are as before.

        Returns what the next serialization will know it from: hashes of the raw rows, and what they are hashes of.
        """
        from llm4es_store import comparing

        context, new = self.context, self.new
        everything = replace(self.options, as_of=None)  # events are kept whole, whatever the texts' cut-off
        edges = BinEdges(unfitted(context.store, context.recipe))
        hashed = context.max_entities is None and context.recipe.events.mode is not Mode.APPEND
        source = self.source if new is None else new.source
        with RawEvents(context.recipe, source, everything, context.max_entities, edges, hashed=hashed) as raw:
            self._check_splits(raw)
            keep_edges(context, edges, run)  # before any text says their words
            recipe = fitted(context.store, context.recipe).with_edges(edges.edges)
            if run is not None:
                self._forget_other_fields(run)
            if new is None:
                say_who_is_unknown(context, self._labelled(labels), raw.entities)
            made_from, rows = raw.made_from, raw.rows() if hashed else None
            with comparing(context.store) as connection:
                left = Unread(None if new is None else read_only(connection, raw.entities))
                if rows is not None:
                    left = unread(context, None if edges.fields else self.before, connection, raw, rows, makings)
                self._read(run, connection, raw, left, makings, recipe)
        return made_from, rows

    def _labelled(self, labels: pa.Table | None) -> pa.Array:
        """Whom the labels are of. Of everybody, so they are not held while events are read."""
        return labelled_before(self.context) if labels is None else labels["entity_id"].unique()

    def _check_splits(self, raw: RawEvents) -> None:
        """That every entity has its place in the splits that the data names."""
        recipe = self.context.recipe
        if recipe.splits.columns:
            ids = raw.entities if self.new is None else entity_ids(recipe, self.source, self.options)
            read_splits(recipe, ids, self.source, skip=self._skip)

    def _events(self, raw: RawEvents, left: Unread) -> Iterable[pa.RecordBatch]:
        """All events of the entities that are looked at, in order."""
        if left.only is not None and not len(left.only):
            return ()
        if self.new is not None:
            return completed(self.context, raw.read(), self.new.since)
        events: Iterable[pa.RecordBatch] = raw.read(left.only)
        return events

    def _read(
        self,
        run: "Run | None",
        connection: "duckdb.DuckDBPyConnection",
        raw: RawEvents,
        left: Unread,
        makings: Sequence[Making],
        recipe: Recipe,
    ) -> None:
        """Read those that have to be read, and compare what is made of them with what is live."""
        complete = self.context.max_entities is None and self.new is None
        n_read = len(raw.entities if left.only is None else left.only)
        executor = where_it_pays(self.context.executor, lambda: n_read >= FEW_ENTITIES, self.context.observer.say)
        elsewhere = run is not None and at_the_store(executor)
        if elsewhere:
            connection.register("_wanted", pa.table({"entity_id": raw.entities}))
            connection.execute("CREATE TABLE wanted AS FROM _wanted")
            chosen = NOBODY_ELSE if complete else "false"
        else:
            chosen = looked_at(complete=complete, some=left.only is not None)
        asked = partial(text_rows, self.context, connection, complete=complete, chosen=chosen)
        texts = [asked(making.cut.cutoff.config_id) for making in makings]
        events = events_rows(self.context, connection, complete=complete, chosen=chosen)
        for making, count in zip(makings, left.n_texts, strict=False):
            making.made, making.without = count, left.n_others - count
        sets = [*texts, events]  # events last: where an entity's are live, so are the texts that were made of them
        if run is not None:
            for each in sets:
                run.start_from(each.live.standing())
        with self.context.observer.progress(f"serialize {self.context.dataset}", None, "events") as advance:
            read = self._events(raw, left)
            if run is not None and elsewhere:
                met = partial(self._met, makings)
                keep_elsewhere(self.context, run, sets, makings, read, recipe, advance, met, complete=complete)
            else:
                todo = rows_to_keep(self._seen(chunks_made(read, makings, recipe), makings, advance), sets)
                if run is None:
                    for _ in todo:
                        pass
                else:
                    commit_behind(todo, lambda held: held.keep(run))
        for each in texts:
            for why, count in each.merging.why.items():
                self.reasons[why] = self.reasons.get(why, 0) + count
            if each.merging.vanished:
                self.reasons["vanished"] = self.reasons.get("vanished", 0) + each.merging.vanished
        computed = sum(self.reasons.get(reason, 0) for reason in Reason)
        # where a source only grows, the texts of entities that have no new events stay
        n_made = sum(making.made for making in makings)
        self.rows = n_made if self.new is None else self.already + self.reasons.get(Reason.NEW, 0)
        self.reused = self.rows - computed
        if run is not None:
            for each in sets:
                each.record(run)

    def _seen(self, chunks: Iterator[Made], makings: Sequence[Making], advance: Advance) -> Iterator[Made]:
        """Count on the way."""
        for made in chunks:
            for making, texts in zip(makings, made.texts, strict=True):
                making.count(made.ids, texts)
            self._met_first(pc.min(made.events["event_time"]).as_py())
            advance(len(made.events))
            yield made

    def _met(self, makings: Sequence[Making], read: pa.Table) -> None:
        """Count those that workers have read."""
        ids = read["entity_id"].combine_chunks()
        for at, making in enumerate(makings):
            making.count(ids, read.filter(read[coming(at)]))
        self._met_first(pc.min(read["first"]).as_py())

    def _met_first(self, first: datetime | None) -> None:
        self.first = first if self.first is None or (first and first < self.first) else self.first

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

    def outcome(self, seconds: float) -> Outcome:
        """What was done, or would be."""
        computed = sum(self.reasons.get(reason, 0) for reason in Reason)
        return Outcome(
            "serialize", self.context.dataset, self.rows, computed, self.reused, self.reasons,
            0.0 if self.context.dry_run else seconds, self.cuts[-1].cutoff.config_id, dry_run=self.context.dry_run,
        )  # fmt: skip

    @property
    def _skip(self) -> bool:
        return self.options.on_bad_row == "skip"
