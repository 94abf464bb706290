"""Ways in which an answer says just what its events say, written otherwise: each a function of one idea.

``SAME_VALUES`` write one value otherwise, ``SAME_RECORDS`` names and columns, ``SAME_TEXTS`` the whole answer. Each
gives None where it cannot be done.
"""

import datetime
import html
import json
import random
import re
import unicodedata
from collections.abc import Callable

from .altered_records import Change, Text
from .altered_values import Value
from .event_tables import Events, History


def _thousands(separator: str) -> Value:
    def grouped(_: random.Random, value: str) -> str:
        whole, point, fraction = value.partition(".")
        return f"{int(whole):,}".replace(",", separator) + point + fraction

    return grouped


def _moment(form: str) -> Value:
    def written(_: random.Random, value: str) -> str:
        moment = datetime.datetime.fromisoformat(value)
        return f"{moment:{form}}" + (f"{moment: %H:%M:%S}" if len(value) > 10 else "")

    return written


def _beyond_doubt(_: random.Random, value: str) -> str | None:
    year, month, day = value[:10].split("-")
    return f"{day}.{month}.{year}{value[10:]}" if int(day) > 12 else None


SAME_NUMBERS: dict[str, Value] = {
    "thousands with commas": _thousands(","),
    "thousands with blanks": _thousands(" "),
    "thousands with narrow blanks": _thousands("\u202f"),
    "zeros behind": lambda _, value: value + ("0" if "." in value else ".00"),
    "minus sign": lambda _, value: value.replace("-", "\u2212"),
    "code marks": lambda _, value: f"`{value}`",
}
SAME_DATES: dict[str, Value] = {
    "month's name": _moment("%B %d, %Y"),
    "day and month's name": _moment("%d %b %Y"),
    "slashes": _moment("%Y/%m/%d"),
    "day first beyond doubt": _beyond_doubt,
}
SAME_WORDS: dict[str, Value] = {
    "upper case": lambda _, value: value.upper() if value.upper().casefold() == value.casefold() else None,
    "decomposed": lambda _, value: unicodedata.normalize("NFD", value),
    "two blanks": lambda _, value: value.replace(" ", "  "),
    "no-break blanks": lambda _, value: value.replace(" ", "\u00a0"),
    "round quotes": lambda _, value: value.replace("'", "\u2019"),
    "bold": lambda _, value: f"**{value}**" if value else None,
    "quoted": lambda _, value: f'"{value}"' if value else None,
    "entities": lambda _, value: html.escape(value, quote=False),
}
SAME_VALUES: dict[str, dict[str, Value]] = {
    "number": SAME_NUMBERS, "date": SAME_DATES, "time": {**SAME_DATES, "T": lambda _, value: value.replace(" ", "T")},
    "text": SAME_WORDS,
}  # fmt: skip


def _names(change: Callable[[str], str]) -> Change:
    return lambda _, history: ([change(name) for name in history.names], history.events)


def _columns(draw: random.Random, history: History) -> tuple[list[str], Events]:
    order = draw.sample(range(len(history.names)), len(history.names))
    return [history.names[at] for at in order], [[event[at] for at in order] for event in history.events]


SAME_RECORDS: dict[str, Change] = {
    "as it is": lambda _, history: (history.names, history.events),
    "names in small letters": _names(str.lower),
    "names in capitals": _names(str.upper),
    "names with underscores": _names(lambda name: name.replace(" ", "_")),
    "names in bold": _names(lambda name: f"**{name}**"),
    "fields in another order": _columns,
}


def _of(form: str, change: Callable[[str], str]) -> Text:
    """For answers that begin so: '|' a table, '-' a list, '[' JSON."""
    return lambda _, text: change(text) if text.startswith(form) else None


def _counted(text: str) -> str:
    return "\n".join(f"{number}. {line[2:]}" for number, line in enumerate(text.split("\n"), 1))


SAME_TEXTS: dict[str, Text] = {
    "fence": lambda _, text: f"```\n{text}\n```",
    "fence with a language": lambda _, text: f"Sure, here it is:\n\n```json\n{text}\n```\n\nI kept every record.",
    "preamble": lambda _, text: f"Here are the records, all 8 of them:\n\n{text}",
    "closing remark": lambda _, text: f"{text}\n\nAll records are kept in order.",
    "carriage returns": lambda _, text: text.replace("\n", "\r\n"),
    "blank lines": lambda _, text: text.replace("\n", "\n\n"),
    "blanks at the ends": lambda _, text: text.replace("\n", "  \n") + "  ",
    "no outer pipes": _of("|", lambda text: "\n".join(line[2:-2] for line in text.split("\n"))),
    "no header": _of("|", lambda text: text.split("\n", 2)[2]),
    "narrow cells": _of("|", lambda text: re.sub(r" ?(?<!\\)\| ?", "|", text)),
    "aligned": _of("|", lambda text: text.replace("---|", ":--:|").replace("|---", "|--:")),
    "a dot at the end": _of("-", lambda text: text.replace("\n", ".\n") + "."),
    "other bullets": _of("-", lambda text: re.sub("^- ", "* ", text, flags=re.MULTILINE)),
    "round bullets": _of("-", lambda text: re.sub("^- ", "• ", text, flags=re.MULTILINE)),
    "numbered": _of("-", _counted),
    "indented": _of("-", lambda text: "  " + text.replace("\n", "\n  ")),
    "JSON indented": _of("[", lambda text: json.dumps(json.loads(text), indent=2)),
    "JSON in small": _of("[", lambda text: json.dumps(json.loads(text), separators=(",", ":"))),
    "JSON lines": _of("[", lambda text: "\n".join(map(json.dumps, json.loads(text)))),
    "JSON under a name": _of("[", lambda text: json.dumps({"records": json.loads(text)}, indent=1)),
    "JSON without a list": _of("[", lambda text: "\n".join(json.dumps(each, indent=2) for each in json.loads(text))),
    "numbers as such": _of("[", lambda text: re.sub(r'"(-?[1-9][0-9]*(?:\.[0-9]+)?)"', r"\1", text)),
    "null for nothing": _of("[", lambda text: text.replace(': ""', ": null")),
}
