"""The step ``export``: features of any kind, or scores, as one table for other tools.

In: a context, options. Out: rows, and what each column stands for. Writes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.sql import literal
from ..features.column_names import cleaned, column_names, prefixes_of
from ..features.to_table import to_table
from ..options import ExportOptions, TableLayout
from ..options.export import PartitionBy
from .changed_since import Changed, changed_since
from .context import Context
from .export_scores import scores_table
from .exported import Exported
from .feature_source import FeatureSource
from .feature_sources import feature_sources
from .scoring import hashes_sql

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
    about: dict[str, Any] = {"dataset": context.dataset, "version": int(context.store.record()["version"][-1].as_py())}
    if options.scores:
        table, columns = scores_table(context, options.since)
        dated = _with_date(context, table) if options.partition_by else table
        return Exported(dated, {**about, "columns": columns}, options.partition_by)
    sources = feature_sources(context, options.features)
    changed = None if options.since is None else changed_since(context, sources, options.since)
    if changed is not None:
        _say(context, changed)
        about |= {"since": changed.version, "gone": changed.gone}
    features = [_read(source, changed) for source in sources]
    table = to_table(features, options.layout)
    if changed is not None and not changed.entities:
        table = table.slice(0, 0)
    if options.layout is TableLayout.WIDE:
        of = {each.name: {"features": each.features, "column": each.column} for each in column_names(features)}
        about["columns"] = of
    else:
        about["feature_sets"] = {prefix: name for name, prefix in prefixes_of([f.name for f in features]).items()}
        table = _with_parts(table, features, options.partition_by)
    if PartitionBy.DATE in options.partition_by:
        table = _with_date(context, table)
    return Exported(table, about, options.partition_by)


def _read(source: FeatureSource, changed: Changed | None) -> "FeatureSet":
    """Everybody's rows, or those of whoever has changed; columns stand for what everybody's events say."""
    if source.part is None:
        return source.load()
    if changed is None:
        return source.part("true", source.columns())
    anybody = f"SELECT entity_id FROM ({hashes_sql(source.origins)}) LIMIT 1"  # of no rows there are columns too
    among = ", ".join(map(literal, changed.entities)) or anybody
    return source.part(f"entity_id IN ({among})", source.columns())


def _with_parts(table: pa.Table, features: "Sequence[FeatureSet]", by: Sequence[PartitionBy]) -> pa.Table:
    """A long table with the columns that it is parted by."""
    prefixes = prefixes_of([each.name for each in features])
    values: dict[PartitionBy, Mapping[str, Any]] = {
        PartitionBy.FEATURES: prefixes,
        PartitionBy.MODEL: {each.name: cleaned(each.model or each.name) for each in features},
        PartitionBy.K: {each.name: each.k or 0 for each in features},
    }
    names = table["features"].to_pylist()
    for part in by:
        if part in values:
            column = pa.array([values[part][name] for name in names])
            table = table.drop_columns([part] if part in table.column_names else []).append_column(part.value, column)
    return table


def _with_date(context: Context, table: pa.Table) -> pa.Table:
    """The day that the rows are of."""
    day = (context.cutoff.as_of or datetime.now(UTC)).date()
    return table.append_column("date", pa.array([day] * len(table), pa.date32()))


def _say(context: Context, changed: Changed) -> None:
    gone = f"; {len(changed.gone)} had them then and have none now (listed beside the export)" if changed.gone else ""
    context.observer.say(
        f"export: {len(changed.entities)} entities have other features than at version {changed.version}{gone}"
    )
