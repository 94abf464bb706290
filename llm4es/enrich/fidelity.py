"""Does a rewriting say what the events say?

In: events (their values) and a text that a language model made of them. Out: how many events it tells, how many it
tells otherwise than they were, and the reasons to refuse it. Compares words, not meanings. Knows nothing of models.

A rewriting with a line for each event is held to it: a line is an event's words and the fields' names, or it is an
alteration. What holds for free prose stands in fidelity_prose.py. An event told without a value of its own is altered.
"""

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..serialize.escaping import unescape
from .fidelity_prose import Row, check_prose
from .words import normal

VERSION = 3
"""Raised when a rewriting that passed may not pass any more: part of the rows' configuration."""

_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_NUMBERING = re.compile(r"^\W*(\d{1,4})[.):]", re.MULTILINE)


@dataclass(frozen=True)
class Fidelity:
    """What became of the events of one rewriting."""

    events: int
    """Events that went in."""

    kept: int
    """Events that are told with all of their values."""

    altered: int
    """Events told without one of their values, or with another one in its place."""

    repeated: int
    """Times that an event is told more often than it happened."""

    invented: tuple[str, ...]
    """Numbers in the text that no event has, in order."""

    finished: bool
    """False: the model was cut off by the token limit."""

    foreign: tuple[int, ...] = ()
    """Lines that tell no event, from 0, in a line-by-line rewriting: to be left out of it."""

    @property
    def score(self) -> float:
        """Share of events kept, 0..1."""
        return self.kept / self.events if self.events else 1.0

    def refusal(self, min_fidelity: float) -> str | None:
        """Why the text is not good enough; None: it is."""
        if not self.finished and not (self.foreign and self.kept == self.events):  # else cut in a line that goes anyway
            return "cut off by --max-new-tokens"
        if self.altered:
            return f"{self.altered} of {self.events} events altered"
        if self.invented:
            return f"numbers invented: {', '.join(self.invented[:3])}"
        if self.repeated:
            return f"events told {self.repeated} times too often"
        if self.score < min_fidelity:
            return f"{self.kept} of {self.events} events kept"
        return None


def check(
    events: Sequence[Sequence[str]],
    text: str,
    *,
    names: Sequence[str] = (),
    finished: bool = True,
    by_line: bool = False,
) -> Fidelity:
    """Compare a text with the events (escaped values) that it was made of. ``by_line``: each event has its line."""
    values = [[unescape(value) for value in event] for event in events]
    rows = [tuple(tuple(normal(value)) for value in row) for row in values]
    foreign: tuple[int, ...] = ()
    if by_line:
        kept, repeated, foreign = _lines(rows, text, names)
        altered = min(len(foreign), len(rows) - kept)
        text = without(text, foreign)
    else:
        kept, altered, repeated = check_prose(rows, text)
    known = {_number(number) for row in values for value in row for number in _numbers_in(value)} | {str(len(rows))}
    return Fidelity(
        events=len(rows),
        kept=kept,
        altered=altered,
        repeated=repeated,
        invented=tuple(dict.fromkeys(number for number in _numbers(text, len(rows)) if number not in known)),
        finished=finished,
        foreign=foreign,
    )


def without(text: str, lines: Sequence[int]) -> str:
    """A text without some of its lines; a list of JSON objects stays one."""
    if not lines:
        return text
    kept = "\n".join(line for number, line in enumerate(text.splitlines()) if number not in lines)
    return re.sub(r",(\s*\]\s*)$", r"\1", kept).strip()


def _lines(rows: Sequence[Row], text: str, names: Sequence[str]) -> tuple[int, int, tuple[int, ...]]:
    """Events kept, in order; lines that are an event once more; which lines are no event."""
    headers = Counter(word for name in names for word in normal(unescape(name)))
    waiting: dict[frozenset[tuple[str, int]], list[int]] = {}
    for at in range(len(rows) - 1, -1, -1):
        waiting.setdefault(_bag(word for value in rows[at] for word in value), []).append(at)
    order: list[int] = []
    repeated, foreign = 0, []
    for number, line in enumerate(text.splitlines()):
        readings = [_words_of(line)]
        if (numbering := _NUMBERING.match(line)) and int(numbering[1]) <= number + 1:
            readings.append(_words_of(line[numbering.end() :]))
        if not readings[0] - headers:
            continue  # the names of the fields, a rule, a bracket
        event = next(
            (bag for bag in waiting if any(_is(words, Counter(dict(bag)), headers) for words in readings)), None
        )
        if event is None:
            foreign.append(number)
        elif waiting[event]:
            order.append(waiting[event].pop())
        else:
            repeated += 1
    silent = len(waiting.get(frozenset(), []))  # events without any word
    return _in_order(order) + silent, repeated, tuple(foreign)


def _bag(words: object) -> frozenset[tuple[str, int]]:
    return frozenset(Counter(words).items())  # type: ignore[call-overload]


def _is(words: Counter[str], event: Counter[str], headers: Counter[str]) -> bool:
    """Whether a line is an event: all of its words, and no other but fields' names."""
    return not event - words and not words - event - headers


def _words_of(line: str) -> Counter[str]:
    """A line's words; those of a JSON object after JSON's own escapes are undone."""
    if line.startswith("{"):
        try:
            event = json.loads(line.rstrip().rstrip(","))
        except ValueError:
            event = None
        if isinstance(event, dict):
            line = " | ".join(f"{name}: {value}" for name, value in event.items())
    return Counter(normal(unescape(line)))


def _in_order(positions: Sequence[int]) -> int:
    """How many of them stand in order: the longest rising run with gaps."""
    ends: list[int] = []
    for position in positions:
        at = bisect_left(ends, position)
        ends[at : at + 1] = [position]
    return len(ends)


def _numbers_in(text: str) -> list[str]:
    return [match[0] for match in _NUMBER.finditer(text)]


def _numbers(text: str, events: int) -> list[str]:
    """The numbers in a text but for those that number its lines."""
    counting = {str(number) for number in range(1, events + 1)}
    text = _NUMBERING.sub(lambda match: "" if match[1] in counting else match[0], text)
    return [_number(number) for number in _numbers_in(text)]


def _number(text: str) -> str:
    """A number without thousands separators and without zeros that say nothing."""
    whole, _, fraction = text.replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
