"""Ctrl-C in a query, of `sql`, at the prompt and of a recipe: 130 and one line, and the prompt goes on."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from llm4es.core.interrupts import interruptible
from llm4es_store import Store

ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(100) b WHERE a.range + b.range = 7"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_what_runs_is_stopped() -> None:
    connection = duckdb.connect()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), interruptible(connection.interrupt):
        connection.execute(ENDLESS)
    timer.join()
    with pytest.raises(duckdb.Error), interruptible(connection.interrupt):
        connection.execute("SELECT no_such_column")


def pressed(words: list[str], folder: Path, started: str) -> tuple[int, str]:
    """Exit code and stderr of a command in which Ctrl-C is pressed, once a file says that it has begun."""
    code = f"""
import signal, threading, os, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import duckdb
from llm4es_cli.main import main
def press():
    while not any("{started}" in str(frame.f_code.co_name) for frame in frames()): time.sleep(0.05)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
def frames():
    frame = sys._current_frames()[threading.main_thread().ident]
    while frame: yield frame; frame = frame.f_back
threading.Thread(target=press, daemon=True).start()
sys.argv = ["llm4es", *{words!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=120, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_query_ends_in_one_line(tmp_path: Path) -> None:
    Store(tmp_path / "store", create=True)
    began = time.monotonic()
    code, said = pressed(["sql", ENDLESS, "--store", str(tmp_path / "store")], tmp_path, "fetch")
    assert (code, said.splitlines()) == (
        130,
        ["interrupted: what was committed stays, the same command goes on from there"],
    )
    assert time.monotonic() - began < 100


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_recipe_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,what\n" + "a,1\nb,2\n" * 200_000)
    slow = "list_sum(list_transform(range(10000), lambda x: x % 7 * what::INTEGER)) > 0"
    (tmp_path / "mine.toml").write_text(
        f'name = "mine"\n[tables.events]\npath = "events.csv"\n[events]\nentity = "user"\nwhere = "{slow}"\n'
        '[[fields]]\nname = "what"\n'
    )
    code, said = pressed(["serialize", "mine.toml", "--store", str(tmp_path / "store")], tmp_path, "load_query")
    assert (code, said.splitlines()[-1]) == (
        130,
        "interrupted: what was committed stays, the same command goes on from there",
    )
    assert "Traceback" not in said
