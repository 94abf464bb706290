"""Several questions on their way at once, and none more after one that ends the work.

In: questions, and what asks one. Out: answers in order. Knows no server.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..core.errors import Llm4esError
from .as_they_come import as_they_come

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
    try:
        for at, answer in as_they_come(lambda at: ask(questions[at]), range(len(questions)), concurrency):
            answers[at] = answer
    except Llm4esError as failure:
        return answers, failure
    return answers, None
