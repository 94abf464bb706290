"""Hashes: equal in Python and in SQL."""

import duckdb
import pyarrow as pa
import pytest

from llm4es.core.hashing import combined_hash, combined_hash_sql, text_hash

ROWS = [
    ("one", "raw", "a"),
    ("two", "raw", "a"),
    ("two", "json", "b"),
    ("many", "Prose", "z"),
    ("many", "json", "a"),
    ("many", "\u00e9t\u00e9", "c"),
    ("many", "\U0001f3ac", "d"),
    ("many", "\uff5e", "e"),
    ("twice", "raw", "b"),
    ("twice", "raw", "a"),
]
"""(entity, variant, text): one variant, two, some whose order depends on how letters are compared, and one twice."""


@pytest.mark.parametrize("order", [1, -1])
def test_the_combined_hash_is_the_same_in_sql(order: int) -> None:
    rows = [(entity, variant, text_hash(text)) for entity, variant, text in ROWS[::order]]
    texts = pa.table(dict(zip(("who", "kind", "digest"), map(list, zip(*rows, strict=True)), strict=True)))
    assert texts.num_rows == len(ROWS)
    found = (
        duckdb.connect()
        .execute(f"SELECT who, {combined_hash_sql('kind', 'digest')} FROM texts GROUP BY who")
        .fetchall()
    )
    expected = {entity: combined_hash([row[1:] for row in rows if row[0] == entity]) for entity, *_ in ROWS}
    assert dict(found) == expected


def test_a_single_text_keeps_its_hash_and_order_does_not_matter() -> None:
    assert combined_hash([("raw", "ab")]) == "ab"
    assert combined_hash([("raw", "ab"), ("json", "cd")]) == combined_hash([("json", "cd"), ("raw", "ab")])
    assert combined_hash([("raw", "ab"), ("json", "cd")]) == text_hash("json=cd\nraw=ab")
