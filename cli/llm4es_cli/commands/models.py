"""``llm4es models``: models that can be named, those of the store and the built-in ones."""

import json

import typer

from ..common import Common
from ..model_folders import NameArgument, export, pull
from ..screen import show
from ..signature import with_options

app = typer.Typer(invoke_without_command=True, add_completion=False)


@app.callback()
@with_options(shared=("format",))
def models(common: Common) -> None:
    """List the built-in models and those tuned in this store.

    Examples:

        llm4es models

        llm4es models pull smollm2-135m
    """
    if common.subcommand is None:
        _list(common)


@app.command("list")
@with_options(shared=("format",))
def list_models(common: Common) -> None:
    """List the built-in models and those tuned in this store."""
    _list(common)


@app.command("show")
@with_options()
def show_model(common: Common, name: NameArgument) -> None:
    """Show a model: its sizes, its fingerprint, and for a tuned one what tuning did (JSON).

    Example:

        llm4es models show smollm2-135m
    """
    from llm4es.project.models import show_model as shown

    typer.echo(json.dumps(shown(common.existing(), name), indent=1))


app.command("pull")(pull)
app.command("export")(export)


def _list(common: Common) -> None:
    from llm4es.project.models import list_models as listed

    show(listed(common.existing()), common.format)
