"""``llm4es import``: vectors made elsewhere, kept and compared like our own."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import ImportOptions

from ..call import Call
from ..signature import with_options


@with_options(ImportOptions, shared=("dry_run", "format"))
def import_(
    call: Call,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Parquet, Arrow, JSON lines: an id, and a vector, an entity.")
    ],
    **options: Any,
) -> None:
    """Take in vectors made elsewhere (CoLES, aggregates, sentence-transformers), in one commit.

    They become rows of `embeddings` with model NAME, k 0 and pooling 'imported'. `probe`, `compare`, `similar
    --features NAME` and SQL treat them like our own. The file is the whole: entities that it no longer has are dropped.

    Examples:

        llm4es import coles.parquet --name coles --dataset movielens-100k

        llm4es import features.csv --name rfm --dataset rosbank --id cl_id
    """
    from llm4es.project.context import Context, open_store
    from llm4es.project.import_vectors import import_vectors

    importing = ImportOptions.of(**options)
    store = open_store(call.store, dry_run=call.dry_run)
    context = Context(importing.dataset, store, observer=call.screen, dry_run=call.dry_run)
    call.show_outcomes(import_vectors(context, file, importing))
