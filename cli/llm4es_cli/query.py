"""One statement to its rows: on the screen, in a file, or for the next program.

In: an opened store, a statement, how its rows are wanted. Out: rows where they are wanted. Knows no options.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from llm4es.core.errors import OptionError
from llm4es.core.limits import Limits, memory_bound
from llm4es.project.result_file import format_of, write, write_to_stdout

from .options import OutputFormat
from .screen import Screen, show
from .table import Look

if TYPE_CHECKING:
    from llm4es_store import Store

_ROWS_AT_ONCE = 50_000


class ResultFormat(StrEnum):
    """How rows are printed or written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Query:
    """How statements are answered."""

    store: "Store"
    screen: Screen
    at: str | None = None
    """The store as it was then; None: now."""
    format: ResultFormat | None = None
    """None: a table on a terminal, else csv; a file's ending says it."""
    limits: Limits = field(default_factory=Limits)
    """What a statement may use."""
    verify: bool = False
    """Compare files with their checksums first."""
    wide: bool = False
    """On a terminal every column and every text, however wide."""

    def answer(self, text: str, out: Path | None = None) -> None:
        """Run one statement and hand its rows on."""
        from llm4es.project.result import Result
        from llm4es_store.sql import deadline, fetch, stream
        from llm4es_store.sql import query as checked

        if self.verify:
            from llm4es_store.verify import verify

            verify(self.store, text, self.at)
        connection = self.store.connect(self.at)
        with memory_bound(self.limits.memory), deadline(connection, self.limits.timeout), _known_dates():
            relation = checked(connection, text)
            if out is not None:
                wanted = None if self.format in (None, ResultFormat.TABLE) else str(self.format)
                rows = write(stream(relation, _ROWS_AT_ONCE), out, format_of(out, wanted))
                self.screen.say(f"{rows} rows in {out}")
            elif self.format is ResultFormat.PARQUET:
                write_to_stdout(stream(relation, _ROWS_AT_ONCE))
            else:
                format_ = None if self.format is None else OutputFormat(self.format)
                show(Result(fetch(relation)), format_, look=Look(self.wide))


@contextmanager
def _known_dates() -> Iterator[None]:
    """DuckDB's dates reach further than Python's, which print them."""
    try:
        yield
    except OverflowError as error:
        raise OptionError(
            "the result holds a date beyond the years 1 to 9999: cast it to VARCHAR, or give --format parquet"
        ) from error


def statement(query: str | None) -> str:
    """The query itself: typed, from a file, or from stdin."""
    if query is None or query == "-":
        try:
            if text := sys.stdin.read().strip():
                return text
        except UnicodeDecodeError as error:
            raise OptionError(f"cannot read the query from stdin: {error}") from error
        raise OptionError("no query came on stdin: give a SELECT, or a file that holds one")
    path = Path(query)
    if path.suffix == ".sql" or ("\n" not in query and len(query) < 256 and path.is_file()):
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"cannot read the query from {query}: {error}") from error
    return query
