"""Columns that a label is made from and that somebody is shown: labels that a text, or a baseline, gives away.

In: a recipe, a task, the fields that are shown. Out: such columns, each with the field. Names alone are looked at, as
the parser sees them: through expressions, renamed fields, derived columns, joins and dictionaries. A copy of the
label's values under another name is for the data to tell.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .columns_read import Path, paths_of
from .derive import PARTS
from .model import FieldSpec, Names, Recipe, Task


@dataclass(frozen=True)
class SharedColumn:
    """A column that a label is made from, and a field that shows it."""

    column: str
    """As raw data names it, in lower case."""

    field: str
    """Name of the field."""


def shared_columns(recipe: Recipe, task: Task, fields: Iterable[FieldSpec]) -> list[SharedColumn]:
    """The columns that both a task's label and some of the fields are read from.

    Parameters
    ----------
    recipe : Recipe
        Whose tables and joins say where columns stand.
    task : Task
        One of its tasks.
    fields : iterable of FieldSpec
        Those that are shown.

    Returns
    -------
    list of SharedColumn
        One a field, in the order of the fields.

    Examples
    --------
    >>> from llm4es.recipes import recipe_from_frame
    >>> events = {"user": ["a", "b"], "plan": ["pro", "free"]}
    >>> labels = {"user": ["a", "b"], "plan": ["pro", "free"]}
    >>> recipe = recipe_from_frame("visits", events, entity="user", labels=labels)
    >>> shared_columns(recipe, recipe.tasks["plan"], recipe.fields)
    [SharedColumn(column='plan', field='plan')]
    """
    tables = _Tables(recipe)
    label = set(tables.of_table(task.table, task.label))
    label |= {(table, (name.strip('"').lower(),)) for name in task.uses for table in tables.events}
    shared = []
    for field in fields:
        hit = next((mine for mine in sorted(label) for read in tables.of_field(field) if _same(mine, read)), None)
        if hit is not None:
            shared.append(SharedColumn(".".join(hit[1]) or "whole rows", field.name))
    return shared


def _same(one: tuple[str, Path], other: tuple[str, Path]) -> bool:
    """Whether two columns are one, or one is a part of the other."""
    (table, path), (there, beside) = one, other
    return table == there and all(a == b for a, b in zip(path, beside, strict=False))


class _Tables:
    """Which tables there are, and what their columns are read from."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.layout = next(iter(recipe.all_layouts.values())).tables
        first: dict[tuple[str, ...], str] = {}
        self.canonical = {
            name.lower(): first.setdefault(table.path, name.lower()) for name, table in self.layout.items()
        }
        """Table -> the first one of the same files."""
        self.known = {table.lower(): self.canonical[table.lower()] for table in self._joined()}
        self.known.setdefault("events", self.canonical[recipe.events.table.lower()])
        """What an expression over the events may call a table."""
        self.events = sorted(set(self.known.values()))

    def _joined(self) -> list[str]:
        events = self.recipe.events
        return [events.table, *(join.table for join in events.joins)]

    def of_table(self, table: str, sql: str) -> Iterator[tuple[str, Path]]:
        """The columns of an expression over one table."""
        name = table.lower()
        for path in paths_of(sql):
            yield from self._expanded(self.canonical[name], path[1:] if path[:1] == (name,) else path)

    def of_field(self, field: FieldSpec) -> Iterator[tuple[str, Path]]:
        """The columns that a field shows something of."""
        if isinstance(field.names, Names):
            yield from self.of_table(field.names.table, field.names.name)
        if field.derive not in PARTS:
            yield from self._of_events(field.column or field.name)
        elif self.recipe.events.time is not None:
            yield from self._of_events(self.recipe.events.time.column)

    def _of_events(self, sql: str) -> Iterator[tuple[str, Path]]:
        for path in paths_of(sql):
            if path and path[0] in self.known:
                yield from self._expanded(self.known[path[0]], path[1:])
                continue
            for table in self.events:  # one of them has it: of two SQL would not know which is meant
                yield from self._expanded(table, path)

    def _expanded(self, table: str, path: Path) -> Iterator[tuple[str, Path]]:
        """A column; of one that its table derives also those that it is derived from."""
        yield table, path
        for name, spec in self.layout.items():
            if self.canonical[name.lower()] != table or not path:
                continue
            for column, sql in spec.derive.items():
                if column.lower() == path[0]:
                    yield from ((table, read) for read in paths_of(sql))
