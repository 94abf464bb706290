"""Several questions on their way at once, and none more after one that ends the work.

In: questions, and what asks one. Out: answers in order. Knows no server.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    failures: list[Llm4esError] = []

    def one(question: Q) -> A | None:
        if failures:
            return None
        try:
            return ask(question)
        except Llm4esError as failure:
            failures.append(failure)
            return None

    with ThreadPoolExecutor(min(concurrency, max(1, len(questions)))) as pool:
        futures: list[Future[A | None]] = [pool.submit(one, question) for question in questions]
        try:
            answers = [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return answers, failures[0] if failures else None
