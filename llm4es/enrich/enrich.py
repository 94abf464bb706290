"""Texts to more texts: the same events, written otherwise by rules or by a language model.

In: raw texts, and by llm an opened engine. Out: record batches of the TEXTS schema, ``options.variants`` rows a text,
in the order of the texts. Which formats or prompts an entity gets depends on the seed and its id alone. Knows no
stores, and opens no model.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import batches_of, check_columns
from ..core.errors import DataError, OptionError
from ..core.hashing import text_hash
from ..core.schemas import TEXTS
from ..options import EngineName, EnrichBy, EnrichOptions
from ..serialize.formats import TextFormat, Written, parse, write
from .chunks import RewriteTask
from .engine import Engine
from .prompts import load_prompt
from .rewrite import Unwritten, rewrite
from .unanswered import UnansweredError
from .variants import VARIANTS, choices, planned_variants, prompt_of, wanted_pairs

READ = pa.schema(
    TEXTS.field(name).with_nullable(False)
    for name in ("dataset", "entity_id", "variant", "text", "text_hash", "n_events", "n_events_dropped")
)
"""The columns of raw texts that are read; further ones of TEXTS are handed on where they are there."""

ABOUT = ("event_offsets", "fidelity", "checked", "note", "written_by", "n_events_by_rule")
"""Columns that are of a text alone, and not of the raw one that it was made of."""

Row = dict[str, Any]


def enrich(
    texts: Iterable[pa.RecordBatch],
    options: EnrichOptions,
    engine: Engine | None = None,
    wanted: pa.Table | None = None,
    paraphrase: Sequence[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Write each raw text anew, in other formats or by a language model.

    A batch goes out as soon as it is done, so that its keeper can commit it: by llm it holds the texts of one batch of
    a model in this process, of two of a server.

    Parameters
    ----------
    texts : iterable of pyarrow.RecordBatch, or pyarrow.Table
        Raw texts of the schema ``TEXTS``, one row an entity, as ``llm4es.serialize`` makes them.
    options : EnrichOptions
        Who writes, how many variants an entity (default 2), of which formats or prompts, and the seed.
    engine : Engine, default None
        By llm, what answers the prompts: see ``open_engine``; None where nothing is wanted. By rules it is not asked.
    wanted : pyarrow.Table, default None
        ``entity_id, variant`` of the variants that are missing; None makes all that ``planned_variants`` names.
    paraphrase : sequence of str, default ()
        By llm, names of the fields as the texts have them whose values may be said in other words.

    Yields
    ------
    pyarrow.RecordBatch
        Rows of ``TEXTS``; ``source_hash`` is the raw text's hash. By llm ``fidelity`` is the share of events that the
        model kept, 0 to 1, ``checked`` whether that was compared by 'fields' or by 'words' alone, ``note`` says why an
        answer was asked for again or replaced, ``written_by`` who wrote it, and ``n_events_by_rule`` how many events a
        rule wrote in its place.

    Raises
    ------
    OptionError
        For a format or prompt that there is none of, more variants than formats, a wanted variant that the options do
        not make, no engine by llm, or a prompt that leaves no room for events.
    DataError
        For texts without a column, with a value of another kind or none at all, two rows of an entity, or texts that
        are no raw ones.
    ModelError
        Where the engine's server cannot be used, and, after the last text, where it did not answer for some
        (``UnansweredError``). What was made before has gone out.

    Examples
    --------
    >>> raw = {"dataset": "shop", "entity_id": "7", "variant": "raw", "text": "What | Price\\ntea | 3",
    ...        "text_hash": "h", "n_events": 1, "n_events_dropped": 0}
    >>> options = EnrichOptions(variants=1, formats=("bullet_list",))
    >>> batches = enrich(pa.Table.from_pylist([raw]), options)
    >>> next(batches).select(["entity_id", "variant", "text"]).to_pylist()
    [{'entity_id': '7', 'variant': 'bullet_list', 'text': 'Events, oldest first:\\n- What: tea; Price: 3\\n'}]
    """
    choices(options)  # refuse what cannot work before the first text
    pairs = None
    if wanted is not None:
        check_columns(wanted, VARIANTS, "wanted variants", OptionError)
        pairs = wanted_pairs(wanted, options)
    if options.by is EnrichBy.LLM and engine is None and (pairs is None or pairs):
        raise OptionError("--by llm was given no engine to answer: open one with `open_engine`")
    return _batches(texts, options, engine, pairs, tuple(paraphrase))


def _batches(
    texts: Iterable[pa.RecordBatch],
    options: EnrichOptions,
    engine: Engine | None,
    pairs: set[tuple[str, str]] | None,
    paraphrase: tuple[str, ...],
) -> Iterator[pa.RecordBatch]:
    """The variants, batch by batch."""
    in_process = options.engine is EngineName.TRANSFORMERS
    at_once = options.batch_size if in_process else 2 * options.concurrency
    left_out: list[str] = []
    for batch in _checked(batches_of(texts, "texts")):
        planned = planned_variants(batch["entity_id"], options)["variant"].to_pylist()
        work = [
            (row, variant)
            for at, row in enumerate(batch.to_pylist())
            for variant in planned[at * options.variants : (at + 1) * options.variants]
            if pairs is None or (row["entity_id"], variant) in pairs
        ]
        if options.by is EnrichBy.RULES or engine is None:
            rows = [_by_rule(row, TextFormat(variant), options) for row, variant in work]
            yield pa.RecordBatch.from_pylist(rows, schema=TEXTS)
            continue
        for begin in range(0, len(work), at_once):
            some = work[begin : begin + at_once]
            rows, unwritten = _by_llm(some, engine, options, paraphrase)
            if rows:
                yield pa.RecordBatch.from_pylist(rows, schema=TEXTS)
            for failure in (each.failure for each in unwritten if each.failure is not None):
                raise failure
            left_out += [each.reason for each in unwritten]
    if left_out:
        raise UnansweredError(left_out)


def _checked(texts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches; DataError for rows that are no raw texts, one an entity."""
    last = None
    for batch in texts:
        check_columns(batch, READ, "texts")
        if not batch.num_rows:
            continue
        others = pc.unique(batch["variant"].filter(pc.not_equal(batch["variant"], "raw"))).to_pylist()
        if others:
            raise DataError(f"texts are of the variant '{others[0]}': give raw ones, only they can be written anew")
        ids = batch["entity_id"].to_pylist()
        if ids[0] == last or len(pc.unique(batch["entity_id"])) < len(ids):
            twice = ids[0] if ids[0] == last else Counter(ids).most_common(1)[0][0]
            raise DataError(f"texts have two rows for entity '{twice}': give one raw text an entity")
        last = ids[-1]
        yield batch


def _by_rule(row: Row, format: TextFormat, options: EnrichOptions) -> Row:
    """One text in one format."""
    written = write(parse(row["text"], row["n_events_dropped"]), format, options.group_by)
    return _row(row, format.value, written.text) | {"event_offsets": _offsets(written)}


def _by_llm(
    work: Sequence[tuple[Row, str]], engine: Engine, options: EnrichOptions, paraphrase: tuple[str, ...]
) -> tuple[list[Row], list[Unwritten]]:
    """Some texts, rewritten together, and what was not answered of them."""
    tasks = [
        RewriteTask(
            f"{row['entity_id']}\0{variant}",
            load_prompt(prompt_of(variant)),
            parse(row["text"], row["n_events_dropped"]),
            paraphrase,
        )
        for row, variant in work
    ]
    rows, unwritten = [], []
    for (row, variant), rewriting in zip(work, rewrite(tasks, engine, options), strict=True):
        if isinstance(rewriting, Unwritten):
            unwritten.append(rewriting)
            continue
        lost = row["n_events"] - rewriting.kept
        about = {
            "fidelity": rewriting.fidelity,
            "checked": load_prompt(prompt_of(variant)).checked,
            "note": rewriting.note,
            "n_events": rewriting.kept,
            "written_by": rewriting.written_by,
            "n_events_by_rule": rewriting.by_rule,
        }
        rows.append(_row(row, variant, rewriting.text) | about | {"n_events_dropped": row["n_events_dropped"] + lost})
    return rows, unwritten


def _row(row: Row, variant: str, text: str) -> Row:
    """A row of a text that was made of another."""
    new = {"variant": variant, "text": text, "text_hash": text_hash(text), "source_hash": row["text_hash"]}
    kept = {name: row.get(name) for name in TEXTS.names}
    return kept | new | dict.fromkeys(ABOUT)


def _offsets(written: Written) -> list[int] | None:
    """Where events begin, and where the last one ends; None where they cannot be cut apart."""
    if not written.cuttable:
        return None
    offsets = [len(written.opening)]
    for event in written.events:
        offsets.append(offsets[-1] + len(event))
    return offsets
