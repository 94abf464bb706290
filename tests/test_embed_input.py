"""What cannot be embedded: one line each."""

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, ModelError
from llm4es.embed import embed
from llm4es.options import EmbedOptions

from . import tiny
from .test_embed import run
from .tiny import texts


def test_nan_says_layer_and_text() -> None:
    message = r"layer 2 of counting gave NaN or infinity on text 'json' of entity 'b': use --dtype float32"
    with pytest.raises(ModelError, match=message):
        run(texts(("a", "json", "1 2"), ("b", "json", f"1 {tiny.BROKEN}")), texts=("json",))


def test_a_text_without_tokens() -> None:
    with pytest.raises(DataError, match=r"the text 'raw' of entity 'a' has no tokens: leave the entity out"):
        run(texts(("a", "")))


def test_a_length_above_the_context() -> None:
    with pytest.raises(ModelError, match=r"--max-length 65 is above the context of counting: give 64 or less"):
        run(texts(("a", "1")), max_length=65)


def test_an_entity_whose_rows_lie_apart() -> None:
    """It would get two vectors, each of a part of its variants."""
    apart = texts(("b", "raw", "1 2"), ("a", "raw", "3"), ("b", "json", "4"))
    with pytest.raises(DataError, match=r"embed: the texts of entity 'b' lie apart: sort the rows by dataset and enti"):
        run(apart, texts=("all",))
    with pytest.raises(DataError, match=r"the texts of entity 'b' lie apart"):
        run(texts(("b", "1")), texts(("a", "2")), texts(("b", "3")))
    assert len(run(texts(("b", "1"), ("a", "2")))) == 2  # any order of entities is an order


def test_a_table_that_is_not_handed_in_batches() -> None:
    table = pa.Table.from_batches([texts(("a", "1"))])
    with pytest.raises(DataError, match=r"embed: ChunkedArray is no record batch: give table\.to_batches\(\)"):
        list(embed(table, tiny.counting(), EmbedOptions(max_length=8)))


@pytest.mark.parametrize(
    "column", ["dataset", "entity_id", "variant", "text", "text_hash", "event_offsets", "n_events"]
)
def test_a_column_that_is_missing(column: str) -> None:
    with pytest.raises(DataError, match=rf"embed: the texts have no column '{column}' \(there are .*\): give rows of"):
        run(texts(("a", "1")).drop_columns([column]))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("entity_id", pa.array([7]), "column 'entity_id' of the texts is int64: give texts"),
        ("text", pa.array([b"1"]), "column 'text' of the texts is binary: give texts"),
        (
            "event_offsets",
            pa.array(["0"]),
            "column 'event_offsets' of the texts is string: give lists of whole numbers",
        ),
        ("n_events", pa.array([0.5]), "column 'n_events' of the texts is double: give whole numbers"),
        ("text", pa.array([None], pa.string()), "column 'text' of the texts is null in a row: leave that row out"),
    ],
)
def test_a_column_of_another_type(column: str, values: pa.Array, message: str) -> None:
    rows = texts(("a", "1"))
    at = rows.schema.get_field_index(column)
    spoiled = rows.set_column(at, column, values)
    with pytest.raises(DataError, match=f"embed: {message}"):
        run(spoiled)


def test_other_widths_of_the_same_types_will_do() -> None:
    rows = texts(("a", "1 2"))
    kinds = {"text": pa.large_string(), "n_events": pa.int64(), "event_offsets": pa.large_list(pa.int64())}
    for name, kind in kinds.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, rows.column(at).cast(kind))
    assert run(rows) == run(texts(("a", "1 2")))
