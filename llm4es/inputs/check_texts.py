"""Tables of texts that cannot be read, refused in one line before any work.

In: a record batch or a table of ``TEXTS``. Out: nothing, or an error that names the column. Knows no model.
"""

from collections.abc import Callable, Iterable

import pyarrow as pa
from pyarrow import types

from ..core.errors import DataError


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_null(kind))


def _is_numbers(kind: pa.DataType) -> bool:
    listed = types.is_list(kind) or types.is_large_list(kind)
    return bool((listed and types.is_integer(kind.value_type)) or types.is_null(kind))


TEXT, NUMBER, NUMBERS = (_is_text, "texts"), (_is_number, "whole numbers"), (_is_numbers, "lists of whole numbers")

COLUMNS: dict[str, tuple[Callable[[pa.DataType], bool], str]] = {
    "dataset": TEXT,
    "entity_id": TEXT,
    "variant": TEXT,
    "text": TEXT,
    "text_hash": TEXT,
    "event_offsets": NUMBERS,
    "n_events": NUMBER,
    "n_events_dropped": NUMBER,
}
"""What the columns that a stage reads must hold."""


def check_texts(stage: str, texts: pa.RecordBatch | pa.Table, columns: Iterable[str] = tuple(COLUMNS)) -> None:
    """Raise DataError where ``texts`` lacks a column, holds another type, or a text or an id is missing."""
    for name in columns:
        fits, kind = COLUMNS[name]
        at = texts.schema.get_field_index(name)
        if at < 0:
            raise DataError(
                f"{stage}: the texts have no column {name!r} (there are {', '.join(texts.schema.names)}): give rows of"
                " llm4es.core.schemas.TEXTS"
            )
        if not fits(texts.schema.field(at).type):
            raise DataError(f"{stage}: column {name!r} of the texts is {texts.schema.field(at).type}: give {kind}")
        if kind == TEXT[1] and texts.column(at).null_count:
            raise DataError(f"{stage}: column {name!r} of the texts is null in a row: leave that row out")
