"""Raw files to events: typed, checked, in order, and never all in memory.

In: a recipe, its files, and which of the events are wanted. Out: record batches of EVENT_KEYS and one column a field,
sorted by entity and time. Knows nothing of texts.
"""

import pyarrow as pa

from ..options import SerializeOptions
from .bin_edges import BinEdges
from .locate import Source
from .model import Recipe
from .raw_events import RawEvents


def read_events(
    recipe: Recipe,
    source: Source,
    options: SerializeOptions,
    max_entities: int | None = None,
    edges: BinEdges | None = None,
) -> pa.RecordBatchReader:
    """Every entity's events, in order, typed and checked; sorted on disk where memory does not hold them.

    Parameters
    ----------
    recipe : Recipe
        What an event is.
    source : Source
        The raw files, from ``locate``.
    options : SerializeOptions
        Events before ``as_of`` only; ``on_bad_row`` says whether rows that cannot be read are refused or left out.
    max_entities : int, optional
        A sample of that many entities: labelled ones first, then by a hash of the id, so that a smaller sample is part
        of a larger one. None: all.
    edges : BinEdges, optional
        Bins whose edges are found on the way, whatever ``as_of``: when this returns, they are there.

    Returns
    -------
    pyarrow.RecordBatchReader
        Columns ``dataset``, ``entity_id`` (text), ``position`` (int32, 0 the oldest), ``event_time`` (UTC,
        microseconds; null without times), then one a field; sorted by entity and time. Read it to the end or close it.

    Raises
    ------
    DataError
        A file or a row cannot be read, or a column is not there.
    RecipeError
        An expression of the recipe is not understood, or ``as_of`` is asked of a recipe without times.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from llm4es.recipes import keep_frames, locate, recipe_from_frame
    >>> visits = [{"user": "b", "shop": "tea"}, {"user": "a", "shop": "milk"}, {"user": "b", "shop": "rice"}]
    >>> recipe = recipe_from_frame("visits", visits, entity="user")
    >>> recipe = keep_frames(recipe, visits, None, Path(tempfile.mkdtemp()))
    >>> events = read_events(recipe, locate(recipe), SerializeOptions()).read_all()
    >>> [tuple(row.values()) for row in events.select(["entity_id", "position", "shop"]).to_pylist()]
    [('a', 0, 'milk'), ('b', 0, 'tea'), ('b', 1, 'rice')]
    """
    return RawEvents(recipe, source, options, max_entities, edges).read()


def entity_ids(recipe: Recipe, source: Source, options: SerializeOptions, max_entities: int | None = None) -> pa.Array:
    """The ids of the entities that ``read_events`` would give the events of, in order.

    Parameters
    ----------
    recipe, source, options, max_entities
        As of ``read_events``.

    Returns
    -------
    pyarrow.StringArray
        Ascending, each once.

    Raises
    ------
    DataError, RecipeError
        As ``read_events``.
    """
    with RawEvents(recipe, source, options, max_entities) as raw:
        return raw.entities
