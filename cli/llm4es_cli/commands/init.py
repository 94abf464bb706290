"""``llm4es init``: a first recipe for tables that nobody has described."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import LimitOptions
from llm4es.options.panels import Panel

from ..call import Call
from ..signature import with_options


@with_options(LimitOptions)
def init(
    call: Call,
    events: Annotated[Path, typer.Argument(help="One row an event: a file, a folder or a glob.", show_default=False)],
    labels: Annotated[Path | None, typer.Argument(help="The same, one row an entity.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.toml", help="Write the recipe here; default: to stdout.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="NAME",
            help="The table of a database, or the sheet, that holds the events.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    label_table: Annotated[
        str | None,
        typer.Option("--label-table", metavar="NAME", help="The same of the labels.", rich_help_panel=Panel.WHAT),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is at --out.")] = False,
    **options: Any,
) -> None:
    """Look at a table of events, and one of labels, and write a commented recipe for them.

    Examples:

        llm4es init events.parquet

        llm4es init events.csv labels.csv --out mine.toml && llm4es run mine.toml

        llm4es init 'visits/*.csv.gz'

        llm4es init shop.sqlite --table orders
    """
    from llm4es.core.errors import OptionError
    from llm4es.core.limits import limited
    from llm4es.recipes.init.draft import draft_recipe

    if out is not None and out.exists() and not force:
        raise OptionError(f"--out {out} is there already: give another name, or --force")
    with limited(LimitOptions.of(**options).limits(), "looking at the raw files"):
        draft = draft_recipe(events, labels, out.parent if out else None, table=table, label_table=label_table)
    for doubt in draft.unsure:
        call.screen.say(f"unsure: {doubt}")
    if out is None:
        typer.echo(draft.toml, nl=False)
        return
    out.write_text(draft.toml, encoding="utf-8")
    call.screen.say(f"wrote {out}: read it, then 'llm4es run {out}'")
