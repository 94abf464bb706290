"""How far the rows of a growing table have been read: the greatest value of a column that only grows.

In: a recipe, its files, and the value that rows were read up to. Out: the greatest value now, how many rows there are,
and which are new. Only the one column is read. Knows no store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ..core.errors import DataError, nearest
from ..core.sql import identifier, literal
from .database import COPIES, connected
from .expressions import sentence
from .kinds.texts import has_mixed_line_ends
from .locate import Beyond, Source
from .model import Recipe
from .readers import reader_of
from .union import FLOATS, TIMES, WHOLE, Part, rows_sql

KINDS = {"number": "DECIMAL(38, 9)", "time": "TIMESTAMP"}
"""What a watermark may be, tried in this order -> the SQL type that it is compared in."""


@dataclass(frozen=True)
class Watermark:
    """How far the rows of the events' table go.

    Examples
    --------
    >>> Watermark("time", "2026-01-31 10:00:00", 3).holds("at")
    '(TRY_CAST("at" AS TIMESTAMP) <= CAST(\\'2026-01-31 10:00:00\\' AS TIMESTAMP))'
    """

    kind: str
    """One of KINDS."""

    value: str
    """The greatest value, as text."""

    rows: int
    """How many rows there are up to it."""

    def upto(self, column: str, read: "Watermark | None" = None) -> Beyond:
        """The rows of the files up to here: what is written while they are read is left for the next time.

        Parameters
        ----------
        column : str
            Of the files.
        read : Watermark, optional
            How far rows were read before; None: not at all.

        Returns
        -------
        Beyond
            What ``Source.beyond`` takes.
        """
        condition = self.holds(column)
        return Beyond(column, condition if read is None else f"{condition} AND NOT {read.holds(column)}")

    def holds(self, column: str) -> str:
        """SQL condition of the rows up to here.

        Parameters
        ----------
        column : str
            Of the files.

        Returns
        -------
        str
            In parentheses.
        """
        return f"({self.of(column)} <= CAST({literal(self.value)} AS {KINDS[self.kind]}))"

    def of(self, column: str) -> str:
        """A column's values as SQL, in the type that they are compared in.

        Parameters
        ----------
        column : str
            Of the files.

        Returns
        -------
        str
            Null where a value is of another kind.
        """
        return f"TRY_CAST({identifier(column)} AS {KINDS[self.kind]})"


def watermark(recipe: Recipe, source: Source, read: Watermark | None = None) -> tuple[Watermark, int]:
    """The greatest value of the watermark's column, and how many rows do not go beyond what was read.

    Parameters
    ----------
    recipe : Recipe
        ``events.watermark`` is the column.
    source : Source
        Its files.
    read : Watermark, optional
        How far rows were read; None: not at all.

    Returns
    -------
    now : Watermark
        How far they go now.
    known : int
        Rows up to what was read: ``read.rows``, unless the past has changed.

    Raises
    ------
    DataError
        For a column that is not there, and for values that are missing, or neither times nor numbers.

    Examples
    --------
    >>> import tempfile
    >>> from llm4es.recipes import keep_frames, locate, recipe_from_frame
    >>> visits = [{"user": "b", "shop": "tea", "id": 1}, {"user": "a", "shop": "milk", "id": 2}]
    >>> recipe = recipe_from_frame("visits", visits, entity="user")
    >>> recipe = keep_frames(recipe, visits, None, Path(tempfile.mkdtemp()))
    >>> grows = recipe.events.model_copy(update={"mode": "append", "watermark": "id"})
    >>> watermark(recipe.model_copy(update={"events": grows}), locate(recipe))
    (Watermark(kind='number', value='2.000000000', rows=2), 0)
    """
    column, table = str(recipe.events.watermark), recipe.events.table
    paths = source.files[table]
    try:
        try:
            return _measured(recipe, source, column, paths, read, one_line_end=False)
        except duckdb.InvalidInputException:
            if not any(map(has_mixed_line_ends, paths)):
                raise
            return _measured(recipe, source, column, paths, read, one_line_end=True)
    except duckdb.Error as error:
        raise DataError(
            f"cannot read column {column!r} of {', '.join(path.name for path in paths)}: {sentence(error)}"
        ) from error


def _measured(
    recipe: Recipe, source: Source, column: str, paths: Sequence[Path], read: Watermark | None, *, one_line_end: bool
) -> tuple[Watermark, int]:
    spec = recipe.all_layouts[source.layout].tables[recipe.events.table]
    with connected(source) as connection:
        ((spill,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
        parts = []
        for path in paths:
            reader, names, is_text = reader_of(connection, spec, path, Path(spill, COPIES), one_line_end=one_line_end)
            found = [name for name in names if name.lower() == column.lower()]
            if not found:
                raise DataError(
                    f"{recipe.name}, events.watermark: {path.name} has no column {column!r}; {nearest(column, names)}"
                )
            parts.append(Part(reader, found, is_text))
        rows = rows_sql(connection, parts)
        ((_, type, *_),) = connection.execute(f"DESCRIBE {rows}").fetchall()
        marks = [Watermark(kind, "", 0) for kind in _kinds(str(type))]
        known = "0" if read is None else f"count_if({read.holds(column)})"
        asked = ["count(*)", f"count({identifier(column)})", known if marks else "0"]
        for mark in marks:
            strange = f"min(CAST({identifier(column)} AS VARCHAR)) FILTER ({mark.of(column)} IS NULL)"
            asked += [f"count({mark.of(column)})", f"CAST(max({mark.of(column)}) AS VARCHAR)", strange]
        total, given, n_known, *found = connection.execute(f"SELECT {', '.join(asked)} FROM ({rows})").fetchall()[0]
    if not total:
        what = ", ".join(path.name for path in paths)
        raise DataError(f"{recipe.name}, events.watermark: there is no row in {what}: put the table's rows back")
    where = f"{recipe.name}, events.watermark: {total - given} of {total} rows have no {column!r}"
    if given < total:
        raise DataError(f"{where}: whether they are new cannot be told: fill them, or choose another column")
    for at, mark in enumerate(marks):
        if found[3 * at] == total:
            return replace(mark, value=found[3 * at + 1], rows=total), n_known
    nearest_kind = max(range(len(marks)), key=lambda at: found[3 * at], default=None)  # the other values say which
    example = f"of type {type}" if nearest_kind is None else f"such as {found[3 * nearest_kind + 2]!r}"
    raise DataError(
        f"{recipe.name}, events.watermark: {column!r} has values, {example}, that are neither times nor numbers: "
        "choose a column that only grows"
    )


def _kinds(type: str) -> list[str]:
    """What values of a type may be; of texts their writing decides."""
    if type == "VARCHAR":
        return list(KINDS)
    is_number = type in WHOLE | FLOATS or type.startswith("DECIMAL")
    return ["number"] if is_number else ["time"] if type in TIMES else []
