"""The step ``import``: vectors made elsewhere, kept and compared like our own.

In: a context, a file or a frame of vectors, their name. Out: rows of ``embeddings`` with pooling 'imported', all of
them in one commit. Knows no screen.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import OptionError
from ..core.hashing import config_id, file_hash
from ..core.limits import LEAN
from ..core.plan import Plan, Reason
from ..core.sql import Scope, where
from ..features.import_vectors import IMPORTED, imported_rows
from ..features.import_vectors import import_vectors as check
from ..options import ImportOptions
from .context import Context
from .executor import Work
from .import_seen import declare
from .import_versions import import_version
from .incremental import Job, incremental
from .observer import Advance
from .outcome import Outcome
from .vector_spool import VectorSpool, spooled
from .vectors_file import ROWS_AT_ONCE, read_vectors

if TYPE_CHECKING:
    from llm4es_store import Run


def import_vectors(context: Context, source: "Path | pa.Table", options: ImportOptions) -> Outcome:
    """Read, check, compare with what is there, and replace it where some of it differs; where most does, it stays.

    Parameters
    ----------
    context : Context
        Store, how far, and who hears of it.
    source : Path or pyarrow.Table
        A Parquet or CSV file, or rows: an id and a vector each.
    options : ImportOptions
        The vectors' name, their dataset, and which columns they are in.

    Returns
    -------
    Outcome
        Vectors wanted, computed and reused, and why.

    Raises
    ------
    OptionError
        For a file that is not there, and a name that a model's own vectors have.
    DataError
        For a file that cannot be read, and rows that are no vectors.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es.options import ImportOptions
    >>> rows = pa.table({"id": ["c0"], "vector": [[0.5, 1.0]]})
    >>> import_vectors(context, rows, ImportOptions.of(name="coles", dataset="shop"))
    import coles: 1 computed, 0 reused (1 new), ...
    """
    _refuse_taken(context, options)
    batches = read_vectors(source, options) if isinstance(source, Path) else source.to_batches(ROWS_AT_ONCE)
    with spooled(check(batches, options)) as vectors:
        version = import_version(context, options.name, vectors.keys, vectors.width)
        made = config_id({"imported": version.name})
        scope: Scope = {"dataset": options.dataset, "model": version.name, "k": 0, "config_id": made}
        _say_who_is_unknown(context, vectors.keys)
        if version.before:
            context.observer.say(
                f"import {options.name}: {version.why}: they are {version.name}, and {version.before} stays until "
                "`gc --models`"
            )
        declare(context, options, version, vectors.keys["entity_id"])  # before the vectors: none is there undeclared

        def replace(run: "Run", plan: Plan) -> pa.Table:
            """All of the rows take the place of those that are there: all of the file, or nothing."""
            if len(plan.todo) or len(plan.stale):
                with context.observer.progress(f"import {version.name}", len(vectors.keys), "entities") as advance:
                    rows = partial(_rows, vectors, options, version.name, advance)
                    run.replace_streamed("embeddings", scope, rows)
            run.record.rows_computed = len(plan.todo)
            return plan.todo.slice(0, 0)  # nothing is left to do

        origin = {"file": source.name, "source": file_hash(source)} if isinstance(source, Path) else {"file": None}
        job = Job(
            stage="import",
            what=version.name,
            config_id=made,
            record={"config_id": made, **origin, "imported": version.name},
            table="embeddings",
            scope=scope,
            key=("entity_id", "k"),
            wanted=vectors.keys.append_column("k", pa.repeat(pa.scalar(0, pa.int32()), len(vectors.keys))),
            complete=True,
            unseen=Reason.NEW,
            replaces=True,
            records_no_op=False,
            setup=_nothing,
            prepare=replace,
        )
        return incremental(context, job)


def _rows(vectors: VectorSpool, options: ImportOptions, name: str, advance: Advance) -> Iterator[pa.RecordBatch]:
    """The rows of ``embeddings``, in order of their ids."""
    for keys, matrix in vectors.blocks():
        ids, hashes = (keys[column].combine_chunks() for column in ("entity_id", "source_hash"))
        yield imported_rows(ids, hashes, matrix, options, name)
        advance(len(keys))


def _nothing() -> Work:
    """What is mapped: everything is made when it is read."""
    return lambda batches, advance: iter(())


def _refuse_taken(context: Context, options: ImportOptions) -> None:
    """A name stands for one space: ours and others' vectors never share one."""
    named = where({"model": options.name})
    query = f"SELECT 1 FROM embeddings WHERE {named} AND pooling <> '{IMPORTED}' LIMIT 1"
    taken = context.store.sql(query).fetchall()
    if taken or context.store.sql(f"SELECT 1 FROM models WHERE {named}").fetchall():
        raise OptionError(f"--name {options.name!r} is a model's whose vectors are in the store: choose another name")


def _say_who_is_unknown(context: Context, keys: pa.Table) -> None:
    """Warn where ids do not match the dataset's: a wrong id column would else be found much later."""
    known = f"SELECT entity_id FROM texts WHERE {where({'dataset': context.dataset})}"
    with context.store.connect(limits=LEAN) as connection:
        connection.register("given", keys.select(["entity_id"]))
        query = f"SELECT count(*), min(entity_id) FROM given ANTI JOIN ({known}) USING (entity_id)"
        ((unknown, such),) = connection.sql(query).fetchall()
        ((there,),) = connection.sql(f"SELECT min(entity_id) FROM ({known})").fetchall() if unknown else ((None,),)
    if there is not None:
        context.observer.warn(
            f"{unknown} of {len(keys)} ids have no text in {context.dataset!r}, such as {such!r}, where "
            f"it has {there!r}: probes leave them out"
        )
