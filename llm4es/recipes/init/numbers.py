"""Numbers in writings that SQL does not read: money, percents, thousands, and words where there is none.

In: a connection whose table ``one`` holds a column's values as text. Out: the same table with plain numbers, and the
SQL that makes them. Judges nothing.
"""

from dataclasses import dataclass

import duckdb

from ...core.sql import literal
from ..written_numbers import CURRENCY, GAP, WRITINGS, is_one_currency, number_pattern, plain_number

MISSING = ("na", "n/a", "nan", "null", "none", "-", "?", "nil")
"""What stands in columns of numbers where there is none, in lower case."""


@dataclass(frozen=True)
class NumberWriting:
    """How a column's numbers are written."""

    sql: str
    """The numbers, in an expression of a recipe."""
    written: str
    """The same, but as they are written: what a field is made from."""
    mark: str = ""
    """What stands before fractions, of numbers that are not plain; '': they are."""
    doubt: str = ""
    """'' for nothing."""
    unit: str = ""
    """A currency or %, where each number has the same."""
    odd: bool = False
    """With commas, currencies or percents, which nobody writes into names and codes."""


def count_of(connection: duckdb.DuckDBPyConnection, condition: str, values: str = "one") -> int:
    """How many values of the column meet a condition."""
    return int(connection.execute(f"SELECT count_if({condition}) FROM {values}").fetchall()[0][0] or 0)


def as_numbers(connection: duckdb.DuckDBPyConnection, sql: str, text: str) -> NumberWriting:
    """Where the values are numbers in an unusual writing: put plain ones into ``one``, and say how in SQL.

    ``text`` is the column as a text.
    """
    missing = ", ".join(map(literal, MISSING))
    blank = f"lower(v) IN ({missing})"
    forms = {mark: number_pattern(mark) for mark in WRITINGS}
    row = connection.execute(
        f"SELECT count(*), count_if({blank}), count_if(isfinite(TRY_CAST(v AS DOUBLE)) AND NOT {blank}), "
        f"{', '.join(f'count_if(regexp_full_match(v, {literal(form)}))' for form in forms.values())} FROM one"
    ).fetchall()[0]
    count, blanks, plain, *fits = (int(each or 0) for each in row)  # none of none is null
    if not count or plain == count or blanks == count:
        return NumberWriting(sql, sql)
    wanted = count - blanks
    marks = [mark for mark, fit in zip(forms, fits, strict=True) if fit == wanted]
    if plain != wanted and not marks:
        return NumberWriting(sql, sql, doubt=_nearly(connection, wanted, max(plain, *fits), forms))
    numbers, written, value, unit, mark = sql, sql, "v", "", ""
    doubts: list[str] = []
    if plain != wanted:
        mark = _mark(connection, marks)
        numbers, value = _sql(text, mark), _sql("v", mark)
        doubts, unit = _doubts(connection, marks, mark)
        if "several" in unit:
            return NumberWriting(
                sql, sql, doubt=f"its amounts are in {unit}, and are kept as texts: they cannot be added up"
            )
    if blanks:
        numbers, written = (f"CASE WHEN lower({text}) NOT IN ({missing}) THEN {each} END" for each in (numbers, sql))
        doubts.append(f"{blanks} values such as 'NA' are taken as missing")
    connection.execute(f"CREATE OR REPLACE TABLE one AS SELECT {value} AS v FROM one WHERE NOT {blank}")
    return NumberWriting(numbers, written, mark, ", ".join(doubts), unit, plain != wanted)


def _sql(text: str, mark: str) -> str:
    """Plain numbers of such text; what is written in another way stays as it is, marked, and is no number."""
    return f"coalesce({plain_number(text, mark)}, {text} || '?')"


def _mark(connection: duckdb.DuckDBPyConnection, marks: list[str]) -> str:
    """What stands before fractions. Where both would do, threes behind a comma are thousands, and so are those behind \
points that a currency or percent stands with."""
    if len(marks) == 1:
        return marks[0]
    return (
        "."
        if count_of(connection, "contains(v, ',')") or not count_of(connection, r"regexp_matches(v, '\.\d{3}\b')")
        else ","
    )


def _doubts(connection: duckdb.DuckDBPyConnection, marks: list[str], mark: str) -> tuple[list[str], str]:
    """What is doubtful about numbers in other writings, and their unit."""
    doubts: list[str] = []
    commas, points = (count_of(connection, f"contains(v, '{each}')") for each in ",.")
    if commas:
        doubts.append("commas in its numbers stand " + ("between thousands" if mark == "." else "for decimal points"))
        if len(marks) > 1:
            doubts.append("they could be decimal points as well")
    elif points and len(marks) > 1:
        doubts.append(f"points in its numbers stand {'for decimal points' if mark == '.' else 'between thousands'}")
        doubts.append("it could be the other way round")
    if count_of(connection, f"regexp_matches(v, '{GAP.replace(chr(39), chr(39) * 2)}\\d{{3}}')"):
        doubts.append("spaces or apostrophes in its numbers stand between thousands")
    if negative := count_of(connection, r"regexp_matches(v, '^\s*\(.*\d|\d.*-\s*$')"):
        doubts.append(f"{negative} numbers in brackets or with a minus behind them are taken as negative")
    query = f"SELECT DISTINCT regexp_extract(v, {literal(CURRENCY + '|%')}) FROM one ORDER BY 1 LIMIT 5"
    units = [str(row[0]) for row in connection.execute(query).fetchall() if row[0]]
    if not units:
        return doubts, ""
    if not is_one_currency(units):
        return doubts, f"several currencies ({', '.join(units)})"
    *others, unit = units
    also = f", also written {' and '.join(map(repr, others))}" if others else ""
    doubts.append(f"{unit!r} is left out of its numbers, and is their unit{also}")
    return doubts, unit


def _nearly(connection: duckdb.DuckDBPyConnection, count: int, read: int, forms: dict[str, str]) -> str:
    """What is said of a column most of whose values are numbers; '' where few are."""
    if read < 0.9 * count:
        return ""
    neither = " AND ".join(f"NOT regexp_full_match(v, {literal(form)})" for form in forms.values())
    strange = connection.execute(
        f"SELECT v FROM one WHERE TRY_CAST(v AS DOUBLE) IS NULL AND {neither} AND lower(v) NOT IN "
        f"({', '.join(map(literal, MISSING))}) LIMIT 1"
    ).fetchall()
    shown = f" such as {strange[0][0]!r}" if strange else ""
    return f"{read} of {count} values are numbers and the others{shown} are not, so all are kept as texts"
