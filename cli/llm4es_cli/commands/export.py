"""``llm4es export``: features of any kind as one file for other tools."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import ExportOptions
from llm4es.project.result_file import FileFormat, format_of, write

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(ExportOptions, shared=("task", "max_entities"))
def export(
    call: Call,
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to: .parquet, .csv or .json.")],
    format_: Annotated[
        FileFormat | None, typer.Option("--format", help="Default: by the file's ending.", show_default=False)
    ] = None,
    spreadsheet_safe: Annotated[
        bool, typer.Option("--spreadsheet-safe", help="In CSV, an apostrophe before what a spreadsheet would compute.")
    ] = False,
    **options: Any,
) -> None:
    """Write embeddings, imported vectors and baselines to one wide or long file.

    Examples:

        llm4es export movielens-100k --features smollm2-135m@8,tfidf --out features.parquet

        llm4es export movielens-100k --features coles --layout long --out coles.csv
    """
    kind = format_of(out, format_)
    features = call.project(recipe).export(task=call.task, **options)
    rows = write(features.reader(10_000), out, kind, spreadsheet_safe=spreadsheet_safe)
    call.screen.say(f"{rows} rows, {len(features.column_names)} columns in {out}")
