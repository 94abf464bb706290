"""Expressions of a recipe as SQL, and what DuckDB says of them in one line.

In: what a recipe says, or an error. Out: SQL, or a message. Reads nothing.
"""

import re
from collections.abc import Sequence

from ..core.errors import nearest, one_line
from ..core.sql import identifier


def expression(sql: str) -> str:
    """An expression of a recipe, to be put anywhere. A bare name is a column, even one that SQL has other uses for."""
    return identifier(sql) if sql.isidentifier() else f"({sql}\n)"  # the line break ends a comment


def explained(error: BaseException, columns: Sequence[str]) -> str:
    """What DuckDB did not understand, with the nearest names where it is a column."""
    missing = re.search(r'column "([^"]+)" not found', str(error))
    if missing is None:
        cast = "; columns of text files are texts: write age::DOUBLE" if "explicit cast" in str(error) else ""
        return sentence(error) + cast
    return f"there is no column {missing[1]!r}; {nearest(missing[1], columns)}"


def sentence(error: BaseException) -> str:
    """DuckDB's message without what follows it over many lines: the drawing of the query, and hints."""
    return one_line(re.split(r"\n\s*(?:LINE \d|Possible|\*|\^)", str(error))[0])
