"""A table of results: as Arrow, pandas or Polars, and readable by itself.

In: an Arrow table. Out: the same in the caller's own kind of frame, as text, as HTML. Knows no step.
"""

from collections.abc import Iterator
from html import escape
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from ..core.errors import OptionError
from ..core.printable import printable_line
from .cells import shown

_MOST_ROWS = 20
"""Rows that a repr shows."""


class Result:
    """Rows of one result.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.

    Examples
    --------
    >>> import pyarrow as pa
    >>> Result(pa.table({"entity_id": ["a", "b"], "cosine": [0.5, 0.25]}))
    entity_id  cosine
    a          0.5
    b          0.25
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def to_arrow(self) -> pa.Table:
        """The rows as a ``pyarrow.Table``.

        Returns
        -------
        pyarrow.Table
            Every row, without a copy.

        Examples
        --------
        >>> import pyarrow as pa
        >>> Result(pa.table({"k": [1, 8]})).to_arrow()["k"].to_pylist()
        [1, 8]
        """
        return self._table

    def to_pandas(self) -> Any:
        """The rows as a ``pandas.DataFrame``.

        Returns
        -------
        pandas.DataFrame
            Every row.

        Raises
        ------
        OptionError
            Where pandas is not installed.

        Examples
        --------
        >>> import pyarrow as pa
        >>> Result(pa.table({"k": [1, 8]})).to_pandas()
           k
        0  1
        1  8
        """
        try:
            return self._table.to_pandas()
        except ImportError as error:
            raise OptionError("to_pandas needs pandas: pip install pandas, or take to_arrow()") from error

    def to_polars(self) -> Any:
        """The rows as a ``polars.DataFrame``.

        Returns
        -------
        polars.DataFrame
            Every row.

        Raises
        ------
        OptionError
            Where Polars is not installed.

        Examples
        --------
        >>> import pyarrow as pa
        >>> Result(pa.table({"k": [1, 8]})).to_polars().shape
        (2, 1)
        """
        try:
            import polars  # the caller's own: no dependency of ours
        except ImportError as error:
            raise OptionError("to_polars needs Polars: pip install polars, or take to_arrow()") from error
        return polars.from_arrow(self._table)

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dicts.

        Returns
        -------
        list of dict
            Column -> value.

        Examples
        --------
        >>> import pyarrow as pa
        >>> Result(pa.table({"k": [1, 8]})).to_pylist()
        [{'k': 1}, {'k': 8}]
        """
        rows: list[dict[str, Any]] = self._table.to_pylist()
        return rows

    def reader(self, rows: int) -> pa.RecordBatchReader:
        """The rows as a stream of batches of so many.

        Parameters
        ----------
        rows : int
            Rows a batch at most.

        Returns
        -------
        pyarrow.RecordBatchReader
            The rows, a batch at a time.

        Examples
        --------
        >>> import pyarrow as pa
        >>> [batch.num_rows for batch in Result(pa.table({"k": [1, 2, 8]})).reader(2)]
        [2, 1]
        """
        return self._table.to_reader(max_chunksize=rows)

    @property
    def column_names(self) -> list[str]:
        """The columns, from left to right."""
        return list(self._table.column_names)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The Arrow PyCapsule interface: any frame library reads a result as it is."""
        return self._table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.to_pylist())

    def __repr__(self) -> str:
        return plain_text(self._table)

    def _repr_html_(self) -> str:
        """As a notebook shows it: a table of the first rows."""
        names = self._table.column_names
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        rows = self._table.slice(0, _MOST_ROWS).to_pylist()
        body = "".join("<tr>" + "".join(f"<td>{escape(shown(row[n]))}</td>" for n in names) + "</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{escape(_more(self._table))}"


def plain_text(table: pa.Table) -> str:
    """The first rows under their column names, as terminals show them; every column, numbers at the right."""
    from .text_table import TextColumn, text_table  # rich measures the text

    first = table.slice(0, _MOST_ROWS)
    columns = [
        TextColumn(
            printable_line(field.name),
            [printable_line(shown(value)) for value in values.to_pylist()],
            kinds.is_integer(field.type) or kinds.is_floating(field.type),
        )
        for field, values in zip(first.schema, first.columns, strict=True)
    ]
    laid = text_table(columns, None)
    return "\n".join(filter(None, [laid.header, *laid.lines, _more(table)]))


def _more(table: pa.Table) -> str:
    """How many rows are not shown."""
    left = int(table.num_rows) - _MOST_ROWS
    return f"... {left} more rows" if left > 0 else ""
