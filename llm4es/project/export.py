"""The step ``export``: features of any kind, or scores, as one table for other tools.

In: a context, options. Out: rows, and what each column stands for. Writes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..features.column_names import cleaned, column_names, prefixes_of
from ..features.to_table import to_table
from ..options import ExportOptions, TableLayout
from ..options.export import PartitionBy
from .changed_since import Changed, changed_since
from .context import Context
from .export_blocks import Blocks
from .export_scores import scores_rows
from .exported import Exported
from .feature_sources import feature_sources

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet


def export(context: Context, options: ExportOptions) -> Exported:
    """The named features, wide or long, or the scores.

    Parameters
    ----------
    context : Context
        Recipe and store.
    options : ExportOptions
        Features by name, the layout, since when.

    Returns
    -------
    Exported
        Wide: a column a number. Long: a row an (entity, features). Column names are ``[a-z0-9_]`` only.

    Raises
    ------
    OptionError
        For features that are not there, and a version that cannot be read any more.

    Examples
    --------
    >>> from llm4es.options import ExportOptions
    >>> export(context, ExportOptions.of(features="counts", layout="long")).column_names
    ['entity_id', 'features', 'vector']
    """
    from llm4es_store.held import HeldStore

    context = context.with_(store=HeldStore(context.store))  # it is read in parts
    about: dict[str, Any] = {"dataset": context.dataset, "version": int(context.store.record()["version"][-1].as_py())}
    day = (context.cutoff.as_of or datetime.now(UTC)).date() if PartitionBy.DATE in options.partition_by else None
    if options.scores:
        read, columns = scores_rows(context, options.since)
        return Exported(partial(_dated, read, day), {**about, "columns": columns}, options.partition_by)
    sources = feature_sources(context, options.features)
    changed = None if options.since is None else changed_since(context, sources, options.since)
    if changed is not None:
        _say(context, changed)
        about |= {"since": changed.version, "gone": changed.gone}
    blocks = Blocks(context, sources, None if changed is None else changed.entities)
    if options.layout is TableLayout.WIDE:
        of = {each.name: {"features": each.features, "column": each.column} for each in column_names(blocks.first)}
        return Exported(partial(_dated, partial(_wide, blocks), day), {**about, "columns": of}, options.partition_by)
    prefixes = prefixes_of([each.name for each in blocks.first])
    about["feature_sets"] = {prefix: name for name, prefix in prefixes.items()}
    read = partial(_long, blocks, prefixes, options.partition_by)
    return Exported(partial(_dated, read, day), about, options.partition_by)


def _wide(blocks: Blocks) -> pa.RecordBatchReader:
    """A row an entity."""
    schema = to_table(blocks.first, TableLayout.WIDE).schema
    return _reader(schema, (to_table(features, TableLayout.WIDE) for features in blocks.of_all()))


def _long(blocks: Blocks, prefixes: Mapping[str, str], by: Sequence[PartitionBy]) -> pa.RecordBatchReader:
    """A row an entity and feature set, with the columns that it is parted by."""

    def tabled(features: "FeatureSet") -> pa.Table:
        return _with_parts(to_table([features], TableLayout.LONG), features, prefixes[features.name], by)

    return _reader(tabled(blocks.first[0]).schema, (tabled(features) for features in blocks.one_by_one()))


def _with_parts(table: pa.Table, features: "FeatureSet", prefix: str, by: Sequence[PartitionBy]) -> pa.Table:
    """Rows of one feature set with the columns that they are parted by."""
    values = {
        PartitionBy.FEATURES: pa.scalar(prefix),
        PartitionBy.MODEL: pa.scalar(cleaned(features.model or features.name)),
        PartitionBy.K: pa.scalar(features.k or 0),
    }
    for part in by:
        if part in values:
            kept = table.drop_columns([part] if part in table.column_names else [])
            table = kept.append_column(part.value, pa.repeat(values[part], len(table)))
    return table


def _dated(read: Callable[[], pa.RecordBatchReader], day: date | None) -> pa.RecordBatchReader:
    """Rows with the day that they are of, where they are parted by it."""
    rows = read()
    if day is None:
        return rows
    schema = rows.schema.append(pa.field("date", pa.date32()))
    tables = (pa.Table.from_batches([batch]) for batch in rows)
    of_day = pa.scalar(day, pa.date32())
    return _reader(schema, (table.append_column("date", pa.repeat(of_day, len(table))) for table in tables))


def _reader(schema: pa.Schema, tables: Iterable[pa.Table]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(schema, (batch for table in tables for batch in table.to_batches()))


def _say(context: Context, changed: Changed) -> None:
    gone = f"; {len(changed.gone)} had them then and have none now (listed beside the export)" if changed.gone else ""
    context.observer.say(
        f"export: {len(changed.entities)} entities have other features than at version {changed.version}{gone}"
    )
