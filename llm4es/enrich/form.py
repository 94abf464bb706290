"""What a structured rewriting may look like: what is fixed in it, and what a model is left to say.

In: a history, a format, which fields may be said in other words, a seed. Out: a ``Form``: a regular expression of what
a model is asked for, and how its answer becomes the whole rewriting. Fields, events and values are fixed; free are the
order of the fields, of some that the seed draws, and the words of fields that may be paraphrased. Words that may not
stand for their value are put back to it. Knows no engine.
"""

import math
import random
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..serialize.formats import ParsedHistory, TextFormat, write
from .paraphrase import SHUT, may_stand_for, room, words_of

VERSION = 1
"""Raised when another form would be asked for: part of the rows' configuration."""

ORDERS = 6
"""Orders of the fields that a model chooses from, the history's own among them."""

Events = tuple[tuple[str, ...], ...]

_OPEN = "\ue000"
"""Stands where a paraphrase will, while a text is written; histories that hold it themselves are copied."""


@dataclass(frozen=True)
class Completed:
    """A whole rewriting."""

    text: str
    """Its words."""

    events: Events
    """The events with the paraphrases in place of their values, escaped, fields in the history's own order."""


@dataclass(frozen=True)
class Way:
    """The fields in one order."""

    order: tuple[int, ...]
    """The fields, as numbers of the history's own."""

    asked: tuple[str, ...]
    """What is fixed of the answer; between two of them stands a paraphrase."""

    free: tuple[tuple[int, int, int], ...]
    """Event and field of each paraphrase, and how many characters it may have."""

    def pattern(self, groups: bool = False) -> str:
        """Regular expression of the answers; with each paraphrase a group where wanted."""
        first, *others = map(_escaped, self.asked)
        spans = [f"[^ \\-{SHUT}][^{SHUT}]{{0,{most - 1}}}" for _, _, most in self.free]
        return first + "".join(map(str.__add__, (f"({span})" for span in spans) if groups else spans, others))


@dataclass(frozen=True)
class Form:
    """The rewritings that a model may give of some events."""

    history: ParsedHistory
    """The events, as they are."""

    format: TextFormat
    """How they are written."""

    ways: tuple[Way, ...]
    """One an order of fields."""

    others: tuple[frozenset[str], ...] = ()
    """For each field the words of its values: a paraphrase that has one of another event's says something else."""

    @property
    def pattern(self) -> str:
        """Regular expression of the answers, as Python, Rust and servers read it."""
        return f"(?:{'|'.join(way.pattern() for way in self.ways)})"

    def complete(self, answer: str) -> Completed | None:
        """The rewriting that an answer stands for; None: it is of another form.

        Examples
        --------
        >>> history = ParsedHistory(("What", "Price"), (("tea", "3"), ("rice", "4")))
        >>> form = form_of(history, TextFormat.MARKDOWN_TABLE)
        >>> form.pattern
        '(?:\\\\| What \\\\||\\\\| Price \\\\|)'
        >>> print(form.complete("| Price |").text, end="")
        | Price | What |
        | --- | --- |
        | 3 | tea |
        | 4 | rice |
        """
        for way in self.ways:
            if found := re.fullmatch(way.pattern(groups=True), answer):
                events = [list(event) for event in self.history.events]
                for (at, field, most), words in zip(way.free, found.groups(), strict=True):
                    if len(words) < most and may_stand_for(words.strip(), events[at][field], self.others[field]):
                        events[at][field] = words.strip()
                told = tuple(map(tuple, events))
                return Completed(_written(ParsedHistory(self.history.headers, told), self.format, way.order), told)
        return None


def form_of(
    history: ParsedHistory,
    format: TextFormat,
    paraphrase: Collection[str] = (),
    seed: int | str = 0,
    whole: ParsedHistory | None = None,
) -> Form:
    """The rewritings of a history in a format that a model may choose from.

    Parameters
    ----------
    history : ParsedHistory
        The events; at least one.
    format : TextFormat
        A table, a list or JSON: a format with a line an event.
    paraphrase : collection of str, default ()
        Names of the fields, as the text has them, whose values may be said in other words. Values with a digit never
        are.
    seed : int or str, default 0
        Draws the orders of fields that stand to choice.
    whole : ParsedHistory, default None
        What ``history`` is a part of: words that no paraphrase may borrow are its too.

    Returns
    -------
    Form
        Its ``pattern`` is what to ask for.
    """
    orders = list(_orders(history.headers, seed))
    ways = tuple(_way(history, format, order, _telling(order, orders), paraphrase) for order in orders)
    return Form(history, format, ways, words_of((whole or history).events) if paraphrase else ())


def _orders(headers: tuple[str, ...], seed: int | str) -> Iterator[tuple[int, ...]]:
    """The fields' own order, and others; names that stand twice could not be told apart elsewhere."""
    own = tuple(range(len(headers)))
    many = min(ORDERS, math.factorial(min(len(headers), ORDERS))) if len(set(headers)) == len(headers) else 1
    draw, seen = random.Random(seed), {own}  # noqa: S311 - no secret
    yield own
    while len(seen) < many:
        order = tuple(draw.sample(own, len(own)))
        if order not in seen:
            seen.add(order)
            yield order


def _telling(order: tuple[int, ...], orders: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The first fields of an order that no other one begins with."""
    others = [other for other in orders if other != order]
    size = next(size for size in range(1, len(order) + 1) if all(other[:size] != order[:size] for other in others))
    return order[:size]


def _way(
    history: ParsedHistory,
    format: TextFormat,
    order: tuple[int, ...],
    telling: tuple[int, ...],
    paraphrase: Collection[str],
) -> Way:
    """The form with the fields in that order; what is asked for ends where nothing after it is free."""
    copied = any(_OPEN in value for row in (history.headers, *history.events) for value in row)
    open_fields = [] if copied else [field for field in order if history.headers[field] in paraphrase]
    free = tuple(
        (at, field, room(event[field]))
        for at, event in enumerate(history.events)
        for field in open_fields
        if room(event[field])
    )
    places = {(at, field) for at, field, _ in free}
    events = tuple(
        tuple(_OPEN if (at, field) in places else value for field, value in enumerate(event))
        for at, event in enumerate(history.events)
    )
    fixed = _written(ParsedHistory(history.headers, events), format, order).split(_OPEN)
    if free:
        fixed[-1] = fixed[-1].partition("\n")[0]  # a line's end says that the paraphrase is over
        return Way(order, tuple(fixed), free)
    first = ParsedHistory(history.headers, () if format is TextFormat.MARKDOWN_TABLE else history.events[:1])
    shortest = _written(first, format, telling).partition("\n|")[0]
    return Way(order, (shortest.removesuffix("}\n]").rstrip("\n"),), ())


def _written(history: ParsedHistory, format: TextFormat, order: tuple[int, ...]) -> str:
    """A history with its fields in some order; a list without the line that is no event."""
    headers = tuple(history.headers[field] for field in order)
    events = tuple(tuple(event[field] for field in order) for event in history.events)
    written = write(ParsedHistory(headers, events), format)
    return written.text.removeprefix(written.opening) if format is TextFormat.BULLET_LIST else written.text


def _escaped(text: str) -> str:
    """A text as a regular expression that stands for it alone, in every dialect."""
    return re.sub(r"[\\.^$*+?()\[\]{}|/]", r"\\\g<0>", text).replace("\n", r"\n").replace("\r", r"\r")
