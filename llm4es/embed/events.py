"""Single events to vectors: each distinct event text read once, every layer kept.

In: record batches of event texts, a loaded model, options, and what is read before each of them. Out: rows of
``EVENT_VECTORS`` (all columns but ``config_id`` and ``run_id``), one an (event, layer), or one an event with the log
probabilities of answers. Knows no users, no store, and not which events are wanted.

The context (a header that names the fields) is read before each event and not pooled: the first token's state is
hundreds of times longer than any other. All means in float32.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import DataError, OptionError
from ..core.schemas import EVENT_VECTORS
from ..inputs.tokenize import tokenize
from ..inputs.windows import cut
from ..models.architecture import check_predicts
from ..options import EmbedOptions, History, Pooling
from .entities import EmbedText, Entity
from .entity_vectors import Progress, entity_vectors
from .rows import Vectors

if TYPE_CHECKING:
    from ..models.load import Model
    from .pooler import Pooler

# E events, L layers, D width

ANSWERS_LAYER = 0
"""The ``layer`` of rows whose vector is log probabilities of answers."""


AT_ONCE = 1 << 26
"""Numbers of a batch of rows, at most: Arrow counts those of a column of lists in 31 bits."""

SHOWN = 80
"""Characters of an event that a message shows."""


def read_events(
    events: Iterable[pa.RecordBatch],
    model: "Model",
    options: EmbedOptions,
    context: str = "",
    answers: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    ordered: bool = True,
    on_cut: Callable[[str], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Turn single events into one vector an (event, layer), all layers from one forward pass.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch
        Columns ``event_hash`` and ``event_text``, and ``dataset`` where rows are to bear one; each text once.
    model : Model
        What ``load_model`` gave.
    options : EmbedOptions
        Pooling, tokens a window, tokens a pass. ``mean`` and ``content_mean``: the mean over the event's own tokens;
        ``last``: its last one; ``model``: a sentence-transformers folder's own. ``history``, ``texts`` and ``k`` say
        nothing here.
    context : str, default ""
        Read before each event and not pooled.
    answers : sequence of str
        Where there are any, a row holds the log probabilities of their first tokens as the next one instead.
    progress : callable, optional
        Called after each pass with the number of events finished so far.
    ordered : bool, default True
        As of ``embed``: False hands out the rows of each pass after it.
    on_cut : callable, optional
        Called with the hash of each event that is longer than ``max_length`` and whose end alone is read, as ``last``
        does; means are taken over all of it.

    Yields
    ------
    pyarrow.RecordBatch
        Rows of ``EVENT_VECTORS``; ``layer`` counts from 1 (of a model's own pooling there is the last one alone), or is
        0 for answers; ``vector`` is (D,) float32. An event without any text has a vector of zeros and no tokens.

    Raises
    ------
    DataError
        Where a column is missing or a text or hash is null.
    ModelError
        Where ``max_length`` is above the model's context or leaves no room beside the context, or memory does not
        suffice for one event, or answers are asked of a model that predicts no next token.
    OptionError
        For a context with a model's own pooling.

    Examples
    --------
    >>> events = pa.table({"event_hash": [text_hash("tea | 2")], "event_text": ["tea | 2"]})  # doctest: +SKIP
    >>> for rows in read_events(events.to_batches(), model, EmbedOptions(), "Shop | Amount\\n"):  # doctest: +SKIP
    ...     print(rows.select(["event_text", "layer", "vector"]))
    """
    from .model_pooling import pooler_for
    from .pooler import EventPooler

    sums = None
    if answers:
        from .answers import answer_log_probs

        check_predicts(model.ref, "asked")
        model.require_head("asked")
        options = replace(options, pooling=Pooling.LAST)
        sums = answer_log_probs(model.tokenizer, answers)
    if options.pooling is Pooling.MODEL:
        if context:
            raise OptionError("--pooling model reads events without a context: the folder says how a text is read")
        pooler = pooler_for(model, options)
    else:
        pooler = EventPooler(options.pooling, model.tokenizer)
    silent: list[Event] = []  # what says nothing is not read
    spoken = _events(events, pooler, options, context, silent, on_cut or (lambda _: None))
    how: dict[str, Any] = {"ordered": ordered, "sums": sums, "begin_alike": options.pooling is not Pooling.MODEL}
    for finished, vectors in entity_vectors(spoken, model, options, pooler, progress, **how):
        yield from _batches(finished, vectors, model, options, context, bool(answers))
    if silent and answers:
        raise DataError("embed: an event without text cannot be asked about: give a prompt, or leave it out")
    if silent:
        nothing = np.zeros((1, pooler.dim) if pooler.dim else (model.ref.n_layers, model.ref.dim), np.float32)
        yield from _batches(silent, [nothing] * len(silent), model, options, context)


@dataclass(frozen=True)
class Event(Entity):
    """A distinct event text; ``entity_id`` is its hash."""

    text: str = ""

    def named(self, text: EmbedText) -> str:
        """The event, for messages."""
        return f"event {self.text[:SHOWN]!r}"


def _events(
    batches: Iterable[pa.RecordBatch],
    pooler: "Pooler",
    options: EmbedOptions,
    context: str,
    silent: list[Event],
    on_cut: Callable[[str], None],
) -> Iterator[Event]:
    """The events with tokens, cut; those without go to ``silent``."""
    # of an event longer than a window all is read for a mean, and the end for a last token
    history = History.NEWEST if options.pooling is Pooling.LAST else History.FULL
    for batch in batches:
        hashes, texts = _column(batch, "event_hash"), _column(batch, "event_text")
        named = batch.schema.get_field_index("dataset") >= 0
        datasets = batch["dataset"].to_pylist() if named else [""] * len(batch)
        read = tokenize(pooler.tokenizer, texts, pooler.prompt + context)
        for digest, text, dataset, tokens in zip(hashes, texts, datasets, read, strict=True):
            windows = cut(tokens, None, None, options.max_length, history)
            prefix, suffix = len(tokens.prefix), len(tokens.suffix)
            spans = tuple(pooler.span(len(window), prefix, suffix) for window in windows.windows)
            event = Event(dataset, digest, (EmbedText("", digest, windows, spans, None),), text)
            if windows.n_tokens_dropped:
                on_cut(digest)
            if windows.windows:
                yield event
            else:
                silent.append(event)


def _column(batch: pa.RecordBatch, name: str) -> list[str]:
    """The texts of a column. Raises DataError where it is missing or has a gap."""
    if batch.schema.get_field_index(name) < 0:
        raise DataError(
            f"embed: the events have no column {name!r} (there are {', '.join(batch.schema.names)}): give rows of"
            " event_hash and event_text"
        )
    if batch[name].null_count:
        raise DataError(f"embed: column {name!r} of the events is null in a row: leave that row out")
    found: list[str] = batch[name].to_pylist()
    return found


def _batches(
    events: Sequence[Entity],
    vectors: Vectors,
    model: "Model",
    options: EmbedOptions,
    context: str,
    are_answers: bool = False,
) -> Iterator[pa.RecordBatch]:
    """``_rows`` of as many events at a time as a batch takes."""
    most = max(1, AT_ONCE // vectors[0].size)
    for start in range(0, len(events), most):
        some = slice(start, start + most)
        rows = _rows(events[some], np.stack(vectors[some]), model, options, context)
        yield _of_answers(rows) if are_answers else rows


def _of_answers(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows, their vectors said to be of answers and of no layer."""
    layers = pa.repeat(pa.scalar(ANSWERS_LAYER, pa.int32()), len(rows))
    return rows.set_column(rows.schema.get_field_index("layer"), EVENT_VECTORS.field("layer"), layers)


def _rows(
    events: Sequence[Entity], vectors: NDArray[np.float32], model: "Model", options: EmbedOptions, context: str
) -> pa.RecordBatch:
    """One row an (event, layer), from (E, L, D); what a layer's rows share is written once an event."""
    n_events, n_layers, dim = vectors.shape
    each = pa.array(np.repeat(np.arange(n_events), n_layers))
    last = model.ref.n_layers
    columns = {
        "dataset": [event.dataset or None for event in events],
        "event_hash": [event.entity_id for event in events],
        "event_text": [event.text for event in events if isinstance(event, Event)],
        "n_tokens": [event.n_tokens for event in events],
        "source_hash": [event.entity_id for event in events],
    }
    same = {
        "model": model.name,
        "dim": dim,
        "pooling": options.pooling.value,
        "context": context,
        "load_in": model.options.load_in.value,
        "dtype": str(model.dtype).removeprefix("torch."),
        "fingerprint": model.fingerprint,
        "stored_as": None,
    }
    offsets = pa.array(np.arange(n_events * n_layers + 1) * dim, pa.int32())
    kinds = {field.name: field.type for field in EVENT_VECTORS}
    arrays = {
        "layer": pa.array(np.tile(np.arange(last - n_layers + 1, last + 1), n_events), pa.int32()),
        "vector": pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel())),
        **{name: pa.array(values, kinds[name]).take(each) for name, values in columns.items()},
        **{name: pa.repeat(pa.scalar(value, kinds[name]), len(each)) for name, value in same.items()},
    }
    return pa.RecordBatch.from_arrays([arrays[name] for name in EVENT_VECTORS.names], schema=EVENT_VECTORS)
