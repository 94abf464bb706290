"""Questions on their way at once: answers as they come or in order, a failure that ends them, and Ctrl-C."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from llm4es.core.errors import DataError, Llm4esError, ModelError
from llm4es.servers import at_once
from llm4es.servers.as_they_come import as_they_come


def test_after_a_failure_no_more_questions_go_out() -> None:
    asked = []

    def answer(number: int) -> int:
        asked.append(number)
        if number == 1:
            raise ModelError("no more")
        return number

    answers, failure = at_once(answer, range(100), 1)
    assert (answers[:3], asked) == ([0, None, None], [0, 1])
    assert isinstance(failure, Llm4esError)


def test_a_bug_is_no_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 // number, [1, 0], 2)


@pytest.mark.parametrize("error", [DataError("no text"), OSError("disk")])
def test_an_error_of_the_questions_drops_no_answer(error: Exception) -> None:
    failed = threading.Event()

    def questions() -> Iterator[int]:
        yield from (1, 2)
        failed.set()
        raise error

    def answer(number: int) -> int:
        assert failed.wait(20)
        return number

    answers = as_they_come(answer, questions(), 4)
    assert sorted([next(answers), next(answers)]) == [(1, 1), (2, 2)]
    with pytest.raises(type(error), match=str(error)):
        next(answers)


def test_no_more_are_on_their_way_than_was_said() -> None:
    lock, on_their_way, most = threading.Lock(), 0, 0

    def answer(number: int) -> int:
        nonlocal on_their_way, most
        with lock:
            on_their_way += 1
            most = max(most, on_their_way)
        threading.Event().wait(0.01)
        with lock:
            on_their_way -= 1
        return number

    assert sorted(number for _, number in as_they_come(answer, range(20), 3)) == list(range(20))
    assert most == 3


@pytest.mark.parametrize("asking", ["at_once(forever, [1, 2, 3], 2)", "list(as_they_come(forever, [1, 2, 3], 2))"])
def test_an_interrupt_waits_for_no_answer(asking: str) -> None:
    code = f"""
import os, signal, threading, time
from llm4es.servers import at_once
from llm4es.servers.as_they_come import as_they_come
def forever(_): time.sleep(3600)
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    {asking}
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "interrupted\n"
