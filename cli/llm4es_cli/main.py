"""The ``llm4es`` command: the list of commands, and what happens to errors.

In: the words of a command line. Out: an exit code: 0 done, 1 a bug (traceback), 2 bad usage or input (one line),
130 interrupted. Knows no command's work; importing it loads neither torch nor DuckDB.
"""

import sys
from typing import Annotated

import typer

from llm4es import __version__
from llm4es.errors import Llm4esError

from . import options
from .commands import (
    compare,
    diff,
    embed,
    enrich,
    export,
    finetune,
    gc,
    import_,
    init,
    models,
    optimize,
    probe,
    recipes,
    report,
    run,
    runs,
    serialize,
    similar,
    sql,
)

app = typer.Typer(
    name="llm4es",
    help="User embeddings from event histories via language models, kept in a versioned store you query in SQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as shells have it."""

_STAGES = "Stages, in order (each computes only what is missing)"
_RESULTS = "Results"
_KEEPING = "The store and what is in it"

app.command(rich_help_panel=_STAGES)(run.run)
app.command(rich_help_panel=_STAGES)(serialize.serialize)
app.command(rich_help_panel=_STAGES)(enrich.enrich)
app.command(rich_help_panel=_STAGES)(finetune.finetune)
app.command(rich_help_panel=_STAGES)(embed.embed)
app.command(rich_help_panel=_STAGES)(probe.probe)
app.command(rich_help_panel=_RESULTS)(compare.compare)
app.command(rich_help_panel=_RESULTS)(diff.diff)
app.command(rich_help_panel=_RESULTS)(sql.sql)
app.command(rich_help_panel=_RESULTS)(similar.similar)
app.command(rich_help_panel=_RESULTS)(report.report)
app.command(rich_help_panel=_KEEPING)(init.init)
app.command(rich_help_panel=_KEEPING)(recipes.recipes)
app.add_typer(models.app, name="models", rich_help_panel=_KEEPING)
app.add_typer(runs.app, name="runs", rich_help_panel=_KEEPING)
app.command("import", rich_help_panel=_KEEPING)(import_.import_)
app.command(rich_help_panel=_KEEPING)(export.export)
app.command(rich_help_panel=_KEEPING)(optimize.optimize)
app.command(rich_help_panel=_KEEPING)(gc.gc)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"llm4es {__version__}")
        raise typer.Exit


@app.callback()
def llm4es(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """User embeddings from event histories via language models, kept in a versioned store you query in SQL."""


def main() -> None:
    """Run the command line; known errors become one line on stderr and exit code 2."""
    try:
        app()
    except Llm4esError as error:
        if options.debug_wanted():
            raise
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            sys.stderr.write("interrupted: what was committed stays, the same command goes on from there\n")
        raise


if __name__ == "__main__":
    main()
