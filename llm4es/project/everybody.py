"""What a serialization says of everybody: labels, splits, and whose labels are nobody's.

In: a context, labels, ids. Out: rows of ``labels`` and ``splits``, and sentences. Knows no events and no texts.
"""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.sql import literal
from ..recipes import Source, read_splits
from .context import Context

if TYPE_CHECKING:
    from llm4es_store import Run

FEW = 0.5
"""Share of the labels' entities without events above which both sides' ids are shown."""


def keep_labels(context: Context, run: "Run", labels: pa.Table) -> None:
    """Enter the labels of everybody; equal content makes no commit.

    Parameters
    ----------
    context : Context
        Whose they are.
    run : Run
        Open.
    labels : pyarrow.Table
        LABELS.
    """
    run.replace("labels", {"dataset": context.dataset}, labels)


def keep_splits(context: Context, run: "Run", source: Source, *, skip: bool) -> None:
    """Enter the splits of everybody who has a text; equal content makes no commit.

    Parameters
    ----------
    context : Context
        Whose they are; its dataset has texts.
    run : Run
        Open.
    source : Source
        The raw files.
    skip : bool
        Leave out lines that are no rows.
    """
    query = f"SELECT DISTINCT entity_id FROM texts WHERE dataset = {literal(context.dataset)}"
    ids = context.store.sql(query).to_arrow_table()["entity_id"]
    run.replace("splits", {"dataset": context.dataset}, read_splits(context.recipe, ids, source, skip=skip))


def say_who_is_unknown(context: Context, labelled: pa.Array, known: pa.Array) -> None:
    """Labels that are nobody's: often ids in another writing. A sample lacks most entities, but not all of them.

    Parameters
    ----------
    context : Context
        Who hears of it.
    labelled : pyarrow.Array
        Ids that have labels, each once.
    known : pyarrow.Array
        Ids that have events.
    """
    strangers = labelled.filter(pc.invert(pc.is_in(labelled, value_set=known)))
    whole = context.max_entities is None
    if not len(strangers) or not (whole or len(strangers) == len(labelled)):
        return
    said = f"{len(strangers)} entities have labels and no events: nothing can be told of them"
    if len(strangers) <= FEW * len(labelled):
        context.observer.say(said)
        return
    share = f"{100 * len(strangers) / len(labelled):.3g} % of the labels', such as {strangers[0].as_py()!r}"
    context.observer.warn(f"{said} ({share}; the events have ids such as {known[0].as_py()!r})")
