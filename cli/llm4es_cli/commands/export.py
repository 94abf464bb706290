"""``llm4es export``: features of any kind as one file for other tools."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.core.errors import OptionError
from llm4es.options import ExportOptions
from llm4es.project.export_files import write_export
from llm4es.project.result_file import FileFormat, format_of

from ..call import Call
from ..options import RecipeArgument
from ..signature import with_options


@with_options(ExportOptions, shared=("task", "max_entities"))
def export(
    call: Call,
    recipe: RecipeArgument,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE|DIR", help="A .parquet, .csv or .json; with --partition-by a folder."),
    ],
    format_: Annotated[
        FileFormat | None,
        typer.Option(
            "--format", metavar="|".join(FileFormat), help="Default: by the file's ending.", show_default=False
        ),
    ] = None,
    spreadsheet_safe: Annotated[
        bool, typer.Option("--spreadsheet-safe", help="In CSV, an apostrophe before what a spreadsheet would compute.")
    ] = False,
    **options: Any,
) -> None:
    """Write embeddings, imported vectors, baselines or scores to one wide or long file, or to folders of Parquet.

    Column names are of letters, digits and underscores only, as LightGBM, XGBoost and Spark take them:
    smollm2_135m_k8_000, tfidf_<item>, aggregates_<what>. FILE.columns.json says what each of them stands for.

    Examples:

        llm4es export movielens-100k --features smollm2-135m@8,tfidf --out features.parquet

        llm4es export movielens-100k --features coles --layout long --out coles.csv

        llm4es export movielens-100k --features smollm2-135m@8 --since 12 --out changed.parquet

        llm4es export movielens-100k --features smollm2-135m@8,coles --layout long --partition-by model,k --out features

        llm4es export movielens-100k --scores --task gender --out scores.parquet
    """
    parted = bool(options.get("partition_by"))
    if parted and format_ not in (None, FileFormat.PARQUET):
        raise OptionError(f"--partition-by writes Parquet, and --format is {format_}: leave one out")
    kind = None if parted else format_of(out, format_)
    exported = call.project(recipe).export(task=call.task, **options)
    beside = write_export(exported, out, kind, spreadsheet_safe=spreadsheet_safe)
    call.screen.say(
        f"{len(exported)} rows, {len(exported.column_names)} columns in {out}; what they stand for in {beside}"
    )
