"""``llm4es sql``: a read-only query over the store's views, or a prompt for many. Loads no torch."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from llm4es.core.errors import OptionError

from ..call import Call
from ..query import Query, ResultFormat, statement
from ..signature import with_options


@with_options()
def sql(
    call: Call,
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
    verify: Annotated[
        bool, typer.Option("--verify", help="First compare the files of the tables it names with their checksums.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.001, metavar="SECONDS", help="Stop a query that takes longer.")
    ] = None,
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

    opened = Store(call.store, limits=Limits(memory_limit, spill_limit, threads))
    query_ = Query(opened, call.screen, at, format_, timeout, verify)
    if query is None and sys.stdin.isatty():
        if out is not None:
            raise OptionError(f"--out {out} needs a query: give one, a file that holds one, or - for stdin")
        from ..prompt import history_file, prompt, remembered

        with remembered(history_file()) as ask:
            prompt(ask, query_.answer, query_.screen.say)
    else:
        query_.answer(statement(query), out)
