"""``llm4es runs``: what was done to the store, and where each row comes from."""

import json
from typing import Annotated

import typer

from llm4es.options.panels import Panel

from ..call import Call
from ..help_page import HelpfulCommand, HelpfulGroup
from ..signature import with_options

SPARE = ("started_at", "rows_in", "rows_reused", "seconds", "version", "rows_computed")
"""Columns that a narrow terminal goes without; a run's id tells when it began."""

app = typer.Typer(cls=HelpfulGroup, invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@app.callback()
@with_options(shared=("format",))
def runs(
    call: Call,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="The newest so many.", rich_help_panel=Panel.WHAT)
    ] = 20,
) -> None:
    """List runs, newest first; `llm4es runs show ID` shows one with its lineage.

    Examples:

        llm4es runs

        llm4es runs show 20261122-101500-a1b2c3
    """
    if call.subcommand is None:
        from llm4es.project.past_runs import list_runs

        call.show(list_runs(call.opened(), limit), spare=SPARE)


@app.command("show", cls=HelpfulCommand)
@with_options()
def show_run(
    call: Call,
    run_id: Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its beginning.")],
) -> None:
    """Show one run: configuration, tables read and written, host, and the runs its inputs came from (JSON)."""
    from llm4es.project import past_runs

    typer.echo(json.dumps(past_runs.show_run(call.opened(), run_id), indent=1, default=str))
