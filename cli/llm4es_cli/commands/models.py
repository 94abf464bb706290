"""``llm4es models``: models that can be named, those of the store and the built-in ones."""

import json

import typer

from ..call import Call
from ..help_page import HelpfulCommand, HelpfulGroup
from ..model_folders import NameArgument, export, pull
from ..signature import with_options

app = typer.Typer(cls=HelpfulGroup, invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@app.callback()
@with_options(shared=("format",))
def models(call: Call) -> None:
    """List the built-in models and those tuned in this store.

    Examples:

        llm4es models

        llm4es models pull smollm2-135m
    """
    if call.subcommand is None:
        _list(call)


@app.command("list", cls=HelpfulCommand)
@with_options(shared=("format",))
def list_models(call: Call) -> None:
    """List the built-in models and those tuned in this store."""
    _list(call)


@app.command("show", cls=HelpfulCommand)
@with_options()
def show_model(call: Call, name: NameArgument) -> None:
    """Show a model: its sizes, its fingerprint, and for a tuned one what tuning did (JSON).

    Example:

        llm4es models show smollm2-135m
    """
    from llm4es.project.models import show_model as shown

    typer.echo(json.dumps(shown(call.existing(), name), indent=1))


app.command("pull", cls=HelpfulCommand)(pull)
app.command("export", cls=HelpfulCommand)(export)


def _list(call: Call) -> None:
    from llm4es.project.models import list_models as listed

    call.show(listed(call.existing()), wrapped=True)
