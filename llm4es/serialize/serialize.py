"""Events to texts: one text an entity, one line an event, oldest first.

In: record batches of events, sorted by entity and time, and the recipe that says how a field is written. Out: record
batches of the TEXTS schema, variant 'raw', in the same order. Whole columns are turned into text at once; an entity is
never looked at event by event. Knows nothing of files, tokens or models.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.entities import Index, entity_starts, whole_entities
from ..core.schemas import TEXTS, TIME
from ..options import History, SerializeOptions
from ..recipes import FieldSpec, Recipe
from .check import checked
from .event_lines import event_lines, header_of

RAW = "raw"
"""The variant of texts made here."""

WORKERS = 2
"""Parts that are written at the same time, while the next events are read."""

PART_ROWS = 100_000
"""Events written at once: enough to make whole columns worth while, little memory."""


def serialize(events: Iterable[pa.RecordBatch], recipe: Recipe, options: SerializeOptions) -> Iterator[pa.RecordBatch]:
    """One text an entity.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch
        Columns ``dataset``, ``entity_id``, ``event_time`` and one a field of the text, in the types of
        ``recipes.derive.events_schema``; sorted by entity and time, as ``read_events`` gives them. Batches may end
        anywhere.
    recipe : Recipe
        How each field is written.
    options : SerializeOptions
        Which events a text keeps, and which preset of fields it shows. ``as_of`` is written beside the texts: the
        events must have been cut already.

    Yields
    ------
    pyarrow.RecordBatch
        Columns of ``core.schemas.TEXTS``, one row an entity, in the order of the events. ``source_hash`` is over the
        text of the whole history, cut or not.

    Raises
    ------
    DataError
        A column is missing or of another type, an entity's events stand apart from each other, or its times go back.
    RecipeError
        The recipe has no such preset.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from llm4es.recipes import keep_frames, locate, read_events, recipe_from_frame
    >>> events = {"user": ["b", "a", "a"], "shop": ["rice", "tea", "milk"], "amount": [3.5, 1.0, 2.25]}
    >>> recipe = keep_frames(recipe_from_frame("shop", events, entity="user"), events, None, Path(tempfile.mkdtemp()))
    >>> options = SerializeOptions(max_events=1)
    >>> for batch in serialize(read_events(recipe, locate(recipe), options), recipe, options):
    ...     for row in batch.to_pylist():
    ...         print(row["entity_id"], row["text"].splitlines(), row["n_events_dropped"])
    a ['Shop | Amount', 'milk | 2.25'] 1
    b ['Shop | Amount', 'rice | 3.5'] 0
    """
    fields = recipe.text_fields(options.preset)
    header = header_of(fields).removesuffix("\n")
    parts = (part for batch in whole_entities(checked(events, fields)) for part in _parts(batch))
    with ThreadPoolExecutor(WORKERS) as pool:  # Arrow, NumPy and hashlib compute outside of Python's lock
        running: deque[Future[pa.RecordBatch]] = deque()
        for part in parts:
            running.append(pool.submit(_texts, part, fields, header, options))
            if len(running) > WORKERS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def serialize_whole(batch: pa.RecordBatch, recipe: Recipe, options: SerializeOptions) -> pa.RecordBatch:
    """The texts of a batch of whole entities, at once and in this thread; their order is not looked at.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Whole entities, each one's events in order, as ``read_events`` gives them. May be empty.
    recipe, options
        As of ``serialize``.

    Returns
    -------
    pyarrow.RecordBatch
        What ``serialize`` gives of it.
    """
    fields = recipe.text_fields(options.preset)
    if not batch.num_rows:
        return pa.RecordBatch.from_pylist([], schema=TEXTS)
    return _texts(batch, fields, header_of(fields).removesuffix("\n"), options)


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch of whole entities in parts of about PART_ROWS, each of whole entities."""
    bounds = [0]
    for start in [*entity_starts(batch["entity_id"]).tolist(), batch.num_rows] if batch.num_rows > PART_ROWS else []:
        if start - bounds[-1] >= PART_ROWS:
            bounds.append(start)
    for begin, end in pairwise([*bounds, batch.num_rows]):
        if begin < end:
            yield batch.slice(begin, end - begin)


def _texts(
    batch: pa.RecordBatch, fields: Sequence[FieldSpec], header: str, options: SerializeOptions
) -> pa.RecordBatch:
    """The texts of a batch of whole entities."""
    starts = entity_starts(batch["entity_id"])
    ends = np.append(starts[1:], batch.num_rows)
    lines = event_lines([batch[field.name] for field in fields], fields)
    text = _joined(lines, starts, ends, header)
    hashes = _hashes(text)
    first, last = _kept(starts, ends, options)
    source_hashes = hashes
    if not (np.array_equal(first, starts) and np.array_equal(last, ends)):
        rows = _ranges(first, last)
        lines = lines.take(pa.array(rows))
        counts = last - first
        ends_kept = np.cumsum(counts)
        text = _joined(lines, ends_kept - counts, ends_kept, header)
        hashes = _hashes(text)
    count = len(starts)
    as_of = options.as_of if options.as_of is None or options.as_of.tzinfo else options.as_of.replace(tzinfo=UTC)
    columns = {
        "dataset": batch["dataset"].take(pa.array(starts)),
        "entity_id": batch["entity_id"].take(pa.array(starts)),
        "variant": pa.repeat(RAW, count),
        "text": text,
        "text_hash": hashes,
        "event_offsets": _offsets(lines, last - first, len(header)),
        "n_events": pa.array(last - first, pa.int32()),
        "n_events_dropped": pa.array((ends - starts) - (last - first), pa.int32()),
        "as_of": pa.repeat(pa.scalar(as_of, TIME), count),
        "fidelity": pa.nulls(count, pa.float64()),
        "checked": pa.nulls(count, pa.string()),
        "note": pa.nulls(count, pa.string()),
        "written_by": pa.nulls(count, pa.string()),
        "n_events_by_rule": pa.nulls(count, pa.int32()),
        "source_hash": source_hashes,
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in TEXTS.names], schema=TEXTS)


def _kept(starts: Index, ends: Index, options: SerializeOptions) -> tuple[Index, Index]:
    """The first and the last row (exclusive) of each entity that its text carries."""
    if options.max_events is None or options.history is History.FULL:
        return starts, ends
    if options.history is History.OLDEST:
        return starts, np.minimum(ends, starts + options.max_events)
    return np.maximum(starts, ends - options.max_events), ends


def _ranges(first: Index, last: Index) -> Index:
    """The rows of all ranges, one after the other."""
    counts = last - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows: Index = np.repeat(first, counts) + within
    return rows


def _joined(lines: pa.Array, starts: Index, ends: Index, header: str) -> pa.Array:
    """One text an entity; the ranges follow each other without gaps."""
    offsets = pa.array(np.append(starts, ends[-1]), pa.int32())
    body = pc.binary_join(pa.ListArray.from_arrays(offsets, lines), "\n")
    return pc.binary_join_element_wise(pa.scalar(header), body, "\n")


def _offsets(lines: pa.Array, counts: Index, header: int) -> pa.Array:
    """For each entity, where its events begin, in code points, and where the last one ends."""
    ends = np.cumsum(counts)
    starts = ends - counts
    lengths = pc.utf8_length(lines).to_numpy() + np.int32(1)  # the line break behind an event is part of it
    lengths[ends - 1] -= 1  # but there is none behind the last
    first = np.full(len(counts), header + 1)
    first[1:] -= (
        header + 1 + np.add.reduceat(lengths, starts)[:-1]
    )  # from the end of one text back to the next one's first
    offsets = np.cumsum(np.insert(lengths, starts, first))  # an entity has one offset more than it has events
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts + 1)])
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pa.array(offsets, pa.int32()))


def _hashes(texts: pa.Array) -> pa.Array:
    """SHA-256 of each text."""
    return pa.array([hashlib.sha256(text).hexdigest() for text in texts.cast(pa.binary()).to_pylist()], pa.string())
