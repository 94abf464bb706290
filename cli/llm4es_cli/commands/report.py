"""``llm4es report``: one self-contained page with the pictures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import ReportOptions

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(
    ReportOptions,
    shared=(
        "task",
        "max_entities",
    ),
)
def report(
    call: Call,
    recipe: RecipeArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="Default: RECIPE-report.html.")
    ] = None,
    **options: Any,
) -> None:
    """Write one HTML file with every picture: it needs no network and no other file.

    Examples:

        llm4es report movielens-100k

        llm4es report movielens-100k --features smollm2-135m@8 --projection umap --out page.html

        llm4es report movielens-100k --against 12
    """
    typer.echo(str(call.project(recipe).report(call.task, out=out, **options)))
