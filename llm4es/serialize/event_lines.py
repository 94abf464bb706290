"""Single events as text: which fields a line shows, the header above it, and what of a column tells two lines apart.

In: a recipe, columns of events. Out: fields, SQL expressions, one line an event, as a text of ``serialize`` has it.
Knows no entity, no store and no model.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.decimals import CLOSE, EXACT, fixed_point, plain_numbers
from ..core.entities import by_distinct
from ..core.errors import OptionError, nearest
from ..core.sql import identifier, literal
from ..recipes import FieldSpec, FieldType, Recipe
from ..recipes.bins import bin_words, edges_of
from ..recipes.derive import PARTS
from .escaping import SEPARATOR, escape, escape_array

_TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})


def is_of_time(field: FieldSpec) -> bool:
    """Whether a field says when its event was, or how long after the one before.

    Parameters
    ----------
    field : FieldSpec
        Of a recipe.

    Returns
    -------
    bool
        True also for hours, weekdays and gaps.

    Examples
    --------
    >>> is_of_time(FieldSpec(name="day", derive="weekday")), is_of_time(FieldSpec(name="shop"))
    (True, False)
    """
    return field.derive in PARTS or (field.derive is None and field.type in _TIMES)


def event_fields(recipe: Recipe, preset: str = "raw", by: Sequence[str] = ()) -> tuple[FieldSpec, ...]:
    """The fields that one event is read by on its own.

    Parameters
    ----------
    recipe : Recipe
        Its bins with their edges, where the fields are to be written.
    preset : str, default 'raw'
        Choice of fields of the texts.
    by : sequence of str, default ()
        Names of fields, hidden ones too, in the order of the line. None: what the recipe says (``texts.by``), else the
        fields of the preset but those of time, which hardly ever repeat; where only these are shown, all of them.

    Returns
    -------
    tuple of FieldSpec
        One or more.

    Raises
    ------
    OptionError
        A name of ``by`` is no field.
    RecipeError
        The recipe has no such preset.

    Examples
    --------
    >>> from llm4es.recipes import load_recipe
    >>> [field.name for field in event_fields(load_recipe("rosbank"))]
    ['mcc', 'amount', 'currency', 'category', 'channel']
    >>> [field.name for field in event_fields(load_recipe("rosbank"), by=["category"])]
    ['category']
    """
    known = {field.name: field for field in recipe.fields}
    for name in by:
        if name not in known:
            raise OptionError(f"--by {name!r} is no field of {recipe.name!r}: {nearest(name, list(known))}")
    if chosen := tuple(dict.fromkeys(by or recipe.texts.by)):
        return tuple(known[name] for name in chosen)
    shown = recipe.text_fields(preset)
    return tuple(field for field in shown if not is_of_time(field)) or shown


def header_of(fields: Sequence[FieldSpec]) -> str:
    """The line above the events that names the fields.

    Parameters
    ----------
    fields : sequence of FieldSpec
        In the order of a line.

    Returns
    -------
    str
        Escaped, with the line break.

    Examples
    --------
    >>> header_of([FieldSpec(name="shop"), FieldSpec(name="amount", header="Amount | EUR")])
    'Shop | Amount \\\\| EUR\\n'
    """
    return SEPARATOR.join(escape(field.title) for field in fields) + "\n"


def event_lines(columns: Sequence[pa.Array], fields: Sequence[FieldSpec]) -> pa.Array:
    """One line an event, as a text of ``serialize`` has it.

    Parameters
    ----------
    columns : sequence of pyarrow.Array
        One a field, as the events have them or as ``shown_sql`` gives them.
    fields : sequence of FieldSpec
        What they are; bins with their edges.

    Returns
    -------
    pyarrow.StringArray
        Without line breaks.

    Raises
    ------
    RecipeError
        A field has bins whose edges were not fitted.

    Examples
    --------
    >>> fields = [FieldSpec(name="shop"), FieldSpec(name="amount", type="number", decimals=2)]
    >>> event_lines([pa.array(["tea", "rice"]), pa.array([1.5, None])], fields).to_pylist()
    ['tea | 1.50', 'rice | ']
    """
    values = [values_of(column, field) for column, field in zip(columns, fields, strict=True)]
    return values[0] if len(values) == 1 else pc.binary_join_element_wise(*values, SEPARATOR)


def shown_sql(field: FieldSpec) -> str:
    """SQL of what of a field's column a text shows: events that agree in it have the same line.

    Parameters
    ----------
    field : FieldSpec
        Bins with their edges.

    Returns
    -------
    str
        Expression over the column named as the field: its bin's word, the rounded number, or the column itself.
        ``event_lines`` writes it as it would the column.

    Raises
    ------
    RecipeError
        The field has bins whose edges were not fitted.

    Examples
    --------
    >>> shown_sql(FieldSpec(name="amount", type="number", bins=[10, 100]))
    'CASE WHEN "amount" < 10.0 THEN \\'small\\' WHEN "amount" < 100.0 THEN \\'medium\\' WHEN "amount" IS NOT NULL ...'
    """
    column = identifier(field.name)
    if (edges := edges_of(field)) is not None:
        *lower, highest = bin_words(len(edges) + 1)
        cases = [f"WHEN {column} < {edge!r} THEN {literal(word)}" for edge, word in zip(edges, lower, strict=True)]
        return f"CASE {' '.join([*cases, f'WHEN {column} IS NOT NULL THEN {literal(highest)}'])} END"
    if field.decimals is None:
        return column
    # near a half it is the decimal number as it is written, and not the float, that says where it is rounded to
    scaled = f"abs({column}) * 1e{field.decimals}"
    plain = f"{scaled} < {EXACT!r} AND abs({scaled} - floor({scaled}) - 0.5) > {CLOSE!r}"
    return f"CASE WHEN {plain} THEN round({column}, {field.decimals}) ELSE {column} END"


def values_of(column: pa.Array, field: FieldSpec) -> pa.Array:
    """A column as the field writes it: escaped, with its unit, and with something where there is nothing.

    Parameters
    ----------
    column : pyarrow.Array
        In the type of ``recipes.derive.events_schema``; that of a field with bins may hold their words already.
    field : FieldSpec
        Whose values they are; bins with their edges.

    Returns
    -------
    pyarrow.StringArray
        No nulls.

    Raises
    ------
    RecipeError
        The field has bins whose edges were not fitted.

    Examples
    --------
    >>> values_of(pa.array([3.5, None, 12.0]), FieldSpec(name="amount", type="number", unit="EUR", missing="none"))
    <pyarrow.lib.StringArray object at ...>
    [
      "3.5 EUR",
      "none",
      "12 EUR"
    ]
    >>> values_of(pa.array([3.5, 10.0, 12.0]), FieldSpec(name="amount", type="number", bins=[10, 100])).to_pylist()
    ['small', 'medium', 'medium']
    """
    if pa.types.is_string(column.type):
        text = escape_array(column)
    else:
        text = _written(column, field) if field.bins is None else _words(column, field)
    if field.unit and field.bins is None:
        text = pc.binary_join_element_wise(text, escape(field.unit), " ")
    return pc.fill_null(text, escape(field.missing)) if text.null_count else text


def _written(column: pa.Array, field: FieldSpec) -> pa.Array:
    """A column of numbers or times as text; none of its characters needs an escape."""
    if pa.types.is_floating(column.type):
        return plain_numbers(column) if field.decimals is None else fixed_point(column, field.decimals)
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s"), safe=False).cast(pa.string())
    return by_distinct(column, lambda values: values.cast(pa.string()))


def _words(column: pa.Array, field: FieldSpec) -> pa.Array:
    """The word of each number's bin; a number on an edge is in the upper one."""
    edges = edges_of(field) or ()
    numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    bins = np.searchsorted(np.array(edges, np.float64), numbers, side="right")
    words = pa.array(bin_words(len(edges) + 1), pa.string())
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    return words.take(pa.array(np.minimum(bins, len(edges)), pa.int32(), mask=missing))
