"""Histories of many kinds by lot, and rewritings of them: for the check's tests and ``benchmarks/alterations.py``."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from llm4es.enrich.fidelity import Fidelity, check
from llm4es.enrich.tidy import tidied
from llm4es.serialize.escaping import escape

Events = list[list[str]]


@dataclass(frozen=True)
class History:
    """Some events: names of fields, what each field holds, and values as they are meant (not escaped)."""

    names: list[str]
    kinds: list[str]
    events: Events

    def fields(self, kind: str) -> list[int]:
        """Which fields hold that: 'number', 'date', 'time', 'text'."""
        return [at for at, of in enumerate(self.kinds) if of == kind]


TITLES = [
    "Seven (Se7en)", "2001: A Space Odyssey", "1941", "Tea | Milk", "Dr. No", "Rating: good", "C:\\temp", "Amélie", "M",
    "Heat, The", "Up & Down", "It's_a_*star*", "Fee: 3; Amount", "Schindler's List", "Title - Year", '"Up"',
]  # fmt: skip
SHOPS = ["Café Zoë", "tea room", "7-Eleven", "Amount", "Day: Night", "refund, partly", "Ünal | Söhne", "cash (ATM 12)"]
CITIES = ["Москва", "Санкт-Петербург", "São Paulo", "東京", "Łódź", "Αθήνα", "Ёлкино 2", "naïve 🙂 shop"]


def _number(draw: random.Random, signed: bool = False) -> str:
    sign = "-" if signed and draw.random() < 0.4 else ""
    return sign + draw.choice(
        [f"{draw.randint(1, 99999)}", f"{draw.randint(100, 99999) / 100:.2f}", f"{draw.randint(2, 99)}.5"]
    )


def _day(draw: random.Random) -> str:
    return f"20{draw.randint(10, 25)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"


def _time(draw: random.Random) -> str:
    return f"{_day(draw)} {draw.randint(0, 23):02}:{draw.randint(0, 59):02}:{draw.randint(1, 59):02}"


def history(draw: random.Random) -> History:
    """A history of a kind by lot, 3 to 8 events, some equal, some with nothing in a field."""
    kind, size = draw.randrange(4), draw.randint(3, 8)
    if kind == 0:
        names, kinds = ["Day", "Shop", "Amount", "Fee"], ["date", "text", "number", "number"]
        events = [[_day(draw), draw.choice(SHOPS), _number(draw, True), _number(draw)] for _ in range(size)]
    elif kind == 1:
        names, kinds = ["Title", "Year", "Genres", "Rated at"], ["text", "number", "text", "time"]
        genres = ["Drama", "Drama, War", "Comedy", ""]
        events = [
            [draw.choice(TITLES), str(draw.randint(1930, 2024)), draw.choice(genres), _time(draw)] for _ in range(size)
        ]
    elif kind == 2:
        names, kinds = ["Page", "Visits", "Referrer", "Last seen"], ["text", "number", "text", "date"]
        events = [
            [
                f"/item/{draw.randint(1, 99)}?q=a|b",
                str(draw.randint(1, 5000)),
                draw.choice(["", "mail", "Visits"]),
                _day(draw),
            ]
            for _ in range(size)
        ]
    else:
        names, kinds = ["Город", "Сумма (₽)", "user_rating", "When"], ["text", "number", "number", "time"]
        events = [[draw.choice(CITIES), _number(draw, True), str(draw.randint(1, 5)), _time(draw)] for _ in range(size)]
    if draw.random() < 0.3:
        events.append(list(draw.choice(events)))
    return History(names, kinds, events)


def table(names: Sequence[str], events: Events) -> str:
    """As a Markdown table."""
    rows = [[cell.replace("\n", " ") for cell in row] for row in events]
    lines = [" | ".join(escape(name) for name in names), "|".join(["---"] * len(names))]
    return "\n".join(f"| {line} |" for line in [*lines, *(" | ".join(map(_cell, row)) for row in rows)])


def bullets(names: Sequence[str], events: Events) -> str:
    """As a list of 'name: value'."""
    return "\n".join(
        "- " + "; ".join(f"{name}: {_cell(cell)}" for name, cell in zip(names, row, strict=True)) for row in events
    )


def objects(names: Sequence[str], events: Events) -> str:
    """As JSON."""
    return json.dumps([dict(zip(names, row, strict=True)) for row in events], ensure_ascii=False)


def _cell(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|")


FORMS = {"table": table, "bullets": bullets, "json": objects}


def judged(told: History, text: str) -> Fidelity:
    """What the check says of an answer."""
    events = [[escape(value) for value in event] for event in told.events]
    return check(events, tidied(text), names=[escape(name) for name in told.names], by_line=True)
