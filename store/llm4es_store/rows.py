"""Rows as a table keeps them: in its columns and types, and compared with those that are there.

In: Arrow tables. Out: Arrow tables, and whether two hold the same. Knows no files.
"""

from collections.abc import Mapping

import pyarrow as pa


def stamped(rows: pa.Table, schema: pa.Schema, values: Mapping[str, str | int]) -> pa.Table:
    """Rows in the columns and types of ``schema``, with these values in every row; what lacks is null."""
    columns = []
    for field in schema:
        if field.name in values:
            columns.append(pa.repeat(pa.scalar(values[field.name], field.type), len(rows)))
        elif field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        else:
            columns.append(pa.nulls(len(rows), field.type))
    return pa.table(columns, schema=pa.schema([(field.name, field.type) for field in schema]))


def same_rows(rows: pa.Table, others: pa.Table) -> bool:
    """Whether two tables of the same columns hold the same rows, in whatever order."""
    if len(rows) != len(others):
        return False
    order = [(field.name, "ascending") for field in rows.schema if not pa.types.is_nested(field.type)]
    return bool(rows.sort_by(order).combine_chunks().equals(others.sort_by(order).cast(rows.schema).combine_chunks()))
