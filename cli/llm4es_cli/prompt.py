"""The interactive SQL prompt: lines in, one answered statement after the other, a history that outlives it.

In: a way to ask for a line, a way to answer a statement. Out: nothing but what the answers show. Knows no SQL beyond
the semicolon that ends a statement.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from llm4es.core.errors import Llm4esError, one_line

FIRST, NEXT = "llm4es> ", "   ...> "
_HISTORY_LINES = 2000
_LEAVE = {".exit", ".quit", "exit", "quit"}
_SHORT = {".tables": "SHOW TABLES", ".help": "SHOW TABLES"}


def prompt(ask: Callable[[str], str], answer: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Read statements until the end of input; a refused one is said and the prompt goes on. Ctrl-C drops a line."""
    say("A statement ends with a semicolon. .tables lists the views, .exit or Ctrl-D leaves.")
    lines: list[str] = []
    while True:
        try:
            line = ask(NEXT if lines else FIRST)
            if not lines and line.strip().lower().rstrip(";") in _LEAVE:
                return
            lines.append(_SHORT.get(line.strip(), "") + ";" if not lines and line.strip() in _SHORT else line)
            if not "".join(lines).strip():
                lines = []
            elif lines[-1].rstrip().endswith(";"):
                statement, lines = "\n".join(lines), []
                answer(statement)
        except EOFError:
            return
        except KeyboardInterrupt:
            lines = []
            say("")
        except Llm4esError as error:
            say(f"error: {one_line(error, 4000)}")


def history_file() -> Path:
    """Where typed lines are kept: the user's own state folder, never the store."""
    return platformdirs.user_state_path("llm4es", appauthor=False) / "sql_history"


@contextmanager
def remembered(path: Path) -> Iterator[Callable[[str], str]]:
    """Ask with editing and history where the platform has readline; without it just ask."""
    try:
        import readline
    except ImportError:  # Windows
        yield input
        return
    readline.set_history_length(_HISTORY_LINES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            readline.read_history_file(path)
    except OSError as error:
        sys.stderr.write(f"warning: no history from {path}: {error.strerror}\n")
    try:
        yield input
    finally:
        try:
            path.touch(mode=0o600)
            readline.write_history_file(path)
        except OSError as error:
            sys.stderr.write(f"warning: history is not kept in {path}: {error.strerror}\n")
