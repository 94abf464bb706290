"""What the columns of an unknown table are like.

In: SQL that reads rows. Out: for each column how many values, how many different ones,
whether they are numbers or times. Judges nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from ...core.sql import identifier
from .counts import Counts, count_columns, count_distinct, count_one, decimals_are_sure, only, sample, values_of
from .numbers import NumberWriting, as_numbers
from .times import clock, may_be_time, time_of

WIDE = 1000
"""Columns above which only examples of their values are kept."""

MEASURED = 50
"""Different whole numbers above which they are measured and not chosen."""

_ID = re.compile(r"(^|[^a-z])(id|nr|no|num|number|key|uuid|guid|code|zip|index)$")


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the rows that were looked at."""

    name: str
    sql: str
    """The column in an expression of a recipe; of numbers in an unusual writing, the numbers."""
    written: str
    """The same, but as its numbers are written."""
    mark: str
    """What stands before fractions of numbers in an unusual writing; '': they are plain, or none."""
    rows: int
    """Of the whole table, of which a sample was looked at."""
    missing: float
    """Share of rows without a value, 0..1."""
    distinct: int
    """Different values."""
    numeric: bool
    """Every value is a finite number."""
    decimals: int
    """Most digits behind the point, up to 4."""
    commas: bool
    """Numbers with commas in them, which nobody writes into names and codes."""
    codes: bool
    """Some value begins with a zero that no number has: 007."""
    numbered: bool
    """Whole numbers, all different, with few left out between the least and the greatest: they count the rows."""
    time: Mapping[str, str] | None
    """What a recipe says beside ``from`` to read it as a time; None: it is none."""
    unreadable: int
    """Values that are no times, where most are."""
    doubt: str
    """What is doubtful about the time or the numbers; '' for nothing."""
    unit: str
    """A currency or % that stands with every number."""
    has_clock: bool
    """Some value is not at midnight."""
    clock: str
    """The strptime pattern of a time of day without a date; '': it is none."""
    examples: tuple[str, ...]
    """The first different values."""
    values: frozenset[str]
    """All different values, up to 10,000."""
    beside: frozenset[str] = frozenset()
    """Of a time that is put together from several columns the names of the others."""

    @property
    def unique(self) -> bool:
        """Hardly a value comes twice."""
        return self.distinct > 0.95 * self.rows * (1 - self.missing) and self.rows > 10

    @property
    def is_id(self) -> bool:
        """Named like a number or code of something."""
        return bool(_ID.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()))

    @property
    def is_amount(self) -> bool:
        """Numbers that are added up and not names of something."""
        whole_amount = not self.is_id and not self.numbered and (self.distinct > MEASURED or self.unique)
        return self.numeric and (self.decimals > 0 or self.commas or whole_amount)


def profile_rows(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[tuple[str, str]], texts: bool
) -> tuple[int, tuple[ColumnProfile, ...]]:
    """How many rows there are behind FROM ``reader``, and what (name, SQL) columns of theirs are like.

    ``texts``: every value is a text already.
    """
    connection.execute("SET TimeZone = 'UTC'")
    total, seen = sample(connection, reader, [sql for _, sql in columns])
    counted = count_columns(connection, len(columns))
    rare = [at for at, each in enumerate(counted) if seen < total and (2 * each.distinct > seen or each.distinct < 2)]
    exact = dict(zip(rare, count_distinct(connection, reader, [columns[at][1] for at in rare], total), strict=True))
    keep = len(columns) <= WIDE
    profiles = []
    for at, ((name, sql), counts) in enumerate(zip(columns, counted, strict=True)):
        counts = replace(counts, distinct=exact.get(at, counts.distinct))
        profiles.append(_column(connection, at, name, sql, counts, (seen, total), texts, keep))
    return total, tuple(profiles)


def _column(
    connection: duckdb.DuckDBPyConnection,
    at: int,
    name: str,
    sql: str,
    counts: Counts,
    rows: tuple[int, int],
    texts: bool,
    keep: bool,
) -> ColumnProfile:
    """Look at one column: closer where its values may be times, or numbers in another writing."""
    seen, total = rows
    written, time, hours = NumberWriting(sql, sql), None, ""
    numeric = counts.count > 0 and counts.numbers == counts.count
    codes = numeric and counts.zeros > 0
    numeric = numeric and not codes
    count = counts.count
    if numeric and may_be_time(name, counts.low, counts.high):
        only(connection, at)
        time = time_of(connection, name, sql, count, True, counts.examples)
    elif count and not numeric and 2 * (counts.digits + counts.blanks) >= count:
        only(connection, at)
        text = sql if texts else f"CAST({sql} AS VARCHAR)"
        written = as_numbers(connection, sql, text)
        if written.sql != sql:
            counts = replace(count_one(connection), examples=counts.examples, distinct=counts.distinct)
            count = counts.count
            numeric = counts.count > 0 and counts.numbers == counts.count
        time = time_of(connection, name, text, count, numeric, counts.examples)
        hours = clock(connection, name, count)
    decimals = min(counts.decimals, 4) if numeric else 0
    doubts = [time.doubt if time else "", written.doubt]
    if numeric and not decimals_are_sure(counts):
        doubts.append("points in its numbers are taken for decimal points; they could stand between thousands")
    bare = {identifier(name): name} if name.isidentifier() else {}  # recipes take bare names as columns
    return ColumnProfile(
        name=name,
        sql=(time.sql if time else "") or bare.get(written.sql, written.sql),
        written=bare.get(written.written, written.written),
        mark=written.mark,
        rows=total,
        missing=1 - count / seen if seen else 1.0,
        distinct=counts.distinct,
        numeric=numeric,
        decimals=decimals,
        commas=written.odd,
        codes=codes,
        numbered=numeric
        and not decimals
        and count > 10
        and counts.distinct >= total * count / seen * 0.99
        and counts.high - counts.low < 2 * total,
        time=time.keys if time else None,
        unreadable=(time.unreadable if time else 0),
        doubt="; ".join(doubt for doubt in doubts if doubt),
        unit=written.unit,
        has_clock=bool(time and time.has_clock),
        clock=hours,
        examples=counts.examples,
        values=values_of(connection, at) if keep else frozenset(counts.examples),
    )
