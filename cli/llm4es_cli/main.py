"""The ``llm4es`` command, and what happens to errors.

In: the words of a command line. Out: an exit code: 0 done, 1 a bug (traceback), 2 bad usage or input (one line),
130 interrupted. Knows no command's work; importing it loads neither torch nor DuckDB.
"""

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from llm4es.core.errors import Llm4esError, one_line
from llm4es.core.printable import printable
from llm4es.core.version import __version__
from llm4es_store.damage import of_data

from . import options
from .group import HELP_OPTIONS, Group
from .stdout import guard

MOST_CHARACTERS = 4000
"""Of an error that is printed: it may quote a line of a file."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as shells have it."""

INTERRUPTION = "interrupted: what was committed stays, the same command goes on from there\n"
"""What is said then."""

COLLECT_AFTER = (50_000, 20, 100)
"""Objects, and collections, after which Python looks for garbage in a command: by its own numbers it looks through all
that torch has imported again and again, which takes a fifth of the time that importing it takes."""

MEMORY_POOL = "system"
"""Where Arrow has its memory from: its own pool keeps what was given back, up to 70 MiB of an import's 600, and is no
faster here. Whoever has set ARROW_DEFAULT_MEMORY_POOL is heard."""

app = typer.Typer(
    name="llm4es",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its own help and words of errors are plain: drawing them takes longer than all the rest
    context_settings=HELP_OPTIONS,
)


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
    gc.set_threshold(*COLLECT_AFTER)
    code, told = _ended()
    sys.stderr.write(told)
    gc.collect()  # a store's database ends here: its threads need Python, and abort the process once that is gone
    sys.exit(code)


def program() -> None:
    """The command line as a process of its own: ``main``, and an end that takes no library apart, as mypy's own.

    To free each of torch's objects takes a second, and the system frees them all at once; what waits for a cluster that
    is gone waits for ever. Whoever calls ``main`` in a
    process that goes on gets its ``SystemExit``.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", MEMORY_POOL)  # read when pyarrow is imported
    guard()
    try:
        main()
    except SystemExit as ended:
        if {"torch", "ray"} & sys.modules.keys() and isinstance(ended.code, int | None):
            with suppress(OSError):  # nobody reads on, or the disk is full: Python's own end says so
                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(ended.code or 0)
        raise


def _ended() -> tuple[str | int | None, str]:
    """How the command ended: exit code, and what there is to say. No error outlives it, and keeps its work alive."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # what cannot be written is told here, while there is somebody to tell
    except Llm4esError as error:
        if options.debug_wanted():
            raise
        return 2, _line(error)
    except Exception as error:
        # A damaged table tells of itself through whatever reads it, as an error of the query engine.
        told = of_data(one_line(error)) if type(error).__module__.lstrip("_").startswith("duckdb") else None
        if told is None or options.debug_wanted():
            raise
        return 2, _line(told)
    except SystemExit as ended:
        return ended.code, INTERRUPTION if ended.code == INTERRUPTED else ""
    return 0, ""


def _line(error: Exception | str) -> str:
    """One line; a terminal gets it parted between words, where it would break it anywhere."""
    line = f"error: {printable(one_line(error, MOST_CHARACTERS))}"
    if not sys.stderr.isatty():
        return f"{line}\n"
    from rich.console import Console

    from llm4es.project.text_table import folded

    return "".join(f"{part}\n" for part in folded(line, Console(stderr=True).width))


if __name__ == "__main__":
    program()
