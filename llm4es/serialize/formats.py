"""The formats that a history of events can be written in, one entry each.

In: the names of the fields and the values of each event, as the raw text has them (escaped). Out: what opens the text,
one piece an event, and what closes it: any run of events between opening and closing is a text of that format too.
Knows nothing of entities, files or models.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ..core.errors import OptionError, nearest
from ..core.sql import identifier
from .escaping import SEPARATOR, split, unescape


class TextFormat(StrEnum):
    """A way to write the same events."""

    MARKDOWN_TABLE = "markdown_table"
    BULLET_LIST = "bullet_list"
    SUMMARY = "summary"  # counts and averages; no single events
    JSON = "json"
    YAML = "yaml"
    HTML = "html"
    SQL = "sql"
    GROUPED = "grouped"  # events of one category together


@dataclass(frozen=True)
class ParsedHistory:
    """A raw text, taken apart."""

    headers: tuple[str, ...]
    """Names of the fields, escaped as in the text."""

    events: tuple[tuple[str, ...], ...]
    """Values of each event, escaped as in the text, oldest first."""

    dropped: int = 0
    """Events of the entity that the text leaves out."""


@dataclass(frozen=True)
class Written:
    """A history in some format."""

    opening: str
    """What stands before the first event."""

    events: Sequence[str]
    """One piece an event, in the order of the history, each with the separator behind it."""

    closing: str = ""
    """What stands behind the last event."""

    cuttable: bool = True
    """Whether opening + any run of events + closing is a text of the format."""

    @property
    def text(self) -> str:
        """All of it."""
        return self.opening + "".join(self.events) + self.closing


CACHED = 1 << 16
"""Values whose quoted form is remembered: genres, codes and dates come again and again."""


def parse(text: str, dropped: int = 0) -> ParsedHistory:
    """A raw text, taken apart at its lines and separators.

    Parameters
    ----------
    text : str
        Of variant 'raw'.
    dropped : int, default 0
        Events of the entity that the text leaves out: its ``n_events_dropped``.

    Examples
    --------
    >>> parse("Shop | Amount\\ntea | 1.50")
    ParsedHistory(headers=('Shop', 'Amount'), events=(('tea', '1.50'),), dropped=0)
    """
    header, *lines = text.split("\n")
    return ParsedHistory(tuple(split(header)), tuple(tuple(split(line)) for line in lines), dropped)


def write(history: ParsedHistory, format: TextFormat, group_by: str = "") -> Written:
    """A history in a format.

    Parameters
    ----------
    history : ParsedHistory
        From ``parse``.
    format : TextFormat
        How it is written.
    group_by : str, default ''
        The field of format 'grouped', in whatever case; '' takes the one with the fewest values.

    Returns
    -------
    Written
        ``text`` is all of it; its pieces are events where it can be cut.

    Raises
    ------
    OptionError
        ``group_by`` is no field of the texts.

    Examples
    --------
    >>> print(write(parse("Shop | Amount\\ntea | 1.50"), TextFormat.BULLET_LIST).text, end="")
    Events, oldest first:
    - Shop: tea; Amount: 1.50
    """
    return FORMATS[format](history, group_by)


def _markdown_table(history: ParsedHistory, _: str) -> Written:
    opening = f"| {SEPARATOR.join(history.headers)} |\n|{' --- |' * len(history.headers)}\n"
    return Written(opening, [f"| {SEPARATOR.join(event)} |\n" for event in history.events])


def _bullet_list(history: ParsedHistory, _: str) -> Written:
    names = [f"{name}: " for name in history.headers]
    events = ["- " + "; ".join(map(str.__add__, names, event)) + "\n" for event in history.events]
    return Written("Events, oldest first:\n", events)


@lru_cache(CACHED)
def _quoted(value: str) -> str:
    """A value in JSON's quotes."""
    return json.dumps(unescape(value), ensure_ascii=False)


def _json(history: ParsedHistory, _: str) -> Written:
    names = [f"{_quoted(name)}: " for name in history.headers]
    events = ["{" + ", ".join(map(str.__add__, names, map(_quoted, event))) + "}" for event in history.events]
    return Written("[\n", _separated(events, ",\n", "\n"), "]")


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,.()'_-]*[A-Za-z0-9)]|[0-9]{4}-[0-9]{2}-[0-9]{2}|-?[0-9]+(\.[0-9]+)?")
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


@lru_cache(CACHED)
def _yaml_value(value: str) -> str:
    """A value bare where YAML reads it as it is, else in JSON's quotes, which YAML reads too."""
    bare = _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT
    return value if bare else _quoted(value)


def _yaml(history: ParsedHistory, _: str) -> Written:
    names = [f"{_yaml_value(name)}: " for name in history.headers]
    events = ["- " + "\n  ".join(map(str.__add__, names, map(_yaml_value, event))) + "\n" for event in history.events]
    return Written("", events)


def _html(history: ParsedHistory, _: str) -> Written:
    header = "".join(f"<th>{html.escape(name, quote=False)}</th>" for name in history.headers)
    events = [f"<tr><td>{_cells(event)}</td></tr>\n" for event in history.events]
    return Written(f"<table>\n<tr>{header}</tr>\n", events, "</table>")


def _cells(event: tuple[str, ...]) -> str:
    """The values of an event between HTML's cell borders; no value holds a bare separator."""
    return html.escape(SEPARATOR.join(event), quote=False).replace(SEPARATOR, "</td><td>")


def _sql(history: ParsedHistory, _: str) -> Written:
    names = ", ".join(identifier(unescape(name)) for name in history.headers)
    events = ["('" + "', '".join([value.replace("'", "''") for value in event]) + "')" for event in history.events]
    return Written(f"INSERT INTO events ({names}) VALUES\n", _separated(events, ",\n", ";\n"))


def _grouped(history: ParsedHistory, group_by: str) -> Written:
    at = _category(history, group_by)
    groups: dict[str, list[str]] = {}
    for event in history.events:
        rest = [
            f"{name}: {value}" for i, (name, value) in enumerate(zip(history.headers, event, strict=True)) if i != at
        ]
        groups.setdefault(event[at], []).append("- " + "; ".join(rest) + "\n")
    pieces = [
        f"{history.headers[at]}: {key} ({_events(len(lines))})\n{''.join(lines)}" for key, lines in groups.items()
    ]
    return Written("", pieces, cuttable=False)


def _events(count: int) -> str:
    return f"{count} event" if count == 1 else f"{count} events"


TOP = 5
"""Values of a field that a summary names."""


def _summary(history: ParsedHistory, _: str) -> Written:
    count = len(history.events)
    left_out = f" {_events(history.dropped)} before or after are not part of it." if history.dropped else ""
    lines = [f"Summary of {_events(count)}; the single events are left out.{left_out}"]
    for name, values in zip(history.headers, zip(*history.events, strict=True), strict=True):
        lines.append(f"{name}: {_described(values)}")
    return Written("\n".join(lines) + "\n", [], cuttable=False)


def _described(values: Sequence[str]) -> str:
    """What the values of a field are like: ends and mean of numbers, ends of dates, else the commonest."""
    given = [value for value in values if value]
    if len(set(given)) > TOP and all(_DATE.fullmatch(value) for value in given):
        return f"from {min(given)} to {max(given)}"
    if len(set(given)) > TOP and all(_NUMBER.fullmatch(value) for value in given):
        numbers = [float(value) for value in given]
        return f"from {min(numbers):g} to {max(numbers):g}, on average {sum(numbers) / len(numbers):.4g}"
    counts = Counter(given)
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    named = ", ".join(f"{value} ({number})" for value, number in common)
    return named + (f" and {len(counts) - TOP} more" if len(counts) > TOP else "") if given else "never given"


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?")


def field_named(headers: Sequence[str], name: str) -> int:
    """Which of the fields is called so, in whatever case; OptionError where none is."""
    titles = [unescape(header) for header in headers]
    lower = [title.lower() for title in titles]
    if name.lower() not in lower:
        raise OptionError(f"--group-by {name!r} is no field of the texts: {nearest(name, titles)}")
    return lower.index(name.lower())


def _category(history: ParsedHistory, group_by: str) -> int:
    """The field to group by: the named one, else that with the fewest values but more than one."""
    if group_by:
        return field_named(history.headers, group_by)
    sizes = [len(set(values)) for values in zip(*history.events, strict=True)]
    return min(range(len(sizes)), key=lambda at: (sizes[at] < 2, sizes[at], at))


def _separated(events: Sequence[str], between: str, behind: str) -> list[str]:
    """Events with a separator behind each, another one behind the last."""
    return [event + between for event in events[:-1]] + [event + behind for event in events[-1:]]


FORMATS: dict[TextFormat, Callable[[ParsedHistory, str], Written]] = {
    TextFormat.MARKDOWN_TABLE: _markdown_table,
    TextFormat.BULLET_LIST: _bullet_list,
    TextFormat.SUMMARY: _summary,
    TextFormat.JSON: _json,
    TextFormat.YAML: _yaml,
    TextFormat.HTML: _html,
    TextFormat.SQL: _sql,
    TextFormat.GROUPED: _grouped,
}
"""The writer of each format."""
