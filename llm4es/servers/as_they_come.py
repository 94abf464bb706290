"""Many questions, some of them on their way at once, and answers as they come.

In: questions, as many as there are; what asks one. Out: each question with its answer, in the order of the answers.
Knows no server.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from ..core.errors import Llm4esError

Q = TypeVar("Q")
A = TypeVar("A")


def as_they_come(ask: Callable[[Q], A], questions: Iterable[Q], concurrency: int) -> Iterator[tuple[Q, A]]:
    """Ask, at most ``concurrency`` at a time. After a failure no more go out, and those on their way come home first.

    Parameters
    ----------
    ask : callable
        Gives an answer, or raises an Llm4esError that ends the work.
    questions : iterable
        Taken one by one, as there is room. An error in it is a failure, too.
    concurrency : int
        Threads.

    Yields
    ------
    tuple
        A question and its answer.

    Raises
    ------
    Llm4esError
        The first failure, after every answer.

    Examples
    --------
    >>> sorted(as_they_come(str.upper, ["a", "b", "c"], 2))
    [('a', 'A'), ('b', 'B'), ('c', 'C')]
    """
    asked: SimpleQueue[tuple[Q] | None] = SimpleQueue()  # None: there are no more
    answered: SimpleQueue[tuple[Q, A] | BaseException] = SimpleQueue()

    def work() -> None:
        while (question := asked.get()) is not None:
            try:
                answered.put((*question, ask(*question)))
            except BaseException as error:
                answered.put(error)

    left = iter(questions)
    failure: Exception | None = None
    threads = on_their_way = 0
    try:
        while True:
            while failure is None and on_their_way < concurrency:
                try:
                    question = next(left)
                except StopIteration:
                    break
                except Exception as error:
                    failure = error
                    break
                if on_their_way == threads:  # all are busy
                    # daemons: whoever interrupts the work does not wait for answers that are on their way
                    Thread(target=work, daemon=True).start()
                    threads += 1
                asked.put((question,))
                on_their_way += 1
            if not on_their_way:
                break
            answer = answered.get()
            on_their_way -= 1
            if isinstance(answer, tuple):
                yield answer
            elif isinstance(answer, Llm4esError):
                failure = failure or answer
            else:
                raise answer
    finally:
        for _ in range(threads):
            asked.put(None)
    if failure is not None:
        raise failure
