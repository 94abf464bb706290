"""``llm4es models``: models that can be named, those of the store and the built-in ones."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import ModelExportOptions

from ..opened import existing_store
from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption
from ..screen import Screen, show
from ..signature import with_options

app = typer.Typer(invoke_without_command=True, add_completion=False)

NameArgument = Annotated[str, typer.Argument(help="A model of the store, or any that --model takes.")]


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


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A built-in model's name.")],
    store: StoreOption = DEFAULT_STORE,  # as every command has it; the cache is everybody's
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch a built-in model, verify it, and unpack it once into the cache."""
    from llm4es.models import pull as fetch

    Screen(quiet).say(f"{name}: fetching and unpacking, once")
    typer.echo(str(fetch(name).folder))


@app.command("export")
@with_options(ModelExportOptions)
def export(
    name: NameArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder.")],
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Write a folder that `SentenceTransformer(DIR).encode(texts)` reads, with the same vectors.

    Example:

        llm4es models export mine --to mine-embedder --k 8
    """
    from llm4es.project.models import export_model

    typer.echo(str(export_model(existing_store(store), name, to, ModelExportOptions.of(**options))))
