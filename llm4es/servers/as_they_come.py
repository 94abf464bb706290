"""Many questions, some of them on their way at once, and answers as they come.

In: questions, as many as there are; what asks one. Out: each question with its answer, in the order of the answers.
Knows no server.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
        Taken one by one, as there is room.
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
    failure: Llm4esError | None = None
    left, asked = iter(questions), dict[Future[A], Q]()
    pool = ThreadPoolExecutor(concurrency)
    try:
        while True:
            while failure is None and len(asked) < concurrency:
                try:
                    question = next(left)
                except StopIteration:
                    break
                asked[pool.submit(ask, question)] = question
            if not asked:
                break
            for future in wait(asked, return_when=FIRST_COMPLETED).done:
                question = asked.pop(future)
                try:
                    answer = future.result()
                except Llm4esError as error:
                    failure = failure or error
                else:
                    yield question, answer
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure
