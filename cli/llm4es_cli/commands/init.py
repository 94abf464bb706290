"""``llm4es init``: a first recipe for tables that nobody has described."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from llm4es.options import LimitOptions
from llm4es.options.panels import Panel

from ..asking import ask
from ..call import Call
from ..paging import width_of_terminal
from ..screen import READABLE
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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what was guessed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is at --out.")] = False,
    **options: Any,
) -> None:
    """Look at a table of events, and one of labels, and write a commented recipe for them.

    On a terminal it asks what it is in doubt about, and ends with a preview: texts, their tokens, what a run will cost.

    Examples:

        llm4es init events.parquet

        llm4es init events.csv labels.csv --out mine.toml && llm4es run mine.toml

        llm4es init 'visits/*.csv.gz'

        llm4es init shop.sqlite --table orders
    """
    from llm4es.core.limits import limited
    from llm4es.core.shell_words import shell_word
    from llm4es.project.whole_file import check_place, whole_file
    from llm4es.recipes.init.choices import Choices
    from llm4es.recipes.init.draft import draft_recipe

    if out is not None:
        check_place(out, replaced=force)
    is_asked = sys.stdin.isatty() and sys.stdout.isatty() and not call.quiet
    with limited(LimitOptions.of(**options).limits(), "looking at the raw files"):
        drafted = partial(
            draft_recipe, events, labels, out.parent if out else None, table=table, label_table=label_table
        )
        draft = drafted()
        if is_asked and not yes and (answers := ask(draft.doubts)):
            draft = drafted(choices=Choices(**answers))
        named = " ".join(map(shell_word, (str(out or "RECIPE.toml"), *draft.data(out.parent if out else None))))
        for doubt in draft.unsure:
            call.screen.say(f"unsure: {doubt}")
        if out is None:
            typer.echo(draft.toml, nl=False)
        else:
            with whole_file(out) as file:
                file.write(draft.toml.encode())
            call.screen.say(f"wrote {out}: read it, then `llm4es run {named}`")
        if is_asked:
            from llm4es.project.preview import preview

            seen = preview(draft.toml, draft.base, call.store)
            for line in seen.lines(named, width_of_terminal() or READABLE):
                call.screen.say(line)
