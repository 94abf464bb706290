"""An answer is bounded before anything reads it, and its cost grows as its length."""

import sys
from collections.abc import Callable

import pytest

from llm4es.enrich.engine import Answer
from llm4es.enrich.judge import THINKING, judge, longest
from llm4es.enrich.prompts import load_prompt

NAMES = ("Day", "Shop", "Amount")
EVENTS = tuple((f"2024-01-{day:02}", "tea", str(day)) for day in range(1, 21))


@pytest.mark.parametrize("prompt", ["table", "json", "bullets", "narrative", "paper"])
@pytest.mark.parametrize("size", [longest(EVENTS, NAMES) + 1, longest(EVENTS, NAMES) + THINKING + 1, 60_000_000])
def test_an_endless_answer_is_refused_unread(prompt: str, size: int) -> None:
    judged = judge(EVENTS, NAMES, load_prompt(prompt), None, Answer("| " * (size // 2 + 1), finished=True), 0.9)
    assert (judged.text, judged.fidelity.kept) == ("", 0)
    assert str(judged.reason).startswith("too long: above ")


HOSTILE: dict[str, Callable[[int], str]] = {
    "numbers on lines": lambda n: "\n".join(f"{at}." for at in range(n)),
    "blank lines": lambda n: "\n" * n + "1",
    "blanks": lambda n: " " * n + "x",
    "pipes": lambda n: "|" * n,
    "backslashes": lambda n: "\\" * n + "|",
    "names": lambda n: "Day: " * n,
    "points": lambda n: ". " * n,
    "marks": lambda n: "!" * n,
    "brackets": lambda n: "[" * n,
    "objects": lambda n: '{"a":' * n,
    "fences": lambda n: "```a\n" * n,
    "commas": lambda n: "1," * n,
    "digits": lambda n: "1" * n,
    "quotes": lambda n: '"' * n,
    "stars": lambda n: "*" * n,
    "entities": lambda n: "&" * n,
    "months": lambda n: "may 2024 " * n,
    "values": lambda n: "tea 1 " * n,
    "letters": lambda n: "a" * n,
}


def steps(text: str, prompt: str) -> int:
    """Lines of Python that judging an answer takes: no clock, so that a busy machine changes nothing."""
    count = 0

    def traced(*_: object) -> Callable[..., object]:
        nonlocal count
        count += 1
        return traced

    sys.settrace(traced)  # type: ignore[arg-type]
    try:
        judge(EVENTS, NAMES, load_prompt(prompt), None, Answer(text, finished=True), 0.9)
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("prompt", ["table", "narrative"])
def test_the_work_grows_as_the_answer(kind: str, prompt: str) -> None:
    few, many = (steps(HOSTILE[kind](size), prompt) for size in (150, 600))
    assert many < 6 * few + 2000, (few, many)
