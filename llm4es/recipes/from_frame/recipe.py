"""A recipe for frames: the same as a TOML would say of files with these columns.

In: frames of events and labels, and what their columns mean. Out: a checked recipe over the Parquet files that
``keep_frames`` writes. Keeps nothing.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

import pyarrow as pa

from ...core.errors import DataError, RecipeError, nearest
from ...core.frames import to_arrow
from ...options import OnBadRow
from ..field_names import slug
from ..init.column_profile import ColumnProfile
from ..init.counted import codes_of
from ..init.repetition import Repetition
from ..load import builtin_recipes, checked
from ..model import Recipe
from .columns import check_table, need, profiles_of, repetitions_of, sql_of, whole_sql
from .fields import FrameFields, all_fields, chosen_fields, defaults
from .given import entries, given_fields, given_tasks
from .keep import FILES
from .rows import check_ids, check_values
from .tasks import frame_tasks

logger = logging.getLogger(__name__)


def recipe_from_frame(
    name: str,
    events: Any,
    *,
    entity: str,
    time: str | Mapping[str, str] | None = None,
    fields: str | Sequence[str | Mapping[str, Any]] | None = None,
    labels: Any = None,
    tasks: str | Sequence[str] | Mapping[str, str | Mapping[str, Any]] | None = None,
    item: str | None = None,
    amount: str | None = None,
    categories: str | Sequence[str] | Mapping[str, int] | None = None,
    texts: Mapping[str, Any] | None = None,
    splits: Mapping[str, Any] | None = None,
    description: str = "",
    **unknown: Any,
) -> Recipe:
    """A recipe for events, and perhaps labels, that are in memory.

    Parameters
    ----------
    name : str
        Of the dataset: lower-case letters, digits, dots, dashes and underscores; no built-in recipe's.
    events : any frame that ``to_arrow`` takes
        One row an event, in any order, with any further columns. A reader can be read once only: give a table.
    entity : str
        Column of the ids of those whose events these are; read as text. Labels have it too.
    time : str or dict, optional
        Column of the events' times: timestamps, dates, texts or numbers whose writing is recognised; or the keys of a
        recipe's time (``from``, ``format``, ``unit``, ``origin``). None: the rows stand in the order of the events.
    fields : str, or list of str or dict, optional
        What the texts show, in order: columns, whose types are taken from the frame, or keys of a ``FieldSpec``.
        Default: the date, weekday and hour where there is a time, then every column but entity and time.
    labels : any frame that ``to_arrow`` takes, optional
        One row an entity.
    tasks : str, list of str, or dict of str to str or dict, optional
        Columns of the labels, or column -> kind ('binary', 'multiclass', 'regression') or keys of a ``Task``, such as
        ``{"churn": {"kind": "binary", "positive": "left"}}``. Default: every other column of the labels. A kind that is
        not said is inferred: two values are binary, few are classes, other numbers a regression.
    item, amount : str, optional
        Field or column that baselines count, and the one they add up. Default: what ``init`` would choose, by names,
        types, and how values come again with users.
    categories : str, list of str or dict of str to int, optional
        Categorical fields of aggregate baselines, and the codes kept of each. Default: those of few different values.
    texts, splits : dict, optional
        Defaults of ``serialize`` (``max_events``, ``history``, ...) and the splits, as a recipe has them.
    description : str, default ''
        Of the dataset.
    **unknown
        Any other key is refused, with the nearest of these.

    Returns
    -------
    Recipe
        Over ``events.parquet`` and ``labels.parquet``; ``keep_frames`` writes them.

    Raises
    ------
    DataError
        A column is not there (the nearest is named), there are no rows, a row has no id, or a time or number that
        cannot be read (unless ``texts`` has ``on_bad_row='skip'``), an entity has several different labels, or no
        label is of an entity with events.
    RecipeError
        The name is no dataset's, a key is none of these, or a key or value of fields, tasks, texts or splits is wrong.

    Examples
    --------
    >>> events = {"customer": [1, 2, 1], "at": ["2024-01-02", "2024-01-01", "2024-01-01"],
    ...           "Amount (EUR)": [1.5, 2.0, 3.25], "mcc": ["food", "fuel", "food"]}
    >>> labels = {"customer": [1, 2], "churn": [0, 1]}
    >>> recipe = recipe_from_frame("bank", events, entity="customer", time="at", labels=labels)
    >>> [field.title for field in recipe.fields]
    ['Date', 'Weekday', 'Amount (EUR)', 'Mcc']
    >>> recipe.item, recipe.amount, recipe.categories, recipe.tasks["churn"].kind.value
    ('mcc', 'amount_eur', {'mcc': 3}, 'binary')
    """
    _check_name(name)
    if unknown:
        key = next(iter(unknown))
        raise RecipeError(f"a frame's recipe has no key {key!r}: {nearest(key, KEYS)}")
    entity = str(entity)
    table = to_arrow(events)
    check_table(table, entity, "events")
    profiles = profiles_of(table)
    time_column, time_keys = _time(table, time, profiles)
    if fields is None:
        derived = [] if time_keys is None else _parts_of_time(profiles.get(time_column or ""))
        chosen = all_fields(table, [entity, time_column], derived)
        if not chosen.specs:
            raise DataError(f"events have no column besides {entity!r}: give one that says what happened")
    else:
        chosen = chosen_fields(table, given_fields(fields))
    named_tasks = None if tasks is None else given_tasks(tasks)
    values: dict[str, Any] = {
        "name": name,
        "description": description,
        "tables": {"events": {"path": FILES["events"]}},
        "events": {"entity": whole_sql(table, entity), "time": time_keys},
        "fields": chosen.specs,
        "texts": dict(texts or {}),
        "splits": dict(splits or {}),
        **_counted(chosen, profiles, repetitions_of(table, entity, chosen.columns), item, amount, categories),
    }
    if labels is not None:
        label_table = to_arrow(labels, "labels")
        check_table(label_table, entity, "labels")
        values["tables"]["labels"] = {"path": FILES["labels"]}
        check_ids(label_table, entity, "labels")
        values["tasks"] = frame_tasks(table, label_table, entity, named_tasks)
    elif named_tasks:
        raise DataError(f"tasks {', '.join(named_tasks)} need labels: give a frame of them, one row an entity")
    recipe = checked(values, f"recipe {name!r}")
    if recipe.texts.on_bad_row is not OnBadRow.SKIP:
        check_ids(table, entity, "events")
        check_values(table, recipe)
    return recipe


KEYS = [key for key, one in signature(recipe_from_frame).parameters.items() if one.kind is Parameter.KEYWORD_ONLY]
"""What can be said of a frame."""


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise RecipeError(
            f"name {name!r} is no dataset's: take lower-case letters, digits, dots, dashes and underscores, such as "
            f"{slug(name) or 'events'!r}"
        )
    if name in builtin_recipes():
        raise RecipeError(f"name {name!r} is a built-in recipe's: give the dataset another")


def _time(
    table: pa.Table, time: str | Mapping[str, str] | None, profiles: Mapping[str, ColumnProfile]
) -> tuple[str | None, dict[str, str] | None]:
    """The column of the times, where it is one, and what the recipe says of it."""
    if time is None:
        return None, None
    if isinstance(time, Mapping):
        keys = dict(time)
        source = keys.pop("column", keys.pop("from", ""))
        known = source in table.column_names
        return source if known else None, {**keys, "from": sql_of(source) if known else source}
    time = str(time)
    need(table, time, "events")
    type, column = table.schema.field(time).type, profiles[time]
    if pa.types.is_timestamp(type) or pa.types.is_date(type):
        return time, {"from": sql_of(time)}
    if column.time is None:
        shown = repr(column.examples[0]) if column.examples else "nothing"
        raise DataError(
            f"time: column {time!r} holds {shown} and is not read as times: make it timestamps, or say how it is "
            f"written, as in time={{'from': {time!r}, 'format': '%d.%m.%Y'}}"
        )
    if column.doubt:
        logger.warning("time: %r %s", time, column.doubt)
    return time, {"from": sql_of(time), **column.time}


def _parts_of_time(column: ColumnProfile | None) -> list[str]:
    """What texts show of a time: the hour only where some event has one."""
    at_midnight = column is not None and column.time is not None and not column.has_clock
    return ["date", "weekday"] if at_midnight else ["date", "weekday", "hour"]


def _counted(
    fields: FrameFields,
    profiles: Mapping[str, ColumnProfile],
    repeated: Mapping[str, Repetition],
    item: str | None,
    amount: str | None,
    categories: str | Sequence[str] | Mapping[str, int] | None,
) -> dict[str, Any]:
    """What baselines count, by names of fields."""
    values = defaults(fields, profiles, repeated)
    names = fields.columns
    if item is not None:
        values["item"] = names.get(str(item), str(item))
    if amount is not None:
        values["amount"] = names.get(str(amount), str(amount))
    if isinstance(categories, Mapping):
        values["categories"] = {names.get(str(name), str(name)): codes for name, codes in categories.items()}
    elif categories is not None:
        by_field = {field: column for column, field in names.items()}
        chosen = {names.get(str(name), str(name)) for name in entries(categories)}
        codes = {field: codes_of(profiles[by_field[field]]) if field in by_field else 2 for field in chosen}
        values["categories"] = codes
    return values
