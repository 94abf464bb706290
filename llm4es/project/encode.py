"""``llm4es.encode``: events in, vectors out, no store.

In: a frame of events, a model. Out: a frame of the same kind with a vector an entity. Keeps nothing.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError
from ..core.frames import like, to_arrow
from ..options import DEFAULT_MODEL, EmbedOptions, History, LoadOptions, Pooling, SerializeOptions, split
from .documented import takes
from .given_prompts import given_prompts
from .observer import Observer, as_increments
from .terminal import observer_named

if TYPE_CHECKING:
    from ..models.ref import ModelRef
    from ..recipes import Recipe


_OF_PROJECT = ("layers", "store_as", "align_to", "engine", "base_url", "batch_inputs", "concurrency", "timeout")
"""Options of vectors that are kept, that stand beside others, or that a server makes."""


@takes(EmbedOptions, LoadOptions, leave_out=("k", "texts", *_OF_PROJECT))
def encode(
    events: Any,
    *,
    entity: str,
    time: str | None = None,
    fields: str | Sequence[str | Mapping[str, Any]] | None = None,
    model: "str | ModelRef" = DEFAULT_MODEL,
    k: int | str | None = None,
    observer: str | Observer | None = None,
    **options: Any,
) -> Any:
    """Vectors of the entities of a frame of events; nothing is kept.

    The texts are those that ``Project.from_frame`` makes. Windows are as long as the model's context where that is
    below the default.

    Parameters
    ----------
    events : pandas, Polars or Arrow frame, DuckDB relation, or anything with the Arrow PyCapsule interface
        One row an event, in any order.
    entity : str
        Column of the entity's id.
    time : str, optional
        Column of the event's time; None: rows are in order.
    fields : str, or sequence of str or mappings, optional
        Columns that the texts show; None: all others.
    model : str or ModelRef, default "smollm2-135m"
        Built-in name, Hugging Face id, folder or .gguf file.
    k : int or "all", optional
        Last layers averaged; None: 8, or the last one alone with ``pooling="model"``.
    observer : str or Observer, optional
        Who hears of the work; None: a bar where somebody watches, else the logger ``llm4es``.

    Returns
    -------
    frame
        Of the kind that came in (Arrow where that has no frames): ``entity_id``, sorted, of the type that the ids came
        in (UUIDs as text), and ``vector``, a list of D float32.

    Raises
    ------
    DataError
        For a frame without the columns.
    ModelError
        For a model that is not found.
    OptionError
        For several ``k``, an option that there is not, or a value that cannot be.

    Examples
    --------
    >>> import pyarrow as pa
    >>> events = pa.table({"customer": ["a", "b", "a"], "mcc": ["shoes", "books", "tea"]})
    >>> encode(events, entity="customer", model=folder, k=1, observer="silent").column_names
    ['entity_id', 'vector']
    """
    from ..embed import embed
    from ..embed.prompts import Asked
    from ..models import load_model, resolve
    from ..models.ref import ModelRef
    from ..recipes import keep_frames, locate, read_events, recipe_from_frame
    from ..recipes.bin_edges import BinEdges
    from ..serialize import serialize

    if given := [name for name in _OF_PROJECT if name in options]:
        raise OptionError(
            f"encode takes no {given[0]}: it runs a model in this process and keeps nothing; give it to Project.embed"
        )
    depth = k if k is not None else 1 if str(options.get("pooling")) == Pooling.MODEL else 8
    depths = {} if options.get("groups") or options.get("answers") else {"k": depth}  # of all layers, or of none
    embedding, load = split({**options, **depths}, EmbedOptions, LoadOptions)
    if depths and len(embedding.k) != 1:
        raise OptionError(f"k {k!r} is not one number of layers: a frame holds one vector an entity")
    watcher = observer_named(observer)
    ref = model if isinstance(model, ModelRef) else resolve(str(model))
    if "max_length" not in options:
        embedding = replace(embedding, max_length=min(embedding.max_length, ref.context))
    table = to_arrow(events)  # a stream can be read once
    recipe = recipe_from_frame("frame", table, entity=entity, time=time, fields=fields)
    if embedding.history is History.EVENTS:
        return like(events, _with_ids_of(_of_events(recipe, table, ref, load, embedding, watcher), table[str(entity)]))
    loaded = load_model(ref, load)
    with tempfile.TemporaryDirectory(prefix="llm4es-encode-") as folder:
        recipe = keep_frames(recipe, table, None, Path(folder))
        reading = SerializeOptions()
        edges = BinEdges(recipe.counted_bins())
        rows = read_events(recipe, locate(recipe), reading, edges=edges)
        texts = pa.Table.from_batches(list(serialize(rows, recipe.with_edges(edges.edges), reading)))
    prompts = given_prompts(embedding.prompt, Asked.HISTORIES) if embedding.prompt is not None else None
    with watcher.progress(f"encode {loaded.name}", len(texts), "entities") as advance:
        batches = list(embed(texts.to_batches(64), loaded, embedding, as_increments(advance), prompts=prompts))
    vectors = pa.Table.from_batches(batches).select(["entity_id", "vector"])
    return like(events, _with_ids_of(vectors, table[str(entity)]))


def _of_events(
    recipe: "Recipe", table: pa.Table, ref: "ModelRef", load: LoadOptions, options: EmbedOptions, observer: Observer
) -> pa.Table:
    """``entity_id`` and ``vector`` by the vectors of single events, in a store that goes when they are made."""
    from ..recipes import keep_frames
    from .context import Context, open_store
    from .embed_events import embed_events
    from .serialize import serialize

    with tempfile.TemporaryDirectory(prefix="llm4es-encode-") as folder:
        kept = keep_frames(recipe, table, None, Path(folder) / "raw")
        context = Context(recipe.name, open_store(Path(folder) / "store"), kept, observer, Path(folder) / "raw")
        serialize(context, SerializeOptions())
        embed_events(context, ref, load, options)
        return context.store.sql("SELECT entity_id, vector FROM embeddings ORDER BY entity_id").to_arrow_table()


def _with_ids_of(vectors: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """The vectors with ids of the type that came in, so that they can be joined; text where one is not found again."""
    from ..recipes.from_frame.columns import texts_of

    if pa.types.is_string(ids.type):
        return vectors
    ids = ids.unique()
    at = pc.index_in(vectors["entity_id"], value_set=texts_of(pa.chunked_array([ids])).combine_chunks())
    if at.null_count:
        return vectors
    return vectors.set_column(0, "entity_id", ids.take(at.combine_chunks())).sort_by("entity_id")
