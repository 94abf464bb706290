"""Ways in which an answer can say something else than its records, besides single values: each a function of one idea.

``RECORDS`` alter cells, records and fields, ``TEXTS`` the written answer. Each gives None where it cannot be done, and
never what means the same.
"""

import json
import random
from collections.abc import Callable

from .event_tables import Events, History

Change = Callable[[random.Random, History], tuple[list[str], Events] | None]
Text = Callable[[random.Random, str], str | None]

OTHER_DIGITS = str.maketrans("0123456789", "1234567890")


def _copy(history: History) -> tuple[list[str], Events]:
    return list(history.names), [list(event) for event in history.events]


def _cells_swapped(draw: random.Random, history: History) -> tuple[list[str], Events] | None:
    names, events = _copy(history)
    event = draw.choice(events)
    one, two = draw.sample(range(len(names)), 2)
    if event[one] == event[two]:
        return None
    event[one], event[two] = event[two], event[one]
    return names, events


def _numbers_exchanged(draw: random.Random, history: History) -> tuple[list[str], Events] | None:
    names, events = _copy(history)
    if len(fields := history.fields("number")) < 2:
        return None
    one, two = fields[:2]
    event = draw.choice(events)
    event[one], event[two] = event[two], event[one]
    return (names, events) if events != history.events else None


def _column(change: Callable[[random.Random, list[str]], list[str]]) -> Change:
    def changed(draw: random.Random, history: History) -> tuple[list[str], Events] | None:
        names, events = _copy(history)
        at = draw.randrange(len(names))
        for event, value in zip(events, change(draw, [event[at] for event in events]), strict=True):
            event[at] = value
        return (names, events) if events != history.events else None

    return changed


def _two_of_a_column(draw: random.Random, values: list[str]) -> list[str]:
    one, two = draw.sample(range(len(values)), 2)
    values[one], values[two] = values[two], values[one]
    return values


def _rows(change: Callable[[random.Random, Events], Events]) -> Change:
    def changed(draw: random.Random, history: History) -> tuple[list[str], Events] | None:
        names, events = _copy(history)
        events = change(draw, events)
        return (names, events) if events != history.events else None

    return changed


def _two_rows(draw: random.Random, events: Events) -> Events:
    one, two = draw.sample(range(len(events)), 2)
    events[one], events[two] = events[two], events[one]
    return events


def _invented(draw: random.Random, events: Events) -> Events:
    events.insert(draw.randint(0, len(events)), [*draw.choice(events)[:-1], "2031-01-01"])
    return events


def _names_exchanged(draw: random.Random, history: History) -> tuple[list[str], Events] | None:
    names, events = _copy(history)
    one, two = draw.sample(range(len(names)), 2)
    if all(event[one] == event[two] for event in events):
        return None
    names[one], names[two] = names[two], names[one]
    return names, events


def _name(change: Callable[[str], str]) -> Change:
    def changed(draw: random.Random, history: History) -> tuple[list[str], Events]:
        names, events = _copy(history)
        at = draw.randrange(len(names))
        names[at] = change(names[at])
        return names, events

    return changed


def _field_dropped(draw: random.Random, history: History) -> tuple[list[str], Events]:
    names, events = _copy(history)
    at = draw.randrange(len(names))
    return names[:at] + names[at + 1 :], [event[:at] + event[at + 1 :] for event in events]


def _named_in_cell(draw: random.Random, history: History) -> tuple[list[str], Events]:
    names, events = _copy(history)
    at = draw.randrange(len(names))
    event = draw.choice(events)
    event[at] = f"{names[at]} {event[at]}"
    return names, events


RECORDS: dict[str, Change] = {
    "two cells of a row swapped": _cells_swapped,
    "two number fields exchanged": _numbers_exchanged,
    "a field's values swapped between rows": _column(_two_of_a_column),
    "a field moved down a row": _column(lambda _, values: values[-1:] + values[:-1]),
    "a field turned round": _column(lambda _, values: values[::-1]),
    "first value in every row": _column(lambda _, values: values[:1] * len(values)),
    "5000 in every row": _column(lambda _, values: ["5000"] * len(values)),
    "a record left out": _rows(lambda draw, events: events[: (at := draw.randrange(len(events)))] + events[at + 1 :]),
    "all but the first left out": _rows(lambda _, events: events[:1]),
    "a record twice": _rows(lambda draw, events: [*events, draw.choice(events)]),
    "a record in another's place": _rows(lambda _, events: [events[-1], *events[1:]]),
    "a record invented": _rows(_invented),
    "a row of totals": _rows(lambda _, events: [*events, ["Total", *["99999"] * (len(events[0]) - 1)]]),
    "two records swapped": _rows(_two_rows),
    "newest first": _rows(lambda _, events: events[::-1]),
    "two names exchanged": _names_exchanged,
    "a name changed": _name(lambda name: name + "s"),
    "a unit in a name": _name(lambda name: name + " (thousand)"),
    "not in a name": _name(lambda name: "No " + name),
    "a field left out": _field_dropped,
    "a field added": lambda _, h: ([*h.names, "Note"], [[*event, "fraud"] for event in h.events]),
    "a name within a cell": _named_in_cell,
}


def _line(change: Callable[[str], str]) -> Text:
    """One record's line changed."""

    def changed(draw: random.Random, text: str) -> str | None:
        lines = text.replace("}, {", "},\n{").replace("[{", "[\n{").replace("}]", "}\n]").split("\n")
        records = [at for at, line in enumerate(lines) if line[:1] in "|-{" and "---" not in line][
            text.startswith("|") :
        ]
        at = draw.choice(records)
        body, comma = lines[at].removesuffix(","), "," * lines[at].endswith(",")
        lines[at] = change(body) + comma
        return "\n".join(lines)

    return changed


def _object(change: Callable[[str, str], str]) -> Text:
    """A field of a JSON object changed; None: it is no JSON."""

    def changed(draw: random.Random, text: str) -> str | None:
        if not text.startswith("["):
            return None
        name, value = draw.choice(list(draw.choice(json.loads(text)).items()))
        pair = f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        return text.replace(pair, change(name, value), 1)

    return changed


def _rows_under(between: str, behind: bool = False) -> Text:
    """A table's rows as they are, and its header in another order over them, or behind them."""

    def changed(_: random.Random, text: str) -> str | None:
        if not text.startswith("|"):
            return None
        names, *rows = [line[2:-2].split(" | ") for line in text.split("\n") if "---" not in line]
        header, lines = " | ".join(names[1:] + names[:1]), [between.join(row) for row in rows]
        return "\n".join([*lines, header] if behind else [header, *lines])

    return changed


TEXTS: dict[str, Text] = {
    "another header over values between commas": _rows_under(", "),
    "another header over values between semicolons": _rows_under("; "),
    "another header over values between dashes": _rows_under(" - "),
    "another header behind the rows": _rows_under(" | ", behind=True),
    "a minus behind every value": lambda _, text: text.replace("; ", "- ") if text.startswith("-") else None,
    "a record struck out": _line(lambda line: f"~~{line}~~"),
    "a record in a comment": _line(lambda line: f"<!-- {line} -->"),
    "words behind a record": _line(lambda line: f"{line} which never happened"),
    "words before a record": _line(lambda line: f"Not true: {line}"),
    "two records on a line": _line(lambda line: f"{line} {line}"),
    "a record cut off": _line(lambda line: line[: len(line) // 2]),
    "a second answer": lambda _, text: f"{text}\n\nCorrected:\n{text.translate(OTHER_DIGITS)}",
    "a key twice": _object(lambda name, value: f'"{name}": "5000", {json.dumps(name)}: {json.dumps(value)}'),
    "an object in a field": _object(lambda name, value: f'{json.dumps(name)}: {json.dumps({"is": value})}'),
    "a list in a field": _object(lambda name, value: f"{json.dumps(name)}: {json.dumps([value])}"),
    "NaN": _object(lambda name, _: f"{json.dumps(name)}: NaN"),
    "null": _object(lambda name, value: f"{json.dumps(name)}: {'null' if value else '0'}"),
    "true": _object(lambda name, _: f"{json.dumps(name)}: true"),
}  # fmt: skip
