"""``llm4es runs``: what was done to the store, and where each row comes from."""

import json
from typing import Annotated

import typer

from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption
from ..screen import show

app = typer.Typer(invoke_without_command=True, add_completion=False)


@app.callback()
def runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest so many.")] = 20,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """List runs, newest first; `llm4es runs show ID` shows one with its lineage.

    Examples:

        llm4es runs

        llm4es runs show 20261122-101500-a1b2c3
    """
    if context.invoked_subcommand is None:
        from llm4es.project.past_runs import list_runs
        from llm4es_store import Store

        show(list_runs(Store(store), limit), format_)


@app.command("show")
def show_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its beginning.")],
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Show one run: configuration, tables read and written, host, and the runs its inputs came from (JSON)."""
    from llm4es.project import past_runs
    from llm4es_store import Store

    typer.echo(json.dumps(past_runs.show_run(Store(store), run_id), indent=1, default=str))
