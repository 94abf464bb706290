"""Vectors made elsewhere: what is taken, and what is refused by its row."""

from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, OptionError
from llm4es.core.hashing import config_id
from llm4es.core.schemas import EMBEDDINGS
from llm4es.core.tasks import BASELINE_NAMES
from llm4es.features.import_vectors import import_vectors
from llm4es.options import ImportOptions

OPTIONS = ImportOptions("coles", "d")


def rows(columns: dict[str, Any], options: ImportOptions = OPTIONS, at_once: int = 2) -> list[dict[str, Any]]:
    batches = pa.table(columns).to_batches(max_chunksize=at_once)
    made = list(import_vectors(batches, options))
    assert all(batch.schema == EMBEDDINGS for batch in made)
    return [row for batch in made for row in batch.to_pylist()]


def test_lists_become_rows_of_embeddings() -> None:
    made = rows({"entity_id": ["a", "b", "c"], "vector": [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]})
    assert [(r["entity_id"], r["vector"], r["dim"], r["k"], r["pooling"], r["model"]) for r in made] == [
        ("a", [1.0, 2.0], 2, 0, "imported", "coles"),
        ("b", [3.0, 4.0], 2, 0, "imported", "coles"),
        ("c", [1.0, 2.0], 2, 0, "imported", "coles"),
    ]
    assert made[0]["source_hash"] == made[2]["source_hash"] != made[1]["source_hash"]
    assert {r["texts"] for r in made} == {None}


@pytest.mark.parametrize(
    "vectors",
    [
        pa.array([[1, 2], [3, 4]], pa.list_(pa.int64())),
        pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float64(), 2)),
        pa.array([[1.0, 2.0], [3.0, 4.0]], pa.large_list(pa.float16())),
    ],
)
def test_any_lists_of_numbers_will_do(vectors: pa.Array) -> None:
    made = rows({"uid": [7, 8], "embedding": vectors, "note": ["x", "y"]})
    assert [(r["entity_id"], r["vector"]) for r in made] == [("7", [1.0, 2.0]), ("8", [3.0, 4.0])]


def test_numbers_side_by_side_are_a_vector() -> None:
    made = rows({"v0": [1.5, 2.5], "client": ["a", "b"], "v1": [3, 4]}, ImportOptions("agg", "d", id="client"))
    assert [r["vector"] for r in made] == [[1.5, 3.0], [2.5, 4.0]]


LIST = pa.list_(pa.float32())


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"entity_id": ["a", "b", "a"], "vector": [[1.0]] * 3}, {}, r"row 3: entity 'a' comes twice"),
        (
            {"entity_id": list("abac"), "vector": [[1.0]] * 3 + [[2.0, 1.0]]},
            {},
            r"row 4: a vector of 2 dimensions after",
        ),
        ({"entity_id": list("abacd"), "vector": [[1.0]] * 4 + [[float("nan")]]}, {}, r"row 3: entity 'a' comes twice"),
        (
            {"entity_id": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]},
            {},
            r"row 2: a vector of 2 dimensions after some of 1",
        ),
        ({"entity_id": ["a", "b", "c"], "vector": [[1.0], [2.0], [1.0, 2.0]]}, {}, r"row 3: a vector of 2 dimensions"),
        ({"entity_id": ["a", "b"], "vector": [[1.0], [float("nan")]]}, {}, r"row 2 \(entity 'b'\).*NaN or infinity"),
        ({"entity_id": ["a"], "vector": [[float("inf")]]}, {}, r"row 1 \(entity 'a'\).*NaN or infinity"),
        ({"entity_id": ["a", "b"], "x": [1.0, None]}, {}, r"row 2: column 'x' is empty"),
        ({"entity_id": ["a", "b"], "vector": pa.array([[1.0], None], LIST)}, {}, r"row 2: column 'vector' is empty"),
        ({"entity_id": ["a", "b"], "vector": pa.array([[1.0], [None]], LIST)}, {}, r"row 2: a vector holds a null"),
        ({"entity_id": ["a"], "vector": pa.array([[]], LIST)}, {}, r"row 1: an empty vector"),
        ({"entity_id": [None, "a"], "vector": [[1.0]] * 2}, {}, r"row 1: column 'entity_id' is empty"),
        ({"entity_id": [1.5], "vector": [[1.0]]}, {}, r"column 'entity_id' holds double, not ids"),
        ({"key": ["a"], "vector": [[1.0]]}, {}, r"no column 'entity_id': name the ids' column with --id"),
        ({"id": ["a"], "x": [1.0], "y": ["b"]}, {}, r"column 'y' is neither a list nor a number"),
        ({"id": ["a"]}, {}, r"no column of vectors and none of numbers"),
        ({"id": ["a"], "p": [[1.0]], "q": [[1.0]]}, {}, r"columns p, q all hold lists: name the vectors' one"),
        ({"id": ["a"], "p": [[1.0]]}, {"vector": "z"}, r"--vector 'z' is no column of lists: there are p"),
        ({"id": [True], "p": [[1.0]]}, {}, r"column 'id' holds bool, not ids: make it text or whole numbers"),
        ({"id": ["a"], "p": [["x"]]}, {}, r"column 'p' holds lists of string, not of numbers"),
        ({"id": pa.array([], pa.string()), "p": pa.array([], LIST)}, {}, r"the file holds no vectors"),
    ],
)
def test_what_is_refused(columns: dict[str, Any], options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(columns, ImportOptions("coles", "d", **options))


@pytest.mark.parametrize("name", ["", "tfidf", "a,b", "a@1", "a+b", "a b", "-a"])
def test_names_that_could_be_misread(name: str) -> None:
    with pytest.raises(OptionError, match="cannot name vectors"):
        ImportOptions(name, "d")


def test_no_vectors_take_the_name_of_a_baseline() -> None:
    for name in BASELINE_NAMES:
        with pytest.raises(OptionError, match="cannot name vectors"):
            ImportOptions(name, "d")


def test_the_configuration_is_the_name() -> None:
    assert config_id(OPTIONS.fingerprint()) == config_id(ImportOptions("coles", "other", id="x").fingerprint())
