"""A line of a rewriting as the cells of one record: a row of a table, a JSON object, or a list of 'name: value'.

In: one line and the names of the fields. Out: what it says for each field, in the fields' order, every way it can be
read. Knows no events' values, but where a line's values may hold names of fields they are asked for.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..serialize.escaping import unescape
from .typed_values import name_key

Cells = Sequence[str]
Says = Callable[[int, str], bool]
"""Whether a text says the value of a field."""

Place = tuple[int, int, int]
"""Where a field's name begins, where its value begins, and which field it is."""

BETWEEN = ("; ", ", ", " - ")
"""What may stand between values without names, besides '|'."""

DASHES = frozenset("-+\u2013\u2014")
"""Bullets that are signs too where a number stands behind them."""

_BULLET = re.compile(r"([-*+•\u2013\u2014]) ")
_COUNT = re.compile(
    r"\*{0,2}(?:(?:record|event|entry|row|item) #?)?\(?([0-9]{1,6})(?:[.):]\*{0,2}|\*{2}[.):]) ", re.IGNORECASE
)
ENDS = frozenset(";,|.·")
"""What may stand behind a value that has a name."""

_BEFORE_NAMES = (" -", " \u2013", " \u2014")
"""What stands between fields with a blank before it: right behind a number it is that number's sign."""

_AROUND = r"[*_\"'`]{0,3}"


@dataclass(frozen=True)
class Mark:
    """What a line of a list begins with."""

    kind: str = ""
    """The bullet, '1' for a number, '' for none."""

    number: int = 0
    """The number of a numbered line."""


def marked(line: str, counted: int) -> tuple[Mark, list[str]]:
    """What a line of a list begins with, and what may be the record in it; ``counted`` is the line before's number.

    Examples
    --------
    >>> marked("- Record 2: tea", 1)
    (Mark(kind='1', number=2), ['tea', 'Record 2: tea', '- Record 2: tea'])
    """
    bullet = _BULLET.match(line)
    rest = line[bullet.end() :].lstrip() if bullet else line
    count = _COUNT.match(rest)
    number = int(count[1]) if count else 0
    if count is None or number not in (0, 1, counted + 1):  # a number that counts nothing is of the record
        return Mark(bullet[1] if bullet else ""), list(dict.fromkeys((rest, line)))
    return Mark("1", number), list(dict.fromkeys((rest[count.end() :].lstrip(), rest, line)))


def row_cells(line: str, fields: int) -> Iterator[Cells]:
    """The cells of a row, where it has as many as there are fields; the outer pipes are no cells."""
    for cells in {tuple(_split_at_pipes(line)), tuple(line.split(" | "))}:
        begins, ends = not cells[0].strip(), not cells[-1].strip()
        for first, last in {(begins, ends), (False, False)}:
            if len(cells) - first - last == fields:
                yield cells[first : len(cells) - last]


def object_cells(line: str, names: Sequence[str]) -> Iterator[Cells]:
    """The values of a JSON object that has the fields' own names, each once, and no object or list in it."""
    pairs = json_object(line.strip().removeprefix("[").removesuffix("]").strip().rstrip(","))
    if pairs is None or len(pairs) != len(names):
        return
    values = [_plain(value) for _, value in pairs]
    if any(value is None for value in values):
        return
    keys, own = [name_key(name) for name, _ in pairs], [name_key(name) for name in names]
    if keys == own:
        yield [str(value) for value in values]
    elif sorted(keys) == sorted(own) and len(set(own)) == len(own):
        yield [str(values[keys.index(name)]) for name in own]


def json_object(text: str) -> list[tuple[str, Any]] | None:
    """Names and values of a JSON object in order, doubles too, numbers as written; None: it is none."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        pairs = json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return pairs if all(isinstance(pair, tuple) for pair in pairs) else None


def _plain(value: object) -> str | None:
    """What a JSON value is as text; None: it holds further ones."""
    if isinstance(value, bool):
        return str(value)
    return "" if value is None else value if isinstance(value, str) else None


def list_cells(line: str, fields: int) -> Iterator[Cells]:
    """Values without names, as many as there are fields."""
    if fields == 1:
        yield [line]
    for between in BETWEEN:
        cells = line.split(between)
        if len(cells) == fields > 1:
            yield cells


def named_cells(line: str, places: Sequence[Place], fields: int, dashed: bool) -> Iterator[Cells]:
    """The values of a line that is 'name: value' for every field, once each, where no value looks like a name.

    ``dashed``: dashes stand between the fields, and are no signs of numbers.
    """
    if len(places) != fields or len({field for _, _, field in places}) < fields or not fields or places[0][0] != 0:
        return
    ends = [begin for begin, _, _ in places[1:]] + [len(line)]
    told = {
        field: list(_endings(line[begin:end].strip(), end == len(line), dashed))
        for (_, begin, field), end in zip(places, ends, strict=True)
    }
    last = places[-1][2]
    for taken_off in range(2):
        cells = [told[field][min(taken_off, len(told[field]) - 1)] for field in range(fields)]
        for ending in told[last]:  # a point that ends the line may be the value's own
            yield [ending if field == last else cell for field, cell in enumerate(cells)]


def is_named(line: str, places: Sequence[Place], fields: int, says: Says, reach: int, dashed: bool) -> bool:
    """Whether a line is 'name: value' for every field, once each; a value may hold what looks like a name.

    ``places`` are the line's ``named_places``; no value has more than ``reach`` characters.
    """
    if len(places) < fields or places[0][0] != 0:
        return False
    ways = [(0, frozenset[int]())]
    while ways:
        at, used = ways.pop()
        _, begin, field = places[at]
        if field in used:
            continue
        used |= {field}
        for following in [len(places)] if len(used) == fields else range(at + 1, len(places)):
            last = following == len(places)
            end = len(line) if last else places[following][0]
            if end - begin > reach:
                break
            if any(says(field, told) for told in _endings(line[begin:end].strip(), last, dashed)):
                if last:
                    return True
                ways.append((following, used))
    return False


def named_places(line: str, names: tuple[str, ...]) -> list[Place]:
    """Where something like a field's name and a colon stands in a line with single blanks."""
    pattern, fields = _names_pattern(names)
    places = ((found.start(), found.end(1), fields.get(name_key(found[2]))) for found in pattern.finditer(line))
    return [(begin, end, field) for begin, end, field in places if field is not None]


@lru_cache(256)
def _names_pattern(names: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, int]]:
    spellings = sorted({form for name in names for form in (name, unescape(name)) if form}, key=len, reverse=True)
    either = "|".join("".join("[ _]" if c in " _" else re.escape(c) for c in form) for form in spellings) or "(?!)"
    pattern = re.compile(rf"(?:^|(?<=[ ;,|]))(?=({_AROUND}({either}){_AROUND} ?[:=]{_AROUND} ?))", re.IGNORECASE)
    return pattern, {name_key(name): field for field, name in enumerate(names)}


def is_dashed(line: str, places: Sequence[Place], fields: int) -> bool:
    """Whether dashes stand between all fields: where they do not, one behind a number is its sign."""
    return (
        len(places) > 1
        and sum(line[:begin].rstrip().endswith(_BEFORE_NAMES) for begin, _, _ in places[1:]) >= fields - 1
    )


def _endings(told: str, last: bool, dashed: bool) -> Iterator[str]:
    """What a value may be, with what stands behind it taken off."""
    yield told
    if told.endswith(", and") and not last:
        yield told[:-5].rstrip()
    elif told[-1:] in ENDS or (dashed and not last and f" {told}".endswith(_BEFORE_NAMES)):
        yield told[:-1].rstrip()


def _split_at_pipes(line: str) -> list[str]:
    """The parts between pipes that no backslash stands before."""
    parts, begin, at = [], 0, line.find("|")
    while at >= 0:
        escapes = at
        while escapes > begin and line[escapes - 1] == "\\":
            escapes -= 1
        if (at - escapes) % 2 == 0:
            parts.append(line[begin:at])
            begin = at + 1
        at = line.find("|", at + 1)
    return [*parts, line[begin:]]
