"""``llm4es sql``: a read-only query over the store's views. Loads no torch."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from llm4es.errors import OptionError

from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption
from ..screen import show


def sql(
    query: Annotated[
        str | None, typer.Argument(help="A SELECT, a file that holds one, or - for stdin.", show_default=False)
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="VERSION|TIMESTAMP", help="The store as it was then.")
    ] = None,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Query the store in SQL (DuckDB, read-only).

    Views: texts, embeddings, labels, splits, models, exposures, probes, predictions, runs, events_<dataset>.
    Macros: cosine(a, b), nearest(dataset, entity, model, k, n).

    Examples:

        llm4es sql "SELECT model, k, count(*) FROM embeddings GROUP BY ALL"

        llm4es sql --at 12 "SELECT count(*) FROM texts" --format json

        llm4es sql query.sql --format csv > result.csv
    """
    from llm4es_store import Store
    from llm4es_store.sql import fetch

    show(fetch(Store(store).sql(_text(query), at=at)), format_)


def _text(query: str | None) -> str:
    """The query itself: typed, from a file, or from stdin."""
    if query is None and sys.stdin.isatty():
        raise OptionError('no query: give one, for example llm4es sql "SHOW TABLES", or - to read it from stdin')
    if query is None or query == "-":
        return sys.stdin.read()
    path = Path(query)
    if path.suffix == ".sql" or ("\n" not in query and len(query) < 256 and path.is_file()):
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"cannot read the query from {query}: {error}") from error
    return query
