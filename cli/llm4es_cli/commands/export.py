"""``llm4es export``: features of any kind as one file for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from llm4es.features.names import split_names
from llm4es.options.export import TableLayout

from ..candidates import candidates
from ..options import DEFAULT_STORE, DebugOption, MaxEntitiesOption, QuietOption, RecipeArgument, StoreOption
from ..output import FileFormat, format_of, write
from ..screen import Screen
from ..work import Work


def export(
    recipe: RecipeArgument,
    features: Annotated[
        str, typer.Option("--features", metavar="NAME[,NAME]", help="Names as `llm4es compare` shows them.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to: .parquet, .csv or .json.")],
    layout: Annotated[
        TableLayout, typer.Option("--layout", help="A column a number, or a row an (entity, features).")
    ] = (TableLayout.WIDE),
    format_: Annotated[
        FileFormat | None, typer.Option("--format", help="Default: by the file's ending.", show_default=False)
    ] = None,
    max_entities: MaxEntitiesOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write embeddings, imported vectors and baselines to one wide or long file.

    Examples:

        llm4es export movielens-100k --features smollm2-135m@8,tfidf --out features.parquet

        llm4es export movielens-100k --features coles --layout long --out coles.csv
    """
    from llm4es.features.to_table import to_table

    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=True)
    kind = format_of(out, format_)
    table = to_table([candidate.load() for candidate in candidates(work, split_names(features))], layout)
    rows = write(table.to_reader(max_chunksize=10_000), out, kind)
    work.screen.say(f"{rows} rows, {table.num_columns} columns in {out}")
