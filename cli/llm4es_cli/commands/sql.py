"""``llm4es sql``: a read-only query over the store's views, or a prompt for many. Loads no torch."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.core.errors import OptionError
from llm4es.options import LimitOptions
from llm4es.options.panels import Panel

from ..call import Call
from ..query import Query, ResultFormat, statement
from ..signature import with_options


@with_options(LimitOptions, shared=("wide",))
def sql(
    call: Call,
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY",
            help="A SELECT, a file that holds one, or - for stdin; none: a prompt.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="VERSION|TIMESTAMP", help="The store as it was then.", rich_help_panel=Panel.WHAT),
    ] = None,
    format_: Annotated[
        ResultFormat | None,
        typer.Option(
            "--format",
            metavar="|".join(ResultFormat),
            help="A table on a terminal, else csv; a file's ending says it.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the rows here (.parquet, .csv, .json).")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="First compare the files of the tables it names with their checksums.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
    **options: Any,
) -> None:
    """Query the store in SQL (DuckDB, read-only, nothing but the store's own files).

    Views: texts, embeddings, labels, splits, models, exposures, probes, predictions, scores, runs, events_<dataset>.

    Macros: cosine(a, b), nearest(dataset, entity, model, k, n).

    Examples:

        llm4es sql "SELECT model, k, count(*) FROM embeddings GROUP BY ALL"

        llm4es sql --at 12 "SELECT count(*) FROM texts" --format json

        llm4es sql query.sql --out result.parquet --timeout 60

        llm4es sql
    """
    from llm4es_store import Store

    limits = LimitOptions.of(**options).limits()
    opened = Store(call.store, limits=limits)
    query_ = Query(opened, call.screen, at, format_, limits, verify, call.wide)
    if query is None and sys.stdin.isatty():
        if out is not None:
            raise OptionError(f"--out {out} needs a query: give one, a file that holds one, or - for stdin")
        from ..prompt import history_file, prompt, remembered

        with remembered(history_file()) as ask:
            prompt(ask, query_.answer, query_.screen.say)
    else:
        query_.answer(statement(query), out)
