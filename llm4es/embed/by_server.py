"""Texts to embeddings by a server: one vector an entity, as the answers come.

In: record batches of ``TEXTS`` (an entity's variants adjacent), an endpoint, options. Out: record batches of
``EMBEDDINGS``. Knows no store, no screen and no protocol.

An entity's vector is the plain mean of its variants' vectors; a variant's is the mean of its pieces', in proportion to
their estimated tokens; with ``dims`` the mean is brought to length 1 again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import DataError, ModelError
from ..core.hashing import combined_hash
from ..core.schemas import EMBEDDINGS
from ..inputs.check_texts import check_texts
from ..options import EmbedOptions
from ..options.embed import ENDPOINT
from ..servers.as_they_come import as_they_come
from .endpoint import Answered, Endpoint, Sent
from .estimated_tokens import Pieces, pieces
from .smaller_vectors import shortened

# P pieces, D width


@dataclass(eq=False)
class _Entity:
    """An entity and what has come back for it."""

    rows: list[dict[str, Any]]
    cuts: list[Pieces]
    answers: dict[int, Answered] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return len(self.answers) == sum(len(cut.texts) for cut in self.cuts)


def embed_by_server(
    texts: Iterable[pa.RecordBatch],
    endpoint: Endpoint,
    space: str,
    fingerprint: str,
    options: EmbedOptions,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Turn texts into one vector an entity, as the answers come.

    Parameters
    ----------
    texts : iterable of pyarrow.RecordBatch
        Rows of ``llm4es.core.schemas.TEXTS``; the rows of an entity next to each other.
    endpoint : Endpoint
        Who is asked.
    space, fingerprint : str
        What the vectors' model is called, and its fingerprint.
    options : EmbedOptions
        Variants, estimated tokens a piece and a request, requests at once.
    progress : callable, optional
        Called with the number of entities finished so far.

    Yields
    ------
    pyarrow.RecordBatch
        Rows of ``EMBEDDINGS``, of the entities whose last answer has come; ``k`` is 0, ``n_tokens`` as the server
        counts them.

    Raises
    ------
    ServerError
        Where the server cannot be used: after the rows of what was answered.
    ModelError
        For answers that hold no vectors; at the end, for texts that the server finds too long or refuses.
    """
    waiting: dict[int, _Entity] = {}
    complaints: list[str] = []
    any_too_long = False
    finished = 0
    requests = _requests(_sent(texts, waiting, options), options)
    for sent, answers in as_they_come(endpoint.ask, requests, options.concurrency):
        whole: list[_Entity] = []
        for text, answer in zip(sent, answers, strict=True):
            entity = waiting[text.owner]
            entity.answers[text.place] = answer
            if entity.is_whole:
                whole.append(waiting.pop(text.owner))
        refused = [entity for entity in whole if any(answer.vector is None for answer in entity.answers.values())]
        complaints += map(_complaint, refused)
        any_too_long |= any(answer.too_long for entity in refused for answer in entity.answers.values())
        made = [_row(entity, space, fingerprint, options) for entity in whole if entity not in refused]
        finished += len(whole)
        if progress is not None:
            progress(finished)
        if made:
            yield _batch(made)
    if complaints:
        others = f" and {len(complaints) - 1} others" if len(complaints) > 1 else ""
        hint = "the next run asks for these alone"
        if any_too_long:
            hint = (
                f"lower --max-length, now {options.max_length} estimated tokens (all are then asked for anew), or "
                "raise what the server takes"
            )
        raise ModelError(f"{complaints[0]}{others}: the others are embedded; {hint}")


def _sent(texts: Iterable[pa.RecordBatch], waiting: dict[int, _Entity], options: EmbedOptions) -> Iterator[Sent]:
    """Every piece of every entity; an entity is waited for from its first piece on."""
    ended: set[int] = set()  # hashes of the keys: ids themselves would take the memory of everybody's ids
    for owner, (key, group) in enumerate(groupby(_rows(texts, options), itemgetter("dataset", "entity_id"))):
        if hash(key) in ended:
            raise DataError(f"embed: the texts of entity {key[1]!r} lie apart: sort the rows by dataset and entity_id")
        ended.add(hash(key))
        rows = list(group)
        cuts = [pieces(row, options) for row in rows]
        for row, cut in zip(rows, cuts, strict=True):
            if not "".join(cut.texts).strip():
                raise DataError(f"the text {row['variant']!r} of entity {key[1]!r} is empty: leave the entity out")
        waiting[owner] = _Entity(rows, cuts)
        parts = [(row, text, size) for row, cut in zip(rows, cuts, strict=True) for text, size in _parts(cut)]
        for place, (row, text, size) in enumerate(parts):
            yield Sent(text, size, owner, place, f"text {row['variant']!r} of entity {key[1]!r}")


def _rows(texts: Iterable[pa.RecordBatch], options: EmbedOptions) -> Iterator[dict[str, Any]]:
    """The rows whose variant was asked for."""
    for batch in texts:
        check_texts("embed", batch)
        for row in batch.to_pylist():
            if options.texts == ("all",) or row["variant"] in options.texts:
                yield row


def _parts(cut: Pieces) -> Iterator[tuple[str, int]]:
    return zip(cut.texts, cut.sizes, strict=True)


def _requests(sent: Iterable[Sent], options: EmbedOptions) -> Iterator[list[Sent]]:
    """Texts in requests of bounded number and size; one that is larger than a request goes alone."""
    request: list[Sent] = []
    size = 0
    for text in sent:
        if request and (len(request) == options.batch_inputs or size + text.size > options.batch_tokens):
            yield request
            request, size = [], 0
        request.append(text)
        size += text.size
    if request:
        yield request


def _complaint(entity: _Entity) -> str:
    """Whose text has no vector, and what the server says."""
    answer = next(answer for answer in entity.answers.values() if answer.vector is None)
    what = "is too long" if answer.too_long else "has no vector"
    return f"a text of entity {entity.rows[0]['entity_id']!r} {what}: {answer.refusal}"


def _row(entity: _Entity, space: str, fingerprint: str, options: EmbedOptions) -> dict[str, Any]:
    """An entity's row of ``EMBEDDINGS``."""
    first, cuts = entity.rows[0], entity.cuts
    answers = [entity.answers[place] for place in range(len(entity.answers))]
    mean = _mean(cuts, [answer.vector for answer in answers if answer.vector is not None])
    vector = shortened(mean, options.dims)
    counted = [answer.n_tokens for answer in answers]
    both = [(row["n_events_dropped"], cut.n_events_dropped) for row, cut in zip(entity.rows, cuts, strict=True)]
    return {
        "dataset": first["dataset"],
        "entity_id": first["entity_id"],
        "model": space,
        "k": 0,
        "pooling": ENDPOINT,
        "texts": ",".join(options.texts),
        "dim": len(vector),
        "vector": vector,
        "max_length": options.max_length,
        "history": options.history.value,
        "dtype": "float32",
        "fingerprint": fingerprint,
        "n_tokens": None if None in counted else sum(filter(None, counted)),
        "n_tokens_dropped": sum(cut.n_tokens_dropped for cut in cuts),
        # of several variants, the one that carries least
        "n_events": min((cut.n_events for cut in cuts if cut.n_events is not None), default=None),
        "n_events_dropped": max((sum(counts) for counts in both if None not in counts), default=None),
        "n_windows": len(answers),
        "source_hash": combined_hash([(row["variant"], row["text_hash"]) for row in entity.rows]),
    }


def _mean(cuts: list[Pieces], vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The (D,) mean over variants of the mean over pieces; of a single piece the vector as it came."""
    left = iter(vectors)
    means = []
    for cut in cuts:
        parts = np.stack([next(left) for _ in cut.texts])  # (P, D)
        means.append(parts[0] if len(parts) == 1 else np.average(parts, axis=0, weights=cut.sizes))  # (D)
    return np.asarray(means[0] if len(means) == 1 else np.mean(means, axis=0), np.float32)


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=EMBEDDINGS)
