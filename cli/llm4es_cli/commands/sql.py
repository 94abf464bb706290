"""``llm4es sql``: a read-only query over the store's views, or a prompt for many. Loads no torch."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.core.errors import OptionError

from ..options import DEFAULT_STORE, DebugOption, OutputFormat, QuietOption, StoreOption
from ..output import format_of, write, write_to_stdout
from ..screen import Screen, show

if TYPE_CHECKING:
    from llm4es_store import Store

_ROWS_AT_ONCE = 50_000


class ResultFormat(StrEnum):
    """How rows are printed or written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def sql(
    query: Annotated[
        str | None,
        typer.Argument(help="A SELECT, a file that holds one, or - for stdin; none: a prompt.", show_default=False),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="VERSION|TIMESTAMP", help="The store as it was then.")
    ] = None,
    format_: Annotated[
        ResultFormat | None,
        typer.Option("--format", help="A table on a terminal, else csv; a file's ending says it.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the rows here (.parquet, .csv, .json).")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option("--memory-limit", metavar="SIZE", help="Such as 4GB; default: 80 % of the machine's.")
    ] = None,
    spill_limit: Annotated[
        str | None, typer.Option("--spill-limit", metavar="SIZE", help="Disk for what memory does not hold.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Default: one a core.")] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.001, metavar="SECONDS", help="Stop a query that takes longer.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Query the store in SQL (DuckDB, read-only, nothing but the store's own files).

    Views: texts, embeddings, labels, splits, models, exposures, probes, predictions, runs, events_<dataset>.
    Macros: cosine(a, b), nearest(dataset, entity, model, k, n).

    Examples:

        llm4es sql "SELECT model, k, count(*) FROM embeddings GROUP BY ALL"

        llm4es sql --at 12 "SELECT count(*) FROM texts" --format json

        llm4es sql query.sql --out result.parquet --timeout 60

        llm4es sql
    """
    from llm4es_store import Store
    from llm4es_store.sql import Limits

    opened = Store(store, limits=Limits(memory_limit, spill_limit, threads))
    screen = Screen(quiet)
    if query is None and sys.stdin.isatty():
        if out is not None:
            raise OptionError(f"--out {out} needs a query: give one, a file that holds one, or - for stdin")
        from ..prompt import history_file, prompt, remembered

        with remembered(history_file()) as ask:
            prompt(ask, lambda text: _answer(opened, text, at, format_, None, timeout, screen), screen.say)
    else:
        _answer(opened, _text(query), at, format_, out, timeout, screen)


def _answer(
    store: "Store",
    text: str,
    at: str | None,
    format_: ResultFormat | None,
    out: Path | None,
    timeout: float | None,
    screen: Screen,
) -> None:
    """Run one statement and hand its rows on."""
    from llm4es_store.sql import deadline, fetch, stream
    from llm4es_store.sql import query as checked

    connection = store.connect(at)
    with deadline(connection, timeout), _known_dates():
        relation = checked(connection, text)
        if out is not None:
            wanted = None if format_ in (None, ResultFormat.TABLE) else str(format_)
            rows = write(stream(relation, _ROWS_AT_ONCE), out, format_of(out, wanted))
            screen.say(f"{rows} rows in {out}")
        elif format_ is ResultFormat.PARQUET:
            write_to_stdout(stream(relation, _ROWS_AT_ONCE))
        else:
            show(fetch(relation), None if format_ is None else OutputFormat(format_))


@contextmanager
def _known_dates() -> Iterator[None]:
    """DuckDB's dates reach further than Python's, which print them."""
    try:
        yield
    except OverflowError as error:
        raise OptionError(
            "the result holds a date beyond the years 1 to 9999: cast it to VARCHAR, or give --format parquet"
        ) from error


def _text(query: str | None) -> str:
    """The query itself: typed, from a file, or from stdin."""
    if query is None or query == "-":
        return sys.stdin.read()
    path = Path(query)
    if path.suffix == ".sql" or ("\n" not in query and len(query) < 256 and path.is_file()):
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"cannot read the query from {query}: {error}") from error
    return query
