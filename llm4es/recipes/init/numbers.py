"""Numbers in writings that SQL does not read: with commas, or with words where there is none.

In: a connection whose table ``one`` holds a column's values as text. Out: the same table with plain numbers, and the
SQL that makes them. Judges nothing.
"""

import duckdb

MISSING = ("na", "n/a", "nan", "null", "none", "-")
"""What stands in columns of numbers where there is none, in lower case."""

NUMBERS = (
    (r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", "replace(replace({}, '.', ''), ',', '.')"),  # 1.234,56
    (r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?", "replace({}, ',', '')"),  # 1,234.56
)
"""How numbers are written that SQL does not read, and what makes such text one that it does."""


def count_of(connection: duckdb.DuckDBPyConnection, condition: str, values: str = "one") -> int:
    """How many values of the column meet a condition."""
    return int(connection.execute(f"SELECT count_if({condition}) FROM {values}").fetchall()[0][0])


def as_numbers(connection: duckdb.DuckDBPyConnection, sql: str, text: str) -> tuple[str, str]:
    """Where the values are numbers in an unusual writing: put plain ones into ``one``, and say how in SQL.

    ``text`` is the column as a text. Also what is doubtful about it, '' for nothing.
    """
    blank = f"lower(v) IN ({', '.join(map(repr, MISSING))})"
    count, blanks, plain = connection.execute(
        f"SELECT count(*), count_if({blank}), count_if(isfinite(TRY_CAST(v AS DOUBLE)) AND NOT {blank}) FROM one"
    ).fetchall()[0]
    if not count or plain == count or blanks == count:
        return sql, ""
    fits = [plain == count - blanks]
    fits += [count_of(connection, f"regexp_full_match(v, '{pattern}')") == count - blanks for pattern, _ in NUMBERS]
    if not any(fits):
        return sql, ""
    numbers, value, doubts = sql, "v", []
    if not fits[0]:
        _, plainly = NUMBERS[1] if fits[2] else NUMBERS[0]
        numbers, value = plainly.format(text), plainly.format("v")
        doubts.append("commas in its numbers stand " + ("between thousands" if fits[2] else "for decimal points"))
        if fits[1] and fits[2]:
            doubts.append("they could be decimal points as well")
    if blanks:
        numbers = f"CASE WHEN lower({text}) NOT IN ({', '.join(map(repr, MISSING))}) THEN {numbers} END"
        doubts.append(f"{blanks} values such as 'NA' are taken as missing")
    connection.execute(f"CREATE OR REPLACE TABLE one AS SELECT {value} AS v FROM one WHERE NOT {blank}")
    return numbers, ", ".join(doubts)
