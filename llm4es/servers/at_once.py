"""Several questions on their way at once, and none more after one that ends the work.

In: questions, and what asks one. Out: answers in order. Knows no server.
"""

from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import TypeVar

from ..core.errors import Llm4esError

Q = TypeVar("Q")
A = TypeVar("A")


def at_once(
    ask: Callable[[Q], A], questions: Sequence[Q], concurrency: int
) -> tuple[list[A | None], Llm4esError | None]:
    """Ask, at most ``concurrency`` at a time; after a failure those on their way come home, and no more go out.

    Parameters
    ----------
    ask : callable
        Gives an answer, or raises an Llm4esError that ends the work.
    questions : sequence
        In order.
    concurrency : int
        Threads.

    Returns
    -------
    answers : list
        One a question, in order; None: it was not answered.
    failure : Llm4esError or None
        The first one; None: all were answered.

    Examples
    --------
    >>> at_once(str.upper, ["a", "b"], 2)
    (['A', 'B'], None)
    """
    answers: list[A | None] = [None] * len(questions)
    failures: list[Llm4esError] = []
    bugs: list[BaseException] = []
    over = Event()
    left = iter(range(len(questions)))
    lock = Lock()

    def work() -> None:
        while not over.is_set():
            with lock:
                at = next(left, None)
            if at is None:
                return
            try:
                answers[at] = ask(questions[at])
            except Llm4esError as failure:
                failures.append(failure)
                over.set()
            except BaseException as bug:
                bugs.append(bug)
                over.set()

    # daemons: whoever interrupts the work does not wait for answers that are on their way
    threads = [Thread(target=work, daemon=True) for _ in range(min(concurrency, len(questions)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        over.set()
    if bugs:
        raise bugs[0]
    return answers, failures[0] if failures else None
