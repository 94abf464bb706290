"""How the command ends: its code, its one line, and nothing of its work alive while the interpreter ends.

A store's database has threads; those that still need Python when it is gone abort the process, after all was said.
"""

import sys
import weakref

import duckdb
import pytest

from llm4es.core.errors import DataError
from llm4es_cli import main


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
