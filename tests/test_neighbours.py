"""Neighbours and shared events, by hand."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from llm4es.core.errors import ProbeError
from llm4es.features.feature_set import FeatureSet
from llm4es.features.neighbours import NEIGHBOURS, nearest
from llm4es.features.shared_values import SHARED, shared


def features(ids: list[str], matrix: object) -> FeatureSet:
    return FeatureSet("m@8", ids, matrix, "m", 8, frozenset(), "h")


FOUR = features(["d", "a", "b", "c"], np.array([[0, 2], [1, 0], [3, 0], [1, 1]], dtype=np.float32))


def rows(table: pa.Table) -> list[tuple[str, str, int]]:
    return [(row["entity_id"], row["neighbour"], row["rank"]) for row in table.to_pylist()]


def test_nearest_by_hand() -> None:
    found = nearest(FOUR, ["a"], n=2)
    assert found.schema == NEIGHBOURS
    assert rows(found) == [("a", "b", 1), ("a", "c", 2)]
    assert found["cosine"].to_pylist() == pytest.approx([1.0, 0.5**0.5])


def test_everybody_and_never_oneself() -> None:
    found = nearest(FOUR, n=99)
    assert len(found) == 4 * 3
    assert all(row["entity_id"] != row["neighbour"] for row in found.to_pylist())


def test_ties_keep_the_order_of_the_ids_and_zeros_are_near_nobody() -> None:
    same = features(["c", "b", "a", "z"], np.array([[1.0, 0], [1, 0], [1, 0], [0, 0]]))
    assert rows(nearest(same, ["c"], n=3)) == [("c", "a", 1), ("c", "b", 2), ("c", "z", 3)]
    assert nearest(same, ["z"], n=1)["cosine"].to_pylist() == [0.0]


def test_exact_against_a_full_sort_and_sparse() -> None:
    """By their cosines: of two entities that differ by less than float32 holds, rounding says which is nearer."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(300, 8)).astype(np.float32)
    ids = [f"{i:03}" for i in range(300)]
    units = matrix.astype(float) / np.linalg.norm(matrix.astype(float), axis=1, keepdims=True)
    cosine = units @ units.T - 2 * np.eye(300)  # (N, N)
    expected = -np.sort(-cosine, axis=1)[:, :10]
    found = nearest(features(ids, matrix))
    who = np.array(found["neighbour"].to_pylist(), dtype=int).reshape(300, 10)
    assert all(len(set(row)) == 10 for row in who.tolist())
    assert np.take_along_axis(cosine, who, axis=1) == pytest.approx(expected, abs=1e-5)
    assert np.reshape(found["cosine"].to_pylist(), (300, 10)) == pytest.approx(expected, abs=1e-5)
    assert nearest(features(ids, sparse.csr_matrix(matrix)), n=3).num_rows == 900


def test_unknown_entity_and_no_neighbours() -> None:
    with pytest.raises(ProbeError, match="entity 'x' has no vector in 'm@8': choose one of its 4"):
        nearest(FOUR, ["x"])
    with pytest.raises(ProbeError, match="entities are the text 'a': give a list of ids"):
        nearest(FOUR, "a")
    with pytest.raises(ProbeError, match="features 'm@8' of entity 'b' hold NaN or infinity"):
        nearest(features(["a", "b"], np.array([[1.0], [np.nan]])))
    with pytest.raises(ProbeError, match="events have no column 'film': choose one of entity_id"):
        shared(pa.table({"entity_id": ["a"]}), "a", ["b"], "film")
    with pytest.raises(ProbeError, match="events have no column 'rating': choose one of entity_id, film"):
        shared(pa.table({"entity_id": ["a"], "film": ["x"]}), "a", ["b"], "film", ["rating"])
    with pytest.raises(ProbeError, match="--n 0 is below 1: give the number of neighbours"):
        nearest(FOUR, n=0)
    assert nearest(features(["a"], np.ones((1, 2)))).num_rows == 0


def test_shared_events_rarest_first() -> None:
    events = pa.table(
        {
            "entity_id": ["a", "a", "a", "b", "b", "c", "c", "d"],
            "film": ["x", "x", "y", "x", "y", "y", None, "y"],
        }
    )
    found = shared(events.to_batches(), "a", ["c", "b"], "film")
    assert found.schema == SHARED
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("c", "y", 1, 1, 4, "", ""),
        ("b", "x", 2, 1, 2, "", ""),
        ("b", "y", 1, 1, 4, "", ""),
    ]
    assert shared(events.to_batches(), "a", [], "film").num_rows == 0


def test_what_either_says_of_a_shared_event_without_what_the_value_implies() -> None:
    events = pa.table(
        {
            "entity_id": ["a", "a", "b", "b", "c"],
            "film": ["x", "y", "x", "y", "x"],
            "genre": ["drama", "comedy", "drama", "comedy", "drama"],
            "rating": ["good", "bad", "bad", "good", "good"],
        }
    )
    found = shared(events.to_batches(), "a", ["b", "c"], "film", ["film", "genre", "rating"]).to_pylist()
    assert [(row["value"], row["entity_says"], row["neighbour_says"]) for row in found] == [
        ("y", "bad", "good"),
        ("x", "good", "bad"),
        ("x", "good", "good"),
    ]
