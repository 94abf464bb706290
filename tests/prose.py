"""Histories told in prose, faithfully and otherwise: for the check's tests and ``benchmarks/alterations.py``."""

import random

from llm4es.enrich.fidelity import Fidelity, check
from llm4es.enrich.tidy import tidied
from llm4es.serialize.escaping import escape

from .altered_records import Text
from .event_tables import Events, History

OPENINGS = ("the customer had", "there was", "they noted", "this was recorded:")


def prose(names: list[str], events: Events) -> str:
    """A sentence an event."""
    said = []
    for at, event in enumerate(events):
        pairs = [f"{name} {value}" for name, value in zip(names, event, strict=True) if value]
        said.append(f"Then {OPENINGS[at % len(OPENINGS)]} {', '.join(pairs[:-1])} and {pairs[-1]}.")
    return "\n".join(said)


def judged_prose(told: History, text: str) -> Fidelity:
    """What the check says of an answer in prose."""
    events = [[escape(value) for value in event] for event in told.events]
    return check(events, tidied(text), names=[escape(name) for name in told.names])


def _sentence(before: str, after: str) -> Text:
    """Something in place of the first words of a sentence."""

    def changed(draw: random.Random, text: str) -> str | None:
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        lines[at] = lines[at].replace(before, after, 1)
        return "\n".join(lines) if "\n".join(lines) != text else None

    return changed


PROSE_TEXTS: dict[str, Text] = {
    "never": _sentence("Then", "Never"),
    "did not have": _sentence("the customer had", "the customer didn't have"),
    "there was no": _sentence("there was", "there was no"),
    "it was cancelled": _sentence(".", ", which was cancelled."),
    "twice": _sentence("Then", "Then, twice,"),
    "all amounts doubled": _sentence(".", ", doubled later."),
    "in thousands": _sentence(".", " (in thousands)."),
    "a name": _sentence(".", ", at Starbucks."),
    "a number of its own": _sentence(".", ", with a tip of 17."),
    "a date of its own": _sentence(".", ", until 2031-05-05."),
    "a currency": _sentence(" and ", " € and "),
    "a long story": _sentence(".", ", and as everybody knows " + "so they went on to tell it once more " * 5 + "."),
    "an event with a number": lambda _, text: f"{text}\nThen they paid 77.70 for shoes.",
    "an event with another's values": lambda _, text: f"{text}\nThen once more {text.splitlines()[0][5:40]}.",
    "struck out": lambda _, text: f"~~{text}~~",
    "a claim of doubt": _sentence("Then", "In a dream"),
    "planned alone": _sentence("the customer had", "the customer planned to have"),
    "in euros": _sentence(".", ", in euros."),
    "every month": _sentence(".", ", every month."),
    "all denied": lambda _, text: f"{text}\nNone of this happened.",
}
"""What the check of words is to see."""

UNSEEN: dict[str, Text] = {
    "an opinion": _sentence(".", ", to much delight."),
    "an invented deed without digits and names": _sentence(".", ", and they also bought shoes."),
    "on behalf of another": _sentence(".", ", for a neighbour."),
}
"""What it cannot see."""
