"""``llm4es models pull`` and ``export``: models as folders, fetched and handed on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import ModelExportOptions
from llm4es.options.completes import Completes

from .call import Call
from .completion import complete_names
from .signature import with_options

NameArgument = Annotated[
    str,
    typer.Argument(
        autocompletion=complete_names(Completes.MODELS), help="A model of the store, or any that --model takes."
    ),
]


@with_options()
def pull(
    call: Call,
    name: Annotated[
        str, typer.Argument(autocompletion=complete_names(Completes.MODELS), help="A built-in model's name.")
    ],
) -> None:
    """Fetch a built-in model, verify it, and unpack it once into the cache."""
    from llm4es.project.models import pull_model

    call.screen.say(f"{name}: fetching and unpacking, where that was not done yet")
    typer.echo(str(pull_model(name)))


@with_options(ModelExportOptions)
def export(
    call: Call,
    name: NameArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder.")],
    **options: Any,
) -> None:
    """Write a folder that `SentenceTransformer(DIR).encode(texts)` reads, with the same vectors.

    Example:

        llm4es models export mine --to mine-embedder --k 8
    """
    from llm4es.project.models import export_model

    typer.echo(str(export_model(call.existing(), name, to, ModelExportOptions.of(**options))))
