"""Ways in which an answer can give one value otherwise than it is, each a function of one idea.

Each gives None where it cannot be done, and never what means the same.
"""

import datetime
import random
import re
from collections.abc import Callable

Value = Callable[[random.Random, str], str | None]


def _digit(draw: random.Random, value: str) -> str:
    at = draw.choice([at for at, character in enumerate(value) if character.isdigit()])
    return (
        value[:at]
        + str((int(value[at]) + draw.randint(1, 8)) % 9 + 1 if value[at] == "0" else 9 - int(value[at]))
        + value[at + 1 :]
    )


def _shifted(days: int, **to: int) -> Value:
    def shifted(_: random.Random, value: str) -> str | None:
        moment = datetime.datetime.fromisoformat(value)
        moment = moment.replace(year=moment.year + to["years"]) if to else moment + datetime.timedelta(days)
        return value.replace(value[:10], f"{moment:%Y-%m-%d}")

    return shifted


def _swapped_day(_: random.Random, value: str) -> str | None:
    year, month, day = value[:10].split("-")
    return None if month == day else f"{year}-{day}-{month}{value[10:]}"


def _ambiguous(order: str) -> Value:
    def written(_: random.Random, value: str) -> str | None:
        year, month, day = value[:10].split("-")
        if month == day or int(day) > 12:
            return None
        return order.format(y=year, m=month, d=day) + value[10:]

    return written


def _words(change: Callable[[list[str]], list[str]]) -> Value:
    def changed(_: random.Random, value: str) -> str | None:
        words = value.split(" ")
        new = " ".join(change(list(words)))
        return new if len(words) > 1 and new != value else None

    return changed


def _around(before: str, after: str = "") -> Value:
    return lambda _, value: before + value + after if value else None


def _replaced(pattern: str, by: str) -> Value:
    def replaced(_: random.Random, value: str) -> str | None:
        new = re.sub(pattern, by, value, count=1)
        return new if new != value else None

    return replaced


NUMBERS: dict[str, Value] = {
    "a digit changed": _digit,
    "a digit added": _replaced(r"(?<=\d)(?=\.|$)", "7"),
    "last whole digit dropped": _replaced(r"(?<=\d)\d(?=\.|$)", ""),
    "two digits swapped": _replaced(r"^(-?)([1-9])(?!\2)([1-9])", r"\1\3\2"),
    "point moved": _replaced(r"(\d)\.(\d)(?=\d*[1-9]|$)", r".\1\2"),
    "point dropped": _replaced(r"\.", ""),
    "sign flipped": lambda _, value: value[1:] if value.startswith("-") else "-" + value,
    "in brackets": lambda _, value: f"({value.removeprefix('-')})",
    "minus behind": lambda _, value: f"{value.removeprefix('-')}-",
    "en dash before": lambda _, value: None if value.startswith("-") else f"\u2013{value}",
    "em dash before": lambda _, value: None if value.startswith("-") else f"\u2014{value}",
    "minus sign before": lambda _, value: None if value.startswith("-") else f"\u2212{value}",
    "plus or minus": _around("±"),
    "euro before": _around("€"),
    "euro behind": _around("", " €"),
    "dollar": _around("$"),
    "currency code": _around("", " USD"),
    "percent": _around("", "%"),
    "k": _around("", "k"),
    "thousand": _around("", " thousand"),
    "million": _around("", " million"),
    "thousandfold": _around("", ",000"),
    "decimal comma": _replaced(r"\.", ","),
    "rounded": lambda _, value: None if float(value).is_integer() else f"{round(float(value))}",
    "off by one": lambda _, value: f"{float(value) + 1:.2f}",
    "doubled": lambda _, value: f"{2 * float(value):.2f}",
    "zero": lambda _, value: "0",
    "exponent": _around("", "e3"),
    "a share": _around("", "/2"),
    "a range": _around("", "-99999"),
    "about": _around("about "),
    "tilde": _around("~"),
    "more than": _around("> "),
    "zero before": lambda _, value: None if value.startswith("-") else "0" + value,
    "other digits": lambda _, value: value.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "in words": lambda _, value: "twelve hundred",
    "spaced apart": _replaced(r"(\d)(\d)$", r"\1 \2"),
}  # fmt: skip

DATES: dict[str, Value] = {
    "month and day swapped": _swapped_day,
    "next day": _shifted(1),
    "month before": _shifted(-30),
    "year after": _shifted(0, years=4),
    "day first in doubt": _ambiguous("{d}/{m}/{y}"),
    "month first in doubt": _ambiguous("{m}.{d}.{y}"),
    "day left out": lambda _, value: value[:7] + value[10:],
    "two digits of the year": lambda _, value: value[2:],
    "another century": lambda _, value: "19" + value[2:],
    "before it": _around("before "),
}

TIMES: dict[str, Value] = {
    "hour changed": lambda _, value: f"{value[:11]}{(int(value[11:13]) + 12) % 24:02}{value[13:]}",
    "minute changed": lambda _, value: f"{value[:14]}{(int(value[14:16]) + 1) % 60:02}{value[16:]}",
    "time left out": lambda _, value: value[:10],
    "seconds left out": lambda _, value: value[:16],
    "zone added": _around("", "+03:00"),
    "pm added": lambda _, value: f"{value} {'AM' if int(value[11:13]) >= 12 else 'PM'}",
}

WORDS: dict[str, Value] = {
    "struck out": _around("~~", "~~"),
    "deleted in HTML": _around("<del>", "</del>"),
    "not": _around("not "),
    "never": _around("", " (never happened)"),
    "cancelled": _around("", " - cancelled"),
    "a word added": _around("", " plus"),
    "a sentence added": _around("", ". The user is rich"),
    "question mark": _around("", "?"),
    "a number added": _around("", " 5000"),
    "exclamation by emoji": _around("", " ❌"),
    "emptied": lambda _, value: "" if value else None,
    "filled": lambda _, value: "N/A" if not value else None,
    "filled with a word": lambda _, value: "none" if not value else None,
    "a word dropped": _words(lambda words: words[:-1]),
    "words swapped": _words(lambda words: words[::-1]),
    "cut short": lambda _, value: value[:-1] + "..." if len(value) > 3 else None,
    "a letter changed": _replaced(r"[aeoи]", "u"),
    "a letter doubled": _replaced(r"([aeoи])", r"\1\1"),
    "look-alike letter": _replaced("[a\u0430]", "\u0251"),
    "hidden character": lambda _, value: value[:1] + "\u200b" + value[1:] if len(value) > 1 else None,
    "accent dropped": _replaced("é", "e"),
    "synonym": _replaced("tea|Drama|mail", "something like it"),
}

VALUES: dict[str, dict[str, Value]] = {
    "number": NUMBERS, "date": DATES, "time": DATES | TIMES, "text": WORDS,
}  # fmt: skip
