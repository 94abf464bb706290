"""``llm4es import``: vectors made elsewhere, kept and compared like our own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm4es import __version__
from llm4es.core.errors import DataError, OptionError

from ..options import DEFAULT_STORE, DebugOption, DryRunOption, FormatOption, QuietOption, StoreOption
from ..screen import Screen
from ..work import Outcome, show_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.features.import_options import ImportOptions
    from llm4es_store import Store

_ROWS_AT_ONCE = 20_000


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet or CSV: an id, and a vector, an entity.")],
    name: Annotated[str, typer.Option("--name", help="What the vectors are called here: their `model`.")],
    dataset: Annotated[str, typer.Option("--dataset", metavar="D", help="Whose entities they are: a recipe's name.")],
    id_: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The ids; default: entity_id, id...")
    ] = None,
    vector: Annotated[
        str | None,
        typer.Option("--vector", metavar="COLUMN", help="The lists; default: the only ones, or all numbers."),
    ] = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Take in vectors made elsewhere (CoLES, aggregates, sentence-transformers), in one commit.

    They become rows of `embeddings` with model NAME, k 0 and pooling 'imported'. `probe`, `compare`, `similar
    --features NAME` and SQL treat them like our own. The file is the whole: entities that it no longer has are dropped.

    Examples:

        llm4es import coles.parquet --name coles --dataset movielens-100k

        llm4es import features.csv --name rfm --dataset rosbank --id cl_id
    """
    from llm4es.features.import_options import ImportOptions
    from llm4es_store import Store

    options = ImportOptions(name, dataset, id_, vector)
    opened = Store(store, create=not dry_run)
    show_outcomes([_import(opened, file, options, Screen(quiet), dry_run)], format_, dry_run=dry_run)


def _import(store: "Store", file: Path, options: "ImportOptions", screen: Screen, dry_run: bool) -> Outcome:
    """Read, check, compare with what is there, and replace it where it differs."""
    import pyarrow as pa

    from llm4es.core.hashing import config_id, file_hash
    from llm4es.core.plan import Reason
    from llm4es.features.import_vectors import import_vectors

    began = time.monotonic()
    _refuse_taken(store, options)
    rows = pa.Table.from_batches(list(import_vectors(_read(file, options), options)))
    made_by = config_id(options.fingerprint())
    scope = {"dataset": options.dataset, "model": options.name, "config_id": made_by}
    wanted = rows.select(["entity_id", "k", "source_hash"])
    plan = store.plan("embeddings", scope, wanted, ("entity_id", "k"), complete=True, unseen=Reason.NEW)
    _say_who_is_unknown(store, options, rows, screen)
    if (len(plan.todo) or len(plan.stale)) and not dry_run:
        record: dict[str, Any] = {"config_id": made_by, "file": file.name, "source": file_hash(file)}
        with store.run("import", options.dataset, record | options.fingerprint(), __version__) as run:
            run.follow(plan)
            run.record.rows_in, run.record.rows_reused = len(rows), plan.reused
            run.record.rows_computed = len(plan.todo)
            run.replace("embeddings", scope, rows)  # one commit: all of the file, or nothing
    seconds = time.monotonic() - began
    return Outcome("import", options.name, len(rows), len(plan.todo), plan.reused, plan.why, seconds, made_by)


def _read(file: Path, options: "ImportOptions") -> "Iterator[pa.RecordBatch]":
    """The file's rows, a part at a time."""
    import csv

    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    from llm4es.features.vector_columns import id_column

    if not file.is_file():
        raise OptionError(f"no file {file}: give a Parquet or CSV file of vectors")
    try:
        if file.suffix.lower() == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as opened:
                header = pa.schema([(name, pa.string()) for name in next(csv.reader(opened), [])])
            as_text = {id_column(header, options): pa.string()}  # ids stay text: 007 is not 7
            with pyarrow.csv.open_csv(file, convert_options=pyarrow.csv.ConvertOptions(column_types=as_text)) as reader:
                yield from reader
        else:
            with pq.ParquetFile(file) as parquet:
                yield from parquet.iter_batches(_ROWS_AT_ONCE)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} cannot be read ({' '.join(str(error).split())}): give a Parquet or CSV file"
        ) from error


def _refuse_taken(store: "Store", options: "ImportOptions") -> None:
    """A name stands for one space: ours and others' vectors never share one."""
    from llm4es.core.sql import where
    from llm4es.features.import_vectors import IMPORTED

    taken = store.sql(
        f"SELECT 1 FROM embeddings WHERE {where({'model': options.name})} AND pooling <> '{IMPORTED}' LIMIT 1"
    ).fetchall()
    if taken or store.sql(f"SELECT 1 FROM models WHERE {where({'model': options.name})}").fetchall():
        raise OptionError(f"--name {options.name!r} is a model's whose vectors are in the store: choose another name")


def _say_who_is_unknown(store: "Store", options: "ImportOptions", rows: "pa.Table", screen: Screen) -> None:
    """Warn where ids do not match the dataset's: a wrong id column would else be found much later."""
    from llm4es.core.sql import where

    of_dataset = where({"dataset": options.dataset})
    known = {e for (e,) in store.sql(f"SELECT DISTINCT entity_id FROM texts WHERE {of_dataset}").fetchall()}
    met = sum(entity in known for entity in rows["entity_id"].to_pylist())
    if known and met < len(rows):
        screen.warn(f"{len(rows) - met} of {len(rows)} ids have no text in {options.dataset!r}: probes leave them out")
