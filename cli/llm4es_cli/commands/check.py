"""``llm4es check``: the whole store looked at, and what is safe put right."""

from typing import Annotated

import typer

from llm4es.options.panels import Panel

from ..call import Call
from ..signature import with_options


@with_options(shared=("format",))
def check(
    call: Call,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Put right what is safe: left-over files, stale locks, killed runs, the end of a log.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
) -> None:
    """Look at every table, file, checksum and key of the store, its record of runs and its tuned models.

    Prints what it finds; exits 0 where nothing is damaged or left over, else 1. Every byte is read once.

    Examples:

        llm4es check

        llm4es check --repair --format json
    """
    from llm4es.project.check import check as look
    from llm4es.project.check import needs_care

    findings = look(call.store, call.screen, repair=repair)
    call.show(findings, wrapped=True)
    if needs_care(findings):
        raise typer.Exit(1)
