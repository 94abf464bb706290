"""``llm4es runs``: what was done to the store, and where each row comes from."""

import json
from typing import Annotated, Any

import typer

from llm4es.core.errors import OptionError

from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption
from ..screen import show

app = typer.Typer(invoke_without_command=True, add_completion=False)

_COLUMNS = "version, run_id, stage, dataset, started_at, seconds, status, rows_in, rows_computed, rows_reused"


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
        from llm4es_store import Store

        query = f"SELECT {_COLUMNS} FROM runs ORDER BY version DESC LIMIT {int(limit)}"
        show(Store(store).sql(query).to_arrow_table(), format_)


@app.command("show")
def show_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its beginning.")],
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Show one run: configuration, tables read and written, host, and the runs its inputs came from (JSON)."""
    from llm4es_store import Store
    from llm4es_store.lineage import lineage

    found = Store(store).sql("SELECT * FROM runs ORDER BY version").to_arrow_table().to_pylist()
    matching = [row for row in found if row["run_id"].startswith(run_id)]
    if len(matching) != 1:
        raise OptionError(f"run {run_id!r} matches {len(matching)} runs: see `llm4es runs` for the ids")
    run = matching[0]
    typer.echo(json.dumps(_readable(run) | {"made_from": lineage(found, run)}, indent=1, default=str))


def _readable(run: dict[str, Any]) -> dict[str, Any]:
    """JSON columns as what they hold."""
    return {k: json.loads(v) if k in ("config", "versions", "reasons", "host") and v else v for k, v in run.items()}
