"""What DuckDB raises as one line that says what to do.

In: its errors. Out: text, or a StoreError. Knows no view.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from llm4es.core.errors import StoreError

from .damage import of_data

_PYTHON_ERROR = re.compile(r"^Traceback .*^[\w.]*(?:Error|Exception): (.*?)$", re.DOTALL | re.MULTILINE)
"""An error of ``ReadOnlyFiles``, as DuckDB hands it on."""

_OF_A_MACRO = "Invalid Input Error: nearest: "
"""How the macro's own words begin, which say all that there is to say."""


def explain(error: Exception) -> str:
    """DuckDB's message as one line, with what to do where a sandbox lock was hit."""
    text = str(error)
    if of_files := _PYTHON_ERROR.search(text):
        text = of_files[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message = " ".join(line for line in lines if not line.startswith(("LINE ", "^")))
    message = message.removeprefix("Invalid Input Error: ") if _OF_A_MACRO in message else message
    if "disabled by configuration" in message or "has been locked" in message:
        return f"query refused: {message}: only the store's own tables can be read, see `llm4es sql 'SHOW TABLES'`"
    return of_data(message) or f"query failed: {message}"


@contextmanager
def explained() -> Iterator[None]:
    """Turn what DuckDB says of our own queries into one line: a table that they read may be damaged."""
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(explain(error)) from error
