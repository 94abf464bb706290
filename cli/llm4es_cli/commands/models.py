"""``llm4es models``: models that can be named, those of the store and the built-in ones."""

import json

import typer

from ..model_folders import NameArgument, export, pull
from ..opened import existing_store
from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption
from ..screen import show

app = typer.Typer(invoke_without_command=True, add_completion=False)


@app.callback()
def models(
    context: typer.Context,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """List the built-in models and those tuned in this store.

    Examples:

        llm4es models

        llm4es models pull smollm2-135m
    """
    if context.invoked_subcommand is None:
        list_models(format_, store)


@app.command("list")
def list_models(
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """List the built-in models and those tuned in this store."""
    from llm4es.project.models import list_models as listed

    show(listed(existing_store(store)), format_)


@app.command("show")
def show_model(
    name: NameArgument, store: StoreOption = DEFAULT_STORE, quiet: QuietOption = False, debug: DebugOption = False
) -> None:
    """Show a model: its sizes, its fingerprint, and for a tuned one what tuning did (JSON).

    Example:

        llm4es models show smollm2-135m
    """
    from llm4es.project.models import show_model as shown

    typer.echo(json.dumps(shown(existing_store(store), name), indent=1))


app.command("pull")(pull)
app.command("export")(export)
