"""``llm4es report``: one self-contained page with the pictures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import ReportOptions

from ..opened import project
from ..options import DEFAULT_STORE, DebugOption, QuietOption, RecipeArgument, StoreOption, TaskOption
from ..signature import with_options


@with_options(ReportOptions)
def report(
    recipe: RecipeArgument,
    task: TaskOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="Default: <recipe>-report.html.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Write one HTML file with every picture: it needs no network and no other file.

    Examples:

        llm4es report movielens-100k

        llm4es report movielens-100k --features smollm2-135m@8 --projection umap --out page.html
    """
    typer.echo(str(project(recipe, store, quiet).report(task, out=out, **options)))
