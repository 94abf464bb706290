"""The step ``serialize``: raw files to events, labels, splits and one text an entity in the store.

In: a context, options. Out: rows of ``events``, ``texts``, ``labels`` and ``splits``, and the recipe itself. One pass
over the events: what is new goes into the store, chunk by chunk. Knows no screen.
"""

import time
from dataclasses import replace
from typing import Any

from ..core.errors import OptionError, RecipeError
from ..core.limits import limited
from ..core.phases import phase
from ..core.times import shown
from ..options import UNSAID, ExecutorName, SerializeOptions, WorkerOptions
from ..recipes import Source, locate
from .appended import GROWN, growth, new_rows, upto_now
from .bins import unfitted
from .context import Context
from .costs import Amount, estimate
from .cutoffs import Cutoff, newest_as_of
from .distinct_events import say_distinct
from .kept_files import refuse_strange_files
from .kept_recipes import is_kept, keep_recipe
from .lost_since import lost_since
from .outcome import Outcome
from .raw_rows import WRITER, WRITER_NOW
from .reading import EVENT_FIELDS, Reading
from .recorded import last_run, runs_of
from .same_labels import EVERYBODY, made_from
from .selection import WHOM, n_texts
from .text_sets import text_sets

ON_BAD_ROW = "on_bad_row"
"""Key of a run's record: what becomes of rows that cannot be read."""

TOLD = 0.1
"""Share of texts that are new or have changed from which on it is told anew how many events are distinct."""


def serialize(context: Context, options: SerializeOptions, working: WorkerOptions = UNSAID) -> Outcome:
    """Serialize the entities whose histories are new or have changed; the events of the others stay as they are.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    options : SerializeOptions
        Which events a text keeps, and which preset of fields it shows.
    working : WorkerOptions, optional
        Where texts are written, and by how many; by default as the context's executor says.

    Returns
    -------
    Outcome
        Texts wanted, computed and reused, and why.

    Raises
    ------
    DataError
        For raw files that are missing, rows that cannot be read, and labels or splits that are wrong.
    OptionError
        For several workers of this machine: one process uses all of its cores.

    Examples
    --------
    >>> from llm4es.options import SerializeOptions
    >>> serialize(context, SerializeOptions())
    serialize shop: 0 computed, 20 reused (nothing to do), ...
    """
    if working.workers is not None and working.executor is ExecutorName.LOCAL:
        raise OptionError(
            f"--workers {working.workers} of this machine: serialize uses all of its cores in one process; leave it "
            "out, or add --executor ray"
        )
    context = context.working(working)
    began, what = time.monotonic(), f"reading the raw files of {context.dataset!r}"
    if context.from_store:
        refuse_strange_files(context)
    source = locate(context.recipe, context.data, allow_outside=context.allow_outside)
    if options.as_of is not None and context.recipe.events.time is None:
        raise RecipeError(f"--as-of needs times, and recipe {context.dataset!r} has no events.time")
    cuts = text_sets(context.recipe, options)
    grown = growth(context, source, own=any(each.cutoff.own for each in cuts))
    made = cuts[-1].cutoff.config_id
    record = {
        "config_id": made,
        "cutoffs": [each.cutoff.recorded() for each in cuts],
        "source": _fingerprint(source),
        "layout": source.layout,
        "files": {table: [path.name for path in paths] for table, paths in source.files.items()},
        "events_files": source.contents[context.recipe.events.table],  # the same people under another name are known
        "whole_recipe": context.recipe.serialized_hash(),
        EVENT_FIELDS: [field.name for field in context.recipe.fields],
        WHOM: context.max_entities,
        ON_BAD_ROW: options.on_bad_row.value,
        WRITER: WRITER_NOW,
        EVERYBODY: made_from(context.recipe, source, skip=options.on_bad_row == "skip"),
        **cuts[-1].config,
        **({} if grown is None else {GROWN: grown.recorded}),
    }
    _say_what_changes(context, cuts[-1].cutoff)
    if (n_texts := _already_there(context, record)) is not None:
        if not context.dry_run and not is_kept(context):
            with context.run("serialize", record) as run:  # a store of a version that did not keep recipes
                run.record.rows_in = run.record.rows_reused = n_texts
                keep_recipe(context, run)
        seconds = 0.0 if context.dry_run else time.monotonic() - began
        return Outcome("serialize", context.dataset, n_texts, 0, n_texts, {}, seconds, made, dry_run=context.dry_run)
    before = runs_of(context.store, context.dataset, "serialize")  # this one is not among them yet
    fields = next((run.config.get(EVENT_FIELDS) for run in reversed(before) if run.status == "done"), None)
    new = None if grown is None else new_rows(context, source, record, grown)
    source = upto_now(source, context.recipe, grown)
    last = before[-1] if before else None
    if last is not None and lost_since(context, last):
        last = None  # what it made is not all there: everything is compared with what is
    same = last is not None and last.status == "done" and last.config.get(EVERYBODY) == record[EVERYBODY] != ""
    reading = Reading(context, source, options, cuts, new, last, fields, same_labels=same)
    if context.dry_run:
        with limited(options.limits(), what):
            reading.read(None)
    else:
        with context.run("serialize", record) as run:
            run.begin()
            with limited(options.limits(), what):
                reading.read(run)
            run.record.rows_in, run.record.rows_reused = reading.rows, reading.reused
            run.record.rows_computed = reading.rows - reading.reused
            run.record.cost = Amount(reading.rows, "texts").recorded(_like(reading))
        if reading.rows - reading.reused >= TOLD * reading.rows:
            say_distinct(context, cuts[-1].cutoff, options.preset)
    outcome = reading.outcome(time.monotonic() - began)
    if not (context.dry_run and outcome.computed):
        return outcome
    return replace(outcome, cost=estimate(context.store, "serialize", _like(reading), Amount(reading.rows, "texts")))


def _fingerprint(source: Source) -> str:
    with phase("looking whether the raw files have changed"):
        return source.fingerprint


def _like(reading: Reading) -> dict[str, str]:
    """What makes as many texts take as long: to compare them is quick, to write them is not."""
    most = reading.reused < reading.rows / 2
    return {"dataset": reading.context.dataset, "written": "most" if most else "few"}


def _already_there(context: Context, record: dict[str, Any]) -> int | None:
    """How many texts there are, if the newest serialization was this one, of the same files, and came to its end."""
    last = last_run(context.store, "serialize", context.dataset)
    if last is None or last.status != "done":
        return None
    same = all(last.config.get(key) == record[key] for key in ("config_id", "source", "whole_recipe"))
    done, asked = last.config.get(WHOM), context.max_entities
    same = same and not unfitted(context.store, context.recipe) and not lost_since(context, last)
    if not same or (done is not None and (asked is None or asked > done)):
        return None
    return n_texts(context.store, context.dataset, [each["config_id"] for each in record["cutoffs"]], asked)


def _say_what_changes(context: Context, cutoff: Cutoff) -> None:
    """One line where the texts before were cut and these are not: later stages read these."""
    before = newest_as_of(context.store, context.dataset)
    if before is not None and cutoff.as_of is None:
        context.observer.say(
            f"serialize: the texts before were {Cutoff('', before)}, these are {cutoff} (--as-of {shown(before)} cuts)"
        )
