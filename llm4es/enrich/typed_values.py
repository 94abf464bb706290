"""Which writings of a value are the same value.

In: the text of one cell. Out: the values that it may stand for, each as a key that equals for equal values: a number
whatever its thousands separators, a date whatever its order where that leaves no doubt, else the text itself. A sign, a
unit, a currency, a word more or less make another value. Knows nothing of events and lines.
"""

import html
import re
import unicodedata
from datetime import date
from functools import lru_cache

from ..serialize.escaping import unescape

CACHED = 1 << 16
"""Cells whose readings are remembered: genres, codes and dates come again and again."""

LONGEST = 64
"""Characters of a number or a date; what is longer is text."""

MARKS = ("**", "__", "*", "_", "`", '"', "'")
"""What may stand around a value without being of it, on both sides alike: emphasis, code, quotation; not ~~struck~~."""

EMPTY = ('""', "''", "``")

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
    | dict.fromkeys("\u2018\u2019\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
    | {"\u2026": "..."}
)
_MONTH = {name: number for number, month in enumerate(MONTHS, 1) for name in (month, month[:3], month[:3] + ".")}
_CURRENCY = "$€£¥₽₹₩₺₴₸₪฿₫₱¢%"
_A_NUMBER = "\0number "
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_UNIT = re.compile(r"(.*[0-9]) ([^\W\d_]{1,16})")
_NUMBER = re.compile(r"(?:([0-9]{1,3}(?:([,' _])[0-9]{3})(?:\2[0-9]{3})*)|([0-9]+)|(?=\.[0-9]))(?:\.([0-9]+))?")
_NUMERIC = re.compile(r"([0-9]{1,4})([-/.])([0-9]{1,2})\2([0-9]{1,4})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?(?: of)? ([a-z]{3,9}\.?),? ([0-9]{4})")
_MONTH_FIRST = re.compile(r"([a-z]{3,9}\.?) ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")
_TIMED = re.compile(
    r"(.{8,30}?)(?:t|,? |,? at )([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?: ?([ap])\.?m\.?)?(?: ?(z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}))?"
)


@lru_cache(CACHED)
def key_of(value: str) -> str:
    """The key of an event's value, as the raw text has it (escaped). Numbers that it groups may be two: '101,102'."""
    text = unescape(value)
    return _bare(folded(text)) if _is_grouped(text) else _key(text)


@lru_cache(CACHED)
def spelled(value: str) -> str:
    """An event's value letter by letter, for fields that tell values apart by case or zeros."""
    return _bare(_plain(unescape(value)))


@lru_cache(CACHED)
def readings(told: str, exact: bool = False) -> frozenset[str]:
    """The keys of the values that a cell may stand for: as it stands, and with escapes undone. ``exact``: as spelled.

    Examples
    --------
    >>> key_of("1200.50") in readings("**1,200.5**"), key_of("1200") in readings("(1,200)")
    (True, False)
    >>> key_of("2024-01-05") in readings("January 5, 2024"), key_of("2024-01-05") in readings("05/01/2024")
    (True, False)
    >>> key_of("101,102") in readings("101102"), spelled("1.10") in readings("1.1", exact=True)
    (False, False)
    """
    texts = {told, unescape(told)} if "\\" in told else {told}
    if "&" in told:
        texts |= {html.unescape(text) for text in texts}
    if "<" in told:
        texts |= {_BREAK.sub(" ", text) for text in texts}
    if exact:
        return frozenset(_bare(_plain(text)) for text in texts)
    return frozenset(map(_key, texts)) | {_bare(folded(text)) for text in texts if _is_grouped(text)}


def is_number(told: str) -> bool:
    """Whether a cell is a number, with its sign or currency perhaps."""
    return any(reading.startswith(_A_NUMBER) for reading in readings(told))


def folded(text: str) -> str:
    """A text whatever its case, spaces and typography."""
    return _plain(text).casefold()


@lru_cache(CACHED)
def name_key(name: str) -> str:
    """A field's name whatever its case, and with blanks for underscores."""
    return _bare(folded(unescape(name)).replace("_", " "))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY).split())


def _is_grouped(text: str) -> bool:
    found = _NUMBER.search(text) if len(text) <= LONGEST else None
    return found is not None and found[1] is not None and found[2] is not None


def _key(value: str) -> str:
    text = _bare(folded(value))
    if not text or len(text) > LONGEST or not any("0" <= character <= "9" for character in text):
        return text
    return _quantity(text) or _date(text) or text


def _bare(text: str) -> str:
    """Without the marks around it, three deep; two quotes are nothing."""
    if text in EMPTY:
        return ""
    for _ in range(3):
        mark = next((mark for mark in MARKS if text.startswith(mark) and text.endswith(mark)), None)
        if mark is None or len(text) <= 2 * len(mark) or not text[len(mark) : -len(mark)].strip():
            break
        text = text[len(mark) : -len(mark)].strip()
    return text


def _quantity(text: str) -> str | None:
    """A number with its sign and its currency or percent; None: it is none."""
    unit = ""
    negative = text.startswith("-")
    rest = text.removeprefix("-")
    if rest and rest[0] in _CURRENCY:
        unit, rest = rest[0], rest[1:].removeprefix(" ")
        if rest.startswith("-") and not negative:
            negative, rest = True, rest[1:]
    elif rest and rest[-1] in _CURRENCY:
        unit, rest = rest[-1], rest[:-1].removesuffix(" ")
    elif found := _UNIT.fullmatch(rest):
        rest, unit = found.groups()
    found = _NUMBER.fullmatch(rest)
    if not found:
        return None
    grouped, separator, plain, fraction = found.groups()
    whole = grouped.replace(separator, "") if grouped else plain or "0"
    if len(whole) > 1 and whole.startswith("0"):
        return None  # a code, not a number
    fraction = (fraction or "").rstrip("0")
    return f"{_A_NUMBER}{'-' * negative}{whole}{'.' * bool(fraction)}{fraction} {unit}"


def _date(text: str) -> str | None:
    """A day, or a day and a time of it; None: it is none, or one of which days and months may be mistaken."""
    timed = _TIMED.fullmatch(text)
    day = _day(timed[1] if timed else text)
    if day is None:
        return None
    if not timed:
        return f"\0date {day}"
    hour, minute, second = int(timed[2]), int(timed[3]), int(timed[4] or 0)
    if timed[6]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (timed[6] == "p")
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = (timed[5] or "").rstrip("0")
    zone = (timed[7] or "").replace(":", "")
    zone = "+0000" if zone in ("z", "utc", "gmt") else zone
    return f"\0date {day} {hour:02}:{minute:02}:{second:02}.{fraction} {zone}"


def _day(text: str) -> date | None:
    """The day that a text names without doubt."""
    if found := _NUMERIC.fullmatch(text):
        first, _, second, third = found.groups()
        if len(first) == 4 and len(third) <= 2:
            return _valid(first, second, third)
        if len(third) != 4 or len(first) > 2:
            return None
        if int(first) > 12 or first == second:
            return _valid(third, second, first)
        return _valid(third, first, second) if int(second) > 12 else None
    if found := _DAY_FIRST.fullmatch(text):
        return _valid(found[3], _MONTH.get(found[2], 0), found[1])
    if found := _MONTH_FIRST.fullmatch(text):
        return _valid(found[3], _MONTH.get(found[1], 0), found[2])
    return None


def _valid(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
