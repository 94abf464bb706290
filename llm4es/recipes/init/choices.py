"""What somebody says of a table that was looked at, in place of a guess; and what is worth asking.

In: names of columns. Out: the columns. Knows no TOML and no terminal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...core.errors import DataError, nearest
from .column_profile import ColumnProfile
from .counted import Counted


@dataclass(frozen=True)
class Choices:
    """Columns that were chosen; where nothing is said, they are guessed."""

    entity: str | None = None
    """Whose an event is."""
    time: str | None = None
    """When it happened."""
    item: str | None = None
    """What it is about."""
    label: str | None = None
    """The label to predict, of those in the table of labels; None: each of them."""


@dataclass(frozen=True)
class OpenGuess:
    """Something that was guessed and that somebody may know."""

    about: str
    """A field of ``Choices``."""
    question: str
    taken: str
    """The column that was taken."""
    among: tuple[str, ...]
    """The columns that can be chosen."""


def chosen(name: str, columns: Sequence[ColumnProfile], what: str) -> ColumnProfile:
    """The column of that name. Raises DataError, with the nearest names, where there is none.

    Examples
    --------
    >>> chosen("usr", [], "entity")
    Traceback (most recent call last):
    llm4es.core.errors.DataError: no column 'usr' can be the entity: there are none
    """
    found = next((column for column in columns if column.name == name), None)
    if found is None:
        raise DataError(f"no column {name!r} can be the {what}: {nearest(name, [each.name for each in columns])}")
    return found


def with_item(counted: Counted, columns: Sequence[ColumnProfile], item: str | None) -> Counted:
    """What is counted, the chosen item alone in place of what it may be."""
    return counted if item is None else replace(counted, items=(chosen(item, columns, "item").name,))


def doubts(
    unsure: Sequence[str],
    columns: Sequence[ColumnProfile],
    entity: ColumnProfile,
    time: ColumnProfile | None,
    items: Sequence[str],
    labels: Sequence[str],
) -> tuple[OpenGuess, ...]:
    """What of the guesses is worth asking: those of which a line says that they could be another column."""

    def is_open(begin: str) -> bool:
        return any(line.startswith(begin) and ("could be" in line or "is a guess" in line) for line in unsure)

    found = []
    if is_open("events.entity"):
        names = tuple(column.name for column in columns if column.time is None)
        found.append(OpenGuess("entity", "Whose is an event?", entity.name, names))
    times = tuple(column.name for column in columns if column.time is not None)
    if time is not None and time.name in times and is_open("events.time"):
        found.append(OpenGuess("time", "When did it happen?", time.name, times))
    if len(items) > 1:
        found.append(OpenGuess("item", "What is it about?", items[0], tuple(items)))
    if len(labels) > 1:
        found.append(OpenGuess("label", "What is to be predicted?", "all", ("all", *labels)))
    return tuple(found)
