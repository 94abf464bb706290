"""``llm4es gc``: drop what nobody needs any more."""

from typing import Annotated

import typer

from ..call import Call
from ..screen import show
from ..signature import with_options


@with_options(shared=("dry_run", "format"))
def gc(
    call: Call,
    older_than: Annotated[
        int,
        typer.Option("--older-than", min=7, metavar="DAYS", help="Drop versions and left-over files older than this."),
    ] = 30,
) -> None:
    """Drop files of old versions and of killed runs, never what a live row or a running writer needs.

    Versions older than --older-than can then no longer be read with --at.

    Examples:

        llm4es gc --dry-run

        llm4es gc --older-than 90
    """
    from llm4es.core.version import __version__
    from llm4es.project.result import Result
    from llm4es_store.maintenance import vacuum

    show(Result(vacuum(call.opened(), older_than, call.dry_run, __version__)), call.format)
