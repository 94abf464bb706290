"""How the command ends: its code, its one line, and nothing of its work alive while the interpreter ends.

A store's database has threads; those that still need Python when it is gone abort the process, after all was said.
"""

import sys
import weakref
from pathlib import Path

import duckdb
import pytest

from llm4es.core.errors import DataError, Llm4esError
from llm4es_cli import main
from llm4es_store import Store

from .shell import invoke


class Work:
    """What a command holds, in a circle as frames and errors are."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("no texts:\nserialize first"), 2, "error: no texts: serialize first\n"),
        (SystemExit(main.INTERRUPTED), 130, main.INTERRUPTION),
        (SystemExit(2), 2, ""),
        (SystemExit(0), 0, ""),
        (duckdb.IOException('No files found that match the pattern "/s/tables/texts/part-0.parquet"'), 2, "error: "),
        (None, 0, ""),
    ],
    ids=["a known error", "ctrl-c", "usage", "help", "a damaged table", "done"],
)
def test_nothing_of_the_work_outlives_it(
    error: BaseException | None,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    held: list[weakref.ref[Work]] = []

    def app() -> None:
        work = Work()
        held.append(weakref.ref(work))
        if error is not None:
            raise type(error)(*error.args)

    alive: list[bool] = []
    exits = sys.exit

    def leave(code: int) -> None:
        alive.append(held[0]() is not None)
        exits(code)

    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(main, "of_data", lambda told: told)
    monkeypatch.setattr(sys, "exit", leave)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert (ended.value.code, alive) == (code, [False])
    assert ended.value.__context__ is None
    assert capsys.readouterr().err.startswith(said)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def app() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", app)
    with pytest.raises(ZeroDivisionError):
        main.main()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["runs", "-n", "0"], "--limit 0 is below 1: give 1 or more"),
        (["sql", "SELECT '\udce9'"], "\"SELECT '\\udce9'\" is no UTF-8: type it so"),
        (["sql", "-"], "no query came on stdin: give a SELECT"),
    ],
)
def test_words_that_cannot_be_read(words: list[str], line: str, tmp_path: Path) -> None:
    Store(tmp_path, create=True)
    with pytest.raises(Llm4esError) as refused:
        invoke(*words, "--store", tmp_path, stdin="")
    assert str(refused.value).startswith(line)


def test_a_terminal_gets_an_error_parted_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    error = "no recipe 'clikcs': did you mean clicks? (your own is given by the path of its TOML)"
    assert main._line(error) == f"error: {error}\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    lines = main._line(error).splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(lines) == f"error: {error}"
