"""Texts to more texts: the same events, written otherwise.

In: record batches of raw texts. Out: record batches of the TEXTS schema, ``options.variants`` rows a text, in the order
of the texts. Which formats an entity gets depends on the seed and its id alone. Knows nothing of stores.
"""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from .config import EnrichOptions
from .errors import OptionError
from .fingerprint import text_hash
from .formats import Format, Written, parse, write
from .schemas import TEXTS

VARIANTS = pa.schema([("entity_id", pa.string()), ("variant", pa.string())])


def enrich(texts: Iterable[pa.RecordBatch], options: EnrichOptions) -> Iterator[pa.RecordBatch]:
    """The variants of each raw text; ``source_hash`` is the raw text's hash."""
    choices(options)  # refuse what cannot work before the first text
    for batch in texts:
        rows = batch.to_pylist()
        planned = planned_variants(batch["entity_id"], options)["variant"].to_pylist()
        made = [
            _rewritten(row, Format(planned[at * options.variants + i]))
            for at, row in enumerate(rows)
            for i in range(options.variants)
        ]
        yield pa.RecordBatch.from_pylist(made, schema=TEXTS)


def planned_variants(entity_ids: pa.Array | pa.ChunkedArray, options: EnrichOptions) -> pa.Table:
    """The (entity_id, variant) pairs that ``enrich`` will make, entity by entity. More variants keep the fewer ones."""
    names, count = choices(options), options.variants
    keys = [f"{options.seed}\0{entity}".encode() for entity in entity_ids.to_pylist()]
    digests = b"".join(hashlib.md5(key, usedforsecurity=False).digest()[:8] for key in keys)
    chosen = _draw(np.frombuffer(digests, ">u8").astype(np.uint64), len(names), count)  # (entities, count)
    variants = pa.array(np.array(names, object)[chosen].ravel(), pa.string())
    entities = pa.array(np.repeat(np.arange(len(keys)), count))
    return pa.table([pa.array(entity_ids.to_pylist(), pa.string()).take(entities), variants], schema=VARIANTS)


def choices(options: EnrichOptions) -> Sequence[str]:
    """The formats that variants are drawn from."""
    there = [format.value for format in Format]
    for name in options.formats:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(there)}"
            raise OptionError(f"--formats {name!r} is no format: {hint}")
    names = list(dict.fromkeys(options.formats)) or there
    if options.variants > len(names):
        raise OptionError(f"--variants {options.variants} is more than the {len(names)} formats to choose from")
    return names


def _draw(hashes: np.ndarray, size: int, count: int) -> np.ndarray:
    """For each hash, ``count`` different numbers below ``size``: the first steps of a shuffle that the hash decides."""
    order = np.tile(np.arange(size), (len(hashes), 1))
    rows = np.arange(len(hashes))
    for at in range(count):
        left = np.uint64(size - at)
        other = at + (hashes % left).astype(np.int64)
        hashes = hashes // left
        order[rows, at], order[rows, other] = order[rows, other], order[rows, at].copy()
    return order[:, :count]


def _rewritten(row: dict[str, object], format: Format) -> dict[str, object]:
    """One text in one format."""
    written = write(parse(str(row["text"]), int(str(row["n_events_dropped"]))), format)
    text = written.text
    return {
        **row,
        "variant": format.value,
        "text": text,
        "text_hash": text_hash(text),
        "event_offsets": _offsets(written),
        "note": None,
        "source_hash": row["text_hash"],
    }


def _offsets(written: Written) -> list[int] | None:
    """Where events begin, and where the last one ends; None where they cannot be cut apart."""
    if not written.cuttable:
        return None
    offsets = [len(written.opening)]
    for event in written.events:
        offsets.append(offsets[-1] + len(event))
    return offsets
