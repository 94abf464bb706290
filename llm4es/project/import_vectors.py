"""The step ``import``: vectors made elsewhere, kept and compared like our own.

In: a context, a file or a frame of vectors, their name. Out: rows of ``embeddings`` with pooling 'imported', all of
them in one commit. Knows no screen.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import OptionError
from ..core.hashing import config_id, file_hash, text_hash
from ..core.plan import Plan, Reason
from ..core.sql import Scope, where
from ..features.import_vectors import IMPORTED
from ..features.import_vectors import import_vectors as check
from ..options import ImportOptions
from .context import Context
from .executor import Increment, TableRows, Work
from .import_seen import declare
from .import_versions import import_version
from .incremental import Job, incremental
from .observer import Advance
from .outcome import Outcome
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
    rows = pa.Table.from_batches(list(check(batches, options)))
    version = import_version(context, options.name, rows)
    rows = _called(rows, version.name)
    made = config_id({"imported": version.name})
    scope = {"dataset": options.dataset, "model": version.name, "config_id": made}
    _say_who_is_unknown(context, rows)
    if version.before:
        context.observer.say(
            f"import {options.name}: {version.why}: they are {version.name}, and {version.before} stays until "
            "`gc --models`"
        )
    declare(context, options, version, rows["entity_id"].to_pylist())  # before the vectors: none is there undeclared

    def prepare(run: "Run", plan: Plan) -> pa.Table:
        """Where rows have only vanished there is nothing to compute, and still something to write."""
        if len(plan.stale) and not len(plan.todo):
            run.replace("embeddings", scope, rows)
        return plan.todo

    origin = {"file": source.name, "source": file_hash(source)} if isinstance(source, Path) else {"file": None}
    job = Job(
        stage="import",
        what=version.name,
        config_id=made,
        record={"config_id": made, **origin, "imported": version.name},
        table="embeddings",
        scope=scope,
        key=("entity_id", "k"),
        wanted=rows.select(["entity_id", "k", "source_hash"]),
        complete=True,
        unseen=Reason.NEW,
        replaces=True,
        records_no_op=False,
        setup=partial(_set_up, rows, scope),
        prepare=prepare,
    )
    return incremental(context, job)


def _set_up(rows: pa.Table, scope: Scope) -> Work:
    """All of the rows take the place of those that are there: all of the file, or nothing."""

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for batch in batches:
            advance(batch.num_rows)
        yield [TableRows("embeddings", rows, scope=scope)]

    return work


def _called(rows: pa.Table, name: str) -> pa.Table:
    """The rows under the name of their version."""
    columns = {"model": name, "fingerprint": text_hash(f"{IMPORTED} {name}")}
    for column, value in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(column), column, pa.array([value] * len(rows), pa.string()))
    return rows


def _refuse_taken(context: Context, options: ImportOptions) -> None:
    """A name stands for one space: ours and others' vectors never share one."""
    named = where({"model": options.name})
    query = f"SELECT 1 FROM embeddings WHERE {named} AND pooling <> '{IMPORTED}' LIMIT 1"
    taken = context.store.sql(query).fetchall()
    if taken or context.store.sql(f"SELECT 1 FROM models WHERE {named}").fetchall():
        raise OptionError(f"--name {options.name!r} is a model's whose vectors are in the store: choose another name")


def _say_who_is_unknown(context: Context, rows: pa.Table) -> None:
    """Warn where ids do not match the dataset's: a wrong id column would else be found much later."""
    query = f"SELECT DISTINCT entity_id FROM texts WHERE {where({'dataset': context.dataset})}"
    known = {entity for (entity,) in context.store.sql(query).fetchall()}
    unknown = [entity for entity in rows["entity_id"].to_pylist() if entity not in known]
    if known and unknown:
        context.observer.warn(
            f"{len(unknown)} of {len(rows)} ids have no text in {context.dataset!r}, such as {min(unknown)!r}, where "
            f"it has {min(known)!r}: probes leave them out"
        )
