"""``llm4es gc``: drop what nobody needs any more."""

from typing import Annotated

import typer

from llm4es.options.panels import Panel

from ..call import Call
from ..signature import with_options


@with_options(shared=("dry_run", "format"))
def gc(
    call: Call,
    older_than: Annotated[
        int,
        typer.Option(
            "--older-than",
            min=7,
            metavar="DAYS",
            help="Drop versions and left-over files older than this.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = 30,
    models: Annotated[
        bool,
        typer.Option(
            "--models",
            help="Also drop older versions of models, with their vectors; never the newest.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = False,
) -> None:
    """Drop files of old versions and of killed runs, never what a live row or a running writer needs.

    Versions older than --older-than can then no longer be read with --at. With --models every version of a model goes
    that has a newer one (`mine@v1` beside `mine@v2`), but for those that a kept model was tuned from or kept vectors
    are aligned to; --at reads it, and its weights stay, until --older-than days have passed.

    Examples:

        llm4es gc --dry-run

        llm4es gc --models --dry-run

        llm4es gc --older-than 90
    """
    from llm4es.project.gc import gc as collect

    call.show(collect(call.opened(), older_than, models=models, dry_run=call.dry_run), wrapped=True)
