"""A recipe for a table that nobody has described: looks at its columns and writes down what they seem to be.

In: a file of events and, perhaps, one of labels. Out: the text of a commented recipe, and what it is unsure of. Guesses
only from names and from the first rows; the recipe is for a human to read and mend.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.errors import DataError
from ...core.tasks import Kind
from .column_profile import ColumnProfile, Seen, profile

ENTITY_NAMES = (
    "client",
    "customer",
    "user",
    "member",
    "account",
    "person",
    "visitor",
    "patient",
    "card",
    "driver",
    "subscriber",
)
TIME_NAMES = ("time", "date", "day", "when", "at", "ts", "created", "occurred")
MANY_CLASSES = 20
"""Different labels above which numbers are a regression, and texts no classes."""

OFTEN = 5
"""Rows a value that a column has on average where its values are worth counting."""


@dataclass(frozen=True)
class Draft:
    """A recipe to read and mend."""

    toml: str
    """The recipe, with comments."""

    unsure: tuple[str, ...]
    """What was guessed, in words."""


def inspect(events: Path, labels: Path | None = None, folder: Path | None = None) -> Draft:
    """Write a recipe. Paths in it are relative to ``folder`` where the files lie below it."""
    table = profile(events)
    said = profile(labels) if labels else None
    unsure: list[str] = []
    entity = _entity(table, said, unsure)
    time = _time(table, entity, unsure)
    parts = [_head(events, table), _tables(events, table, labels, said, folder), _events(entity, time)]
    fields, item, amount = _fields(table, entity, time, unsure)
    tasks = _tasks(said, entity, table, unsure) if said else _no_tasks()
    chosen = "".join(f"{key} = {_text(name)}\n" for key, name in (("item", item), ("amount", amount)) if name)
    return Draft("\n".join([parts[0] + chosen, *parts[1:], fields, tasks]), tuple(unsure))


def _entity(table: Seen, labels: Seen | None, unsure: list[str]) -> ColumnProfile:
    """Whose the events are: a column of the labels too, named like an id, with values that come again and again."""
    ids = [column for column in labels.columns if column.distinct == column.rows > 2] if labels else []
    shared = {column.name for column in ids}

    def score(column: ColumnProfile) -> tuple[bool, bool, bool, float]:
        lower = column.name.lower()
        named = any(name in lower for name in ENTITY_NAMES)
        is_id = bool(re.search(r"(^|_)id$|_id_|Id$|ID$", column.name))
        again = 1 < column.distinct < 0.9 * max(table.rows, 2)
        return column.name in shared and again, named and again, is_id and again, float(again)

    ranked = sorted(table.columns, key=score, reverse=True)
    if not ranked or not score(ranked[0])[3]:
        raise DataError(
            f"{table.path}: no column repeats its values, so none says whose an event is: write events.entity"
        )
    best = ranked[0]
    if score(best)[:3] == (False, False, False):
        unsure.append(f"events.entity: {best.name!r} is a guess, no column is named like an id of somebody")
    elif len(ranked) > 1 and score(ranked[1]) == score(best):
        unsure.append(f"events.entity: {best.name!r}, but it could be {ranked[1].name!r}")
    return best


def _time(table: Seen, entity: ColumnProfile, unsure: list[str]) -> ColumnProfile | None:
    """When the events happened: a column that can be read as times, best one named so."""
    able = [column for column in table.columns if column.time is not None and column is not entity]
    if not able:
        unsure.append("events.time: no column looks like a time; the order of the file is taken as the order of events")
        return None

    def named(column: ColumnProfile) -> bool:
        words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower())
        return any(name in words or (len(name) > 3 and name in column.name.lower()) for name in TIME_NAMES)

    best = max(able, key=lambda column: (named(column), "origin" not in str(column.time)))
    hours = next((column for column in table.columns if column.clock), None)
    if hours and not best.has_clock and "unix" not in str(best.time) and "origin" not in str(best.time):
        day = re.search('"(.*)"', str(best.time))
        format = f', format = "{day[1]} {hours.clock}"' if day else ""
        best = replace(best, sql=f"{best.sql} || ' ' || {hours.sql}", time=format, has_clock=True)
        unsure.append(f"events.time: the days of {best.name!r} and the hours of {hours.name!r} are put together")
    if best.doubt:
        unsure.append(f"events.time: {best.name!r} {best.doubt}")
    if others := [column.name for column in able if column.name != best.name and named(column)]:
        unsure.append(f"events.time: {best.name!r}, but it could be {others[0]!r}")
    return best


def _head(events: Path, table: Seen) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", _ascii(events.name.split(".")[0]).lower()).strip("-.") or "events"
    return (
        f"# A first recipe for {events.name}, from its first {table.rows} rows: read it, and mend what is wrong.\n"
        f"name = {_text(name)}\ndescription = {_text(f'Events of {events.name}')}\n"
    )


def _tables(events: Path, table: Seen, labels: Path | None, said: Seen | None, folder: Path | None) -> str:
    tables = [_table("events", events, table, folder)]
    if labels and said:
        tables.append(_table("labels", labels, said, folder))
    return "\n".join(tables)


def _table(name: str, path: Path, table: Seen, folder: Path | None) -> str:
    """Where a table is and how it is read; only what is not usual."""
    full, base = path.absolute(), (folder or Path()).absolute()
    shown = full.relative_to(base) if full.is_relative_to(base) else full
    lines = [f"[tables.{name}]", f"path = {_text(shown.as_posix())}"]
    if table.shape.delimiter not in (None, ","):
        lines.append(f"delimiter = {_text(str(table.shape.delimiter))}")
    if table.shape.encoding not in (None, "utf-8"):
        lines.append(f"encoding = {_text(str(table.shape.encoding))}")
    return "\n".join(lines) + "\n"


def _events(entity: ColumnProfile, time: ColumnProfile | None) -> str:
    lines = [
        "[events]",
        f"entity = {_text(entity.sql)} # {entity.distinct} different values in the rows that were looked at",
    ]
    if time is None:
        lines.append("# no time: the order of the file is the order of events. Else, for instance:")
        lines.append(
            '# time = { from = "created" } or { from = "ts", format = "unix" } or { from = "d", format = "%d.%m.%y" }'
        )
    else:
        lines.append(f"time = {{ from = {_text(time.sql)}{time.time} }} # such as {_shown(time)}")
    return "\n".join(lines) + "\n"


def _fields(
    table: Seen, entity: ColumnProfile, time: ColumnProfile | None, unsure: list[str]
) -> tuple[str, str | None, str | None]:
    """The fields in order, and which of them is the item and which the amount."""
    blocks = [
        "# What the texts show of an event, in this order. in_text = false keeps a column for SQL and baselines only."
    ]
    if time is not None:
        blocks.append(_block(['name = "date"', 'derive = "date"']))
        blocks.append(_block(['name = "weekday"', 'derive = "weekday"']))
        if time.has_clock:
            blocks.append(_block(['name = "hour"', 'derive = "hour"']))
    items: list[tuple[bool, bool, int, str]] = []
    amount = None
    used = {"date", "weekday", "hour"} if time is not None else set()
    for column in table.columns:
        if column is entity or (time is not None and (column.name == time.name or column.clock)):
            continue
        name = _field_name(column.name, used)
        used.add(name)
        lines = [f"name = {_text(name)}"] + ([f"from = {_text(column.sql)}"] if column.sql != name else [])
        if not re.fullmatch(r"[\w .-]+", column.name, re.ASCII):
            lines.append(f"header = {_text(' '.join(column.name.split()))}")
        if column.doubt and column.numeric:
            unsure.append(f"fields.{name}: {column.doubt}")
        if column.distinct <= 1:
            lines.append("in_text = false # always the same")
        elif column.is_amount:
            lines.append('type = "number"')
            lines += [f"decimals = {column.decimals}"] if column.decimals else []
            amount = amount or name
        elif column.unique or (column.is_id and column.distinct * OFTEN > column.rows):
            lines.append("in_text = false # hardly a value comes again: the number of something?")
            unsure.append(f"fields.{name}: hardly a value comes again, so it is not in the texts")
        elif column.missing > 0.95:
            lines.append(f"in_text = false # missing in {column.missing:.0%} of the rows")
        else:
            often = column.distinct * OFTEN <= column.rows
            items.append((often, not column.numeric or column.is_id, column.distinct, name))
            if column.numeric:
                unsure.append(
                    f"fields.{name}: numbers with {column.distinct} different values, taken as codes and not amounts"
                )
        blocks.append(_block(lines, f"# such as {_shown(column)}"))
    item = max(items)[-1] if items else None
    if len(items) > 1:
        unsure.append(f"item: {item!r} has the most values that come again, and is what the TF-IDF baseline counts")
    return "\n".join(blocks), item, amount


def _block(lines: Sequence[str], comment: str = "") -> str:
    return "[[fields]]" + (f" {comment}" if comment else "") + "\n" + "\n".join(lines) + "\n"


def _tasks(labels: Seen, entity: ColumnProfile, table: Seen, unsure: list[str]) -> str:
    """A task for each column of the labels but the id."""
    key = next((column for column in labels.columns if column.name == entity.name), None)
    if key is None:
        key = max(labels.columns, key=lambda column: (len(column.values & entity.values), column.distinct))
        unsure.append(f"tasks: labels are matched by their column {key.name!r} with the events' {entity.name!r}")
    if not key.values & entity.values:
        unsure.append(f"tasks: none of the first ids in {labels.path.name} is among the first ids of the events")
    blocks = ["# What is to be predicted for an entity."]
    used: set[str] = set()
    for column in labels.columns:
        if column is key or column.distinct < 2:
            continue
        if not column.numeric and column.distinct > MANY_CLASSES:
            unsure.append(f"tasks: {column.name!r} has {column.distinct} different texts, too many for classes")
            continue
        kind = _kind(column)
        name = _field_name(column.name, used)
        used.add(name)
        lines = [f"[tasks.{name}]", f'kind = "{kind.value}"', 'table = "labels"']
        lines += [f"entity = {_text(key.sql)}", f"label = {_text(column.sql)} # such as {_shown(column)}"]
        if column.name in {each.name for each in table.columns}:
            lines.append(f"uses = [{_text(column.name)}]")
            unsure.append(f"tasks.{name}: the events have a column {column.name!r} too, which may give the label away")
        if kind is not Kind.BINARY:
            unsure.append(f"tasks.{name}: taken as {kind.value}, from {column.distinct} different values")
        blocks.append("\n".join(lines) + "\n")
    if len(blocks) == 1:
        unsure.append(f"tasks: {labels.path.name} has no column with two values or more besides the id")
    return "\n".join(blocks)


def _kind(column: ColumnProfile) -> Kind:
    if column.distinct == 2:
        return Kind.BINARY
    return Kind.REGRESSION if column.numeric and column.distinct > MANY_CLASSES else Kind.MULTICLASS


def _no_tasks() -> str:
    return (
        "# What is to be predicted for an entity. No labels were given; with a file of them, for instance:\n"
        '# [tables.labels]\n# path = "labels.csv"\n# [tasks.left]\n# kind = "binary"\n# table = "labels"\n'
        '# entity = "user_id"\n# label = "left"\n'
    )


def _field_name(name: str, used: set[str]) -> str:
    """A column's name as a field's: letters, digits, underscores, and not taken."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _ascii(name)).lower()
    plain = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_")
    plain = plain if plain and not plain[0].isdigit() else f"column_{plain}".rstrip("_")
    while plain in used:
        plain += "_"
    return plain


def _ascii(name: str) -> str:
    """Letters without their marks; those of other scripts are lost."""
    return unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()


def _shown(column: ColumnProfile) -> str:
    """Some values, for a comment."""
    shown = ", ".join(repr(value[:30]) for value in column.examples[:3])
    return re.sub(r"[\x00-\x1f\x7f]", " ", shown)


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
