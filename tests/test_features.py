"""Feature sets and their content hashes."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from llm4es.core.errors import ProbeError
from llm4es.features.feature_set import Block, FeatureSet, Preprocess, check_finite, join
from llm4es.features.result_hash import result_hash


def features(name: str, ids: list[str], matrix: object, **fields: object) -> FeatureSet:
    given: dict[str, object] = {"model": None, "k": None, "seen": frozenset(), "source_hash": name} | fields
    return FeatureSet(name, ids, matrix, **given)  # type: ignore[arg-type]


def test_join_keeps_the_common_entities_in_the_first_order() -> None:
    one = features("m@8", ["b", "a", "c"], np.array([[1.0], [2.0], [3.0]]), model="m", k=8, seen=frozenset("b"))
    two = features("tfidf", ["a", "b"], sparse.csr_matrix([[5.0, 6.0], [7.0, 8.0]]), preprocess=Preprocess.TFIDF)
    joined = join([one, two])
    assert joined.name == "m@8+tfidf"
    assert list(joined.entity_ids) == ["b", "a"]
    assert joined.matrix.toarray().tolist() == [[1, 7, 8], [2, 5, 6]]
    assert joined.blocks == (Block(1, Preprocess.STANDARD), Block(2, Preprocess.TFIDF))
    assert (joined.model, joined.k, joined.seen) == ("m", 8, frozenset("b"))
    assert join([one]) is one


def test_join_without_a_common_entity() -> None:
    with pytest.raises(ProbeError, match=r"features 'x\+y' have no entity in common: embed the same"):
        join([features("x", ["a"], np.ones((1, 1))), features("y", ["b"], np.ones((1, 1)))])


def test_ids_and_rows_belong_together() -> None:
    with pytest.raises(ProbeError, match="features 'x' have 1 ids for 2 rows: give one id a row"):
        features("x", ["a"], np.ones((2, 1)))
    with pytest.raises(ProbeError, match="features 'x' have two rows for entity 'b': give one row an entity"):
        features("x", ["a", "b", "b"], np.ones((3, 1)))
    with pytest.raises(ProbeError, match=r"are ndarray of shape \(2,\) and type float64: give a matrix of"):
        features("x", ["a", "b"], np.ones(2))
    with pytest.raises(ProbeError, match=r"are list of shape \(\) and type None: give a matrix of numbers"):
        features("x", ["a"], [[1.0]])
    with pytest.raises(ProbeError, match=r"shape \(1, 1\) and type object: give a matrix of numbers"):
        features("x", ["a"], np.array([["1"]], dtype=object))
    with pytest.raises(ProbeError, match="features 'x' have the id 7, which is no text: make all ids text"):
        features("x", [7], np.ones((1, 1)))  # type: ignore[list-item]
    with pytest.raises(ProbeError, match="there are no features to join: give one or more"):
        join([])
    with pytest.raises(ProbeError, match="features 'x' have 1 columns and blocks of another sum"):
        features("x", ["a"], np.ones((1, 1)), blocks=(Block(2, Preprocess.NONE),))


def test_the_first_entity_without_a_number_is_named() -> None:
    matrix = np.array([[1.0, 0.0], [0.0, np.inf], [np.nan, 0.0]])
    for values in (matrix, sparse.csr_matrix(matrix)):
        with pytest.raises(ProbeError, match=r"features 'x' of entity 'b' hold NaN or infinity \(2 entities do\)"):
            check_finite("x", values, ["a", "b", "c"])
        check_finite("x", values[:1], ["a"])


def test_result_hash_follows_features_labels_and_split() -> None:
    labels = pa.table({"entity_id": ["a", "b"], "label": ["x", "y"]})
    other = pa.table({"entity_id": ["a", "b"], "label": ["x", "x"]})
    splits = pa.table({"entity_id": ["a", "b"], "split": ["train", "test"]})
    hashes = {result_hash("f", labels), result_hash("g", labels), result_hash("f", other)}
    assert len(hashes | {result_hash("f", labels, splits)}) == 4
    assert result_hash("f", labels) == result_hash("f", labels.select(["label", "entity_id"]))


def test_importing_features_loads_nothing_heavy() -> None:
    code = "import sys, llm4es.features; print(sorted({'torch', 'sklearn', 'scipy', 'duckdb'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
