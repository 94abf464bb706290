"""Texts to more texts: the same events, written otherwise by rules or by a language model.

In: record batches of raw texts. Out: record batches of the TEXTS schema, ``options.variants`` rows a text, in the order
of the texts. Which formats or prompts an entity gets depends on the seed and its id alone. Knows no stores.
"""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..core.errors import OptionError
from ..core.hashing import text_hash
from ..core.schemas import TEXTS
from ..options import EnrichBy, EnrichOptions, LoadOptions
from ..serialize.formats import TextFormat, Written, parse, write
from .engine import Engine
from .fidelity import VERSION
from .open_engine import open_engine
from .prompts import load_prompt, prompt_names
from .rewrite import RewriteTask, rewrite

VARIANTS = pa.schema([("entity_id", pa.string()), ("variant", pa.string())])

LLM = "llm_"
"""Before the prompt's name in the variants that a language model writes: ``llm_table``, the second ``llm_table_2``."""

Row = dict[str, Any]


def enrich(
    texts: Iterable[pa.RecordBatch],
    options: EnrichOptions,
    engine: Engine | None = None,
    wanted: pa.Table | None = None,
) -> Iterator[pa.RecordBatch]:
    """The variants of each raw text; ``source_hash`` is the raw text's hash.

    ``wanted``, with the columns of ``planned_variants``, limits them to what is missing. By llm, ``engine`` answers the
    prompts; None opens the one that the options name. A batch goes out as soon as it is done, so that its keeper can
    commit it: by llm it holds the texts of two batches of the engine.
    """
    choices(options)  # refuse what cannot work before the first text
    pairs = None if wanted is None else set(zip(*(wanted[name].to_pylist() for name in VARIANTS.names), strict=True))
    if options.by is EnrichBy.LLM:
        engine = engine or open_engine(options)
        at_once = 2 * (options.batch_size if options.engine == "transformers" else options.concurrency)
    for batch in texts:
        planned = planned_variants(batch["entity_id"], options)["variant"].to_pylist()
        work = [
            (row, variant)
            for at, row in enumerate(batch.to_pylist())
            for variant in planned[at * options.variants : (at + 1) * options.variants]
            if pairs is None or (row["entity_id"], variant) in pairs
        ]
        if engine is None or options.by is EnrichBy.RULES:
            made = [_by_rule(row, TextFormat(variant), options) for row, variant in work]
            yield pa.RecordBatch.from_pylist(made, schema=TEXTS)
            continue
        for begin in range(0, len(work), at_once):
            yield pa.RecordBatch.from_pylist(_by_llm(work[begin : begin + at_once], engine, options), schema=TEXTS)


def fingerprint(options: EnrichOptions, load: LoadOptions | None = None, identity: str | None = None) -> dict[str, Any]:
    """What changes the variants besides the raw texts, as plain values: the options; by llm also prompts, model, check.

    ``identity`` is the engine's: for a model in this process, ``models.space_fingerprint``.
    """
    said: dict[str, Any] = options.fingerprint()
    if options.by is EnrichBy.LLM:
        said["prompts"] = {name: load_prompt(_prompt_of(name)).digest for name in choices(options)}
        said["load"] = (load or LoadOptions()).fingerprint() if options.engine == "transformers" else None
        said["identity"], said["check"] = identity, VERSION
    return said


def planned_variants(entity_ids: pa.Array | pa.ChunkedArray, options: EnrichOptions) -> pa.Table:
    """The (entity_id, variant) pairs that ``enrich`` will make, entity by entity. More variants keep the fewer ones."""
    names, count = choices(options), options.variants
    ids = entity_ids.to_pylist()
    digests = (hashlib.md5(f"{options.seed}\0{entity}".encode(), usedforsecurity=False).digest()[:8] for entity in ids)
    hashes = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)
    chosen = _draw(hashes, len(names), min(count, len(names)))  # (entities, different choices)
    by_round = [
        [name if again == 0 else f"{name}_{again + 1}" for name in names] for again in range(-(-count // len(names)))
    ]
    labels = np.array([each for names_of_round in by_round for each in names_of_round], object)
    rounds = [chosen + again * len(names) for again in range(len(by_round))]
    variants = labels[np.concatenate(rounds, axis=1)[:, :count]].ravel()
    rows = pa.array(np.repeat(np.arange(len(ids)), count))
    return pa.table([pa.array(ids, pa.string()).take(rows), pa.array(variants, pa.string())], schema=VARIANTS)


def choices(options: EnrichOptions) -> Sequence[str]:
    """The variants that are drawn from: formats, or prompts with ``llm_`` before them."""
    by_llm = options.by is EnrichBy.LLM
    there = prompt_names() if by_llm else [format.value for format in TextFormat]
    what = "prompt" if by_llm else "format"
    for name in options.formats:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(there)}"
            raise OptionError(f"--formats {name!r} is no {what}: {hint}")
    names = list(dict.fromkeys(options.formats)) or there
    if by_llm:
        return [LLM + name for name in names]
    if options.variants > len(names):
        raise OptionError(f"--variants {options.variants} is more than the {len(names)} formats to choose from")
    return names


def _draw(hashes: npt.NDArray[np.uint64], size: int, count: int) -> npt.NDArray[np.int64]:
    """For each hash, ``count`` different numbers below ``size``: the first steps of a shuffle that the hash decides."""
    order = np.tile(np.arange(size), (len(hashes), 1))
    rows = np.arange(len(hashes))
    for at in range(count):
        left = np.uint64(size - at)
        other = at + (hashes % left).astype(np.int64)
        hashes = hashes // left
        order[rows, at], order[rows, other] = order[rows, other], order[rows, at].copy()
    return order[:, :count]


def _by_rule(row: Row, format: TextFormat, options: EnrichOptions) -> Row:
    """One text in one format."""
    written = write(parse(row["text"], row["n_events_dropped"]), format, options.group_by)
    return _row(row, format.value, written.text) | {"event_offsets": _offsets(written)}


def _by_llm(work: Sequence[tuple[Row, str]], engine: Engine, options: EnrichOptions) -> list[Row]:
    """Some texts, rewritten together."""
    tasks = [
        RewriteTask(
            f"{row['entity_id']}\0{variant}",
            load_prompt(_prompt_of(variant)),
            parse(row["text"], row["n_events_dropped"]),
        )
        for row, variant in work
    ]
    made = []
    for (row, variant), rewriting in zip(work, rewrite(tasks, engine, options), strict=True):
        lost = row["n_events"] - rewriting.kept
        about = {"fidelity": rewriting.fidelity, "note": rewriting.note, "n_events": rewriting.kept}
        made.append(_row(row, variant, rewriting.text) | about | {"n_events_dropped": row["n_events_dropped"] + lost})
    return made


def _prompt_of(variant: str) -> str:
    """``llm_table_2`` is of the prompt ``table``."""
    name = variant.removeprefix(LLM)
    return name if name in prompt_names() else name.rpartition("_")[0]


def _row(row: Row, variant: str, text: str) -> Row:
    """A row of a text that was made of another."""
    made = {"variant": variant, "text": text, "text_hash": text_hash(text), "source_hash": row["text_hash"]}
    return {name: row[name] for name in TEXTS.names} | made | {"event_offsets": None, "fidelity": None, "note": None}


def _offsets(written: Written) -> list[int] | None:
    """Where events begin, and where the last one ends; None where they cannot be cut apart."""
    if not written.cuttable:
        return None
    offsets = [len(written.opening)]
    for event in written.events:
        offsets.append(offsets[-1] + len(event))
    return offsets
