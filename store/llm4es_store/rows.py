"""Rows as a table keeps them: in its columns and types, and compared with those that are there.

In: Arrow tables. Out: Arrow tables, and whether two hold the same. Knows no files.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa


def stamped(
    rows: pa.Table, schema: pa.Schema, values: Mapping[str, str | int], packed: Collection[str] = ()
) -> pa.Table:
    """Rows in the columns and types of ``schema``, with these values in every row; what lacks is null.

    Of columns that may be ``packed`` a text that is the same in every row is a dictionary, and what is one stays one:
    for the writer alone, which keeps texts so anyway.
    """
    columns = []
    for field in schema:
        if field.name in values:
            value = pa.scalar(values[field.name], field.type)
            same = pa.types.is_string(field.type) and field.name in packed
            columns.append(_repeated(value, len(rows)) if same else pa.repeat(value, len(rows)))
        elif field.name in rows.column_names:
            column = rows[field.name]
            kept = pa.types.is_dictionary(column.type) and field.name in packed
            columns.append(column if kept else column.cast(field.type))
        else:
            columns.append(pa.nulls(len(rows), field.type))
    return pa.table(columns, names=schema.names)


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema of a table for rows of which some columns are dictionaries."""
    return pa.schema([(field.name, _plain(field.type)) for field in schema])


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _repeated(value: pa.Scalar, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([value.as_py()], value.type))


def same_rows(rows: pa.Table, others: pa.Table) -> bool:
    """Whether two tables of the same columns hold the same rows, in whatever order."""
    if len(rows) != len(others):
        return False
    order = [(field.name, "ascending") for field in rows.schema if not pa.types.is_nested(field.type)]
    return bool(rows.sort_by(order).combine_chunks().equals(others.sort_by(order).cast(rows.schema).combine_chunks()))
