"""What a caller says of a frame's columns, in the one shape that the rest of this package reads.

In: values as people write them: one name or many, names that are numbers. Out: texts, lists and dicts, or one line that
says what is wrong. Knows no table.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.errors import RecipeError

Spec = Mapping[str, Any]
"""Keys of a ``FieldSpec`` or a ``Task``."""


def entries(value: Any) -> list[Any]:
    """One name, one mapping, or a sequence of them, as a list."""
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return list(value) if several else [value]


def given_fields(fields: Any) -> list[str | Spec]:
    """The fields that are named: each a column's name, or keys of a field."""
    chosen: list[str | Spec] = [entry if isinstance(entry, Mapping) else str(entry) for entry in entries(fields)]
    if not chosen:
        raise RecipeError("fields names none: give one column or more, or leave it out for all of them")
    return chosen


def given_tasks(tasks: Any) -> dict[str, str | Spec]:
    """The tasks that are named: column of the labels -> its kind or keys of a task, no keys where all is inferred."""
    if not isinstance(tasks, Mapping):
        tasks = dict.fromkeys(entries(tasks))
    given: dict[str, str | Spec] = {}
    for name, value in tasks.items():
        if value is not None and not isinstance(value, str | Mapping):
            raise RecipeError(f"tasks: {name!r} is {value!r}: give a kind such as 'binary', or a dict of a task's keys")
        given[str(name)] = {} if value is None else value
    return given
