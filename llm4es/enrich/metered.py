"""What the answers of an engine cost: questions, tokens, seconds.

In: an engine. Out: the same engine, whose answers are counted on the way. Knows no prompts.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ..core.phases import read
from .engine import Answer, Engine, Request


@dataclass
class Cost:
    """What was spent so far.

    Examples
    --------
    >>> print(Cost(questions=2, read=600, written=80, seconds=4.0))
    2 questions, 600 tokens read and 80 written in 4.0 s (20 written a second)
    """

    questions: int = 0
    read: int = 0
    """Tokens of questions."""
    written: int = 0
    """Tokens of answers."""
    seconds: float = 0.0
    """Waited for answers."""
    formed: int = 0
    """Answers of which a form was asked."""
    in_form: int = 0
    """Those of them that have it."""

    def add_all(self, parts: Iterable[Mapping[str, float]]) -> None:
        """What parts of the work took, wherever they were done: as ``taken`` says it there."""
        for part in parts:
            for name, value in part.items():
                setattr(self, name, getattr(self, name) + value)

    def taken(self) -> dict[str, float]:
        """What was spent since this was asked last, by name; nothing is left of it here."""
        now = asdict(self)
        for name in now:
            setattr(self, name, type(now[name])())
        return now

    def __str__(self) -> str:
        if not self.questions:
            return ""
        rate = f" ({self.written / self.seconds:.3g} written a second)" if self.seconds else ""
        loose = self.formed - self.in_form
        forms = f"; {loose:,} of {self.formed:,} answers are not in the form that was asked for" if loose else ""
        tokens = f", {self.read:,} tokens read and {self.written:,} written" if self.written else ""
        return f"{self.questions:,} questions{tokens} in {self.seconds:.1f} s{rate if tokens else ''}{forms}"


class Metered:
    """An engine whose answers are counted."""

    def __init__(self, engine: Engine, cost: Cost) -> None:
        self._engine, self._cost = engine, cost
        self.name, self.room, self.keeps_forms = engine.name, engine.room, engine.keeps_forms

    def count(self, text: str) -> int:
        """Tokens of a text, as the engine counts them."""
        return self._engine.count(text)

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """The engine's answers."""
        began = time.monotonic()
        answers = self._engine.answers(requests)
        self._cost.seconds += time.monotonic() - began
        formed = [(each.form, answer) for each, answer in zip(requests, answers, strict=True) if each.form]
        self._cost.formed += len(formed)
        self._cost.in_form += sum(form.complete(answer.text.strip()) is not None for form, answer in formed)
        self._cost.questions += len(answers)
        self._cost.read += sum(answer.read for answer in answers)
        self._cost.written += sum(answer.written for answer in answers)
        read(sum(answer.read + answer.written for answer in answers))
        return answers
