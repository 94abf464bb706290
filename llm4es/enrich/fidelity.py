"""Does a rewriting say what the events say?

In: events (their values) and a text that a language model made of them. Out: how many events it tells, how many it
tells otherwise than they were, and the reasons to refuse it. Knows nothing of models.

A rewriting with a line for each event is compared field by field (fidelity_records). Free prose is held to a weaker
rule (fidelity_prose), and is marked so.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..serialize.escaping import unescape
from .fidelity_prose import check_prose
from .fidelity_records import NOTHING_FREE, Free, read_records
from .rising import longest_rising

VERSION = 5
"""Raised when a rewriting that passed may not pass any more: part of the rows' configuration."""


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
    """Numbers in prose that no event has, in order."""

    finished: bool
    """False: the model was cut off by the token limit."""

    foreign: tuple[int, ...] = ()
    """Lines that tell no event, from 0, in a line-by-line rewriting: to be left out of it."""

    moved: int = 0
    """Events told out of their order."""

    added: int = 0
    """Records that are no event, besides the altered ones."""

    claims: tuple[str, ...] = ()
    """Words in prose that make events others: denials, scales, names, values of another event."""

    beside: tuple[tuple[int, int], ...] = ()
    """Characters of sentences that tell no event, in prose: to be left out of it."""

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
        if self.claims:
            return f"words of its own: {', '.join(self.claims[:3])}"
        if self.repeated:
            return f"events told {self.repeated} times too often"
        if self.added:
            return f"events invented {self.added} times"
        if self.moved:
            return f"{self.moved} of {self.events} events out of order"
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
    free_form: bool = False,
    free: Free = NOTHING_FREE,
) -> Fidelity:
    """Compare a text with the events (escaped values) that it was made of.

    ``by_line``: each event has its line, and is compared by field, those that are ``free`` as paraphrases. Else it is
    prose, ``free_form`` in its own order.
    """
    if by_line:
        return _by_record(events, text, names, finished, free)
    values = [[unescape(value) for value in event] for event in events]
    told = check_prose(values, html.unescape(text), [unescape(name) for name in names], free_form)
    return Fidelity(
        events=len(events),
        kept=told.kept - told.moved,
        altered=told.altered,
        repeated=told.repeated,
        invented=told.numbers,
        finished=finished,
        moved=told.moved,
        claims=told.claims,
        beside=told.beside,
    )


def _by_record(
    events: Sequence[Sequence[str]], text: str, names: Sequence[str], finished: bool, free: Free
) -> Fidelity:
    """Field by field."""
    told = read_records(events, text, names, free)
    untold = set(range(len(events))) - set(told.order)
    silent = sum(not any(events[at]) for at in untold)  # without any word there is nothing to lose
    kept = longest_rising(told.order)
    missing = len(events) - len(told.order) - silent
    altered = min(len(told.foreign), missing)
    records = set(told.records)
    if not finished:  # the line that was cut off may look like anything
        records.discard(len(text.split("\n")) - 1)
    return Fidelity(
        events=len(events),
        kept=kept + silent,
        altered=altered,
        repeated=told.repeated,
        invented=(),
        finished=finished,
        foreign=tuple(told.foreign),
        moved=len(told.order) - kept,
        added=max(0, len(records) - altered),
    )


def without(text: str, lines: Sequence[int]) -> str:
    """A text without some of its lines; a list of JSON objects stays one."""
    if not lines:
        return text
    kept = "\n".join(line for number, line in enumerate(text.split("\n")) if number not in lines)
    return re.sub(r",(\s*\]\s*)$", r"\1", kept).strip()


def accepted(text: str, fidelity: Fidelity) -> str:
    """A text without what tells no event: lines of records, sentences of prose."""
    if not fidelity.beside:
        return without(text, fidelity.foreign)
    text, begins = html.unescape(text), [end for _, end in ((0, 0), *fidelity.beside)]
    ends = [begin for begin, _ in fidelity.beside] + [len(text)]
    return "".join(text[begin:end] for begin, end in zip(begins, ends, strict=True)).strip()
