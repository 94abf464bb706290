"""``similar`` of vectors and events that go by, against plain numpy and plain Python."""

from itertools import groupby
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import llm4es
from llm4es.core.errors import ProbeError
from llm4es.features import varying_columns as looked_at
from llm4es.features.neighbours import nearest_of
from llm4es.features.shared_values import shared_in
from llm4es.features.varying_columns import varying_columns

from . import shop

ASKED = np.array([1, 0, 0], np.float32)


def by_blocks(
    ids: list[str], matrix: NDArray[np.float32], rows: int, n: int, asked: str = "x"
) -> list[tuple[str, float]]:
    blocks = [(pa.array(ids[at : at + rows]), matrix[at : at + rows]) for at in range(0, len(ids), rows)]
    found = nearest_of("m@8", asked, ASKED, blocks, n).to_pylist()
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
    assert {row["entity_id"] for row in found} <= {asked}
    return [(row["neighbour"], row["cosine"]) for row in found]


@pytest.mark.parametrize("rows", [1, 7, 400])
def test_ties_zeros_and_oneself_whatever_the_blocks(rows: int) -> None:
    """Four cosines that there are at all: most are equal, and the ids decide."""
    rng = np.random.default_rng(0)
    matrix = (rng.integers(0, 2, (400, 3)) * 2.0 ** rng.integers(-3, 4, (400, 1))).astype(np.float32)
    ids = [f"u{i:03}" for i in rng.permutation(400)]
    lengths = np.linalg.norm(matrix.astype(float), axis=1)
    cosine = np.round(matrix[:, 0] / np.where(lengths > 0, lengths, 1), 6)
    assert (lengths == 0).any()
    for n in (1, 5, 150, 1000):
        asked = ids[5]
        expected = sorted((-value, name) for value, name in zip(cosine.tolist(), ids, strict=True) if name != asked)[:n]
        found = by_blocks(ids, matrix, rows, n, asked)
        assert [name for name, _ in found] == [name for _, name in expected]
        assert [value for _, value in found] == pytest.approx([-value for value, _ in expected], abs=1e-6)


def test_what_is_no_number_is_named_and_what_is_large_is_not() -> None:
    matrix = np.ones((3, 3), np.float32)
    matrix[2, 1] = 1e30  # its square is more than float32 holds
    assert by_blocks(["a", "b", "c"], matrix, 2, 1)[0][0] == "a"
    for bad in (np.nan, np.inf, -np.inf):
        matrix[2, 1] = bad
        with pytest.raises(ProbeError, match="features 'm@8' of entity 'c' hold NaN or infinity"):
            by_blocks(["a", "b", "c"], matrix, 2, 1)


def test_vectors_in_the_store(tmp_path: Path) -> None:
    """Those that are live alone: some were brought anew, some are gone, another model has others."""
    project = llm4es.Project(shop.write(tmp_path / "shop"), tmp_path / "store")
    project.serialize()
    rng = np.random.default_rng(1)
    vectors = {f"c{i}": rng.normal(size=8).astype(np.float32) for i in range(20)}

    def bring(name: str = "mine") -> None:
        rows = {"entity_id": list(vectors), "vector": [vector.tolist() for vector in vectors.values()]}
        project.import_vectors(pa.table(rows), name, seen="none")

    bring("others")
    vectors |= {"c7": vectors["c2"], "c8": 0 * vectors["c8"]}
    bring()
    vectors |= {f"c{i}": rng.normal(size=8).astype(np.float32) for i in range(10, 15)}
    del vectors["c19"]
    bring()
    found = project.similar("c2", model="mine", n=30).to_arrow().to_pylist()

    def cosine(name: str) -> float:
        one, other = vectors["c2"].astype(float), vectors[name].astype(float)
        return float(one @ other / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-12))

    expected = sorted(vectors.keys() - {"c2"}, key=lambda name: (-round(cosine(name), 6), name))
    assert [row["entity_id"] for row in found] == expected
    assert found[0]["entity_id"] == "c7"
    assert [row["cosine"] for row in found] == pytest.approx([cosine(name) for name in expected], abs=2e-6)
    for entity in ("c19", "nobody"):
        with pytest.raises(ProbeError, match=rf"entity '{entity}' has no vector in 'mine': choose one of its 19"):
            project.similar(entity, model="mine")


@pytest.mark.parametrize("first", [1, 40, 1000])
def test_columns_that_vary_whatever_is_looked_at_first(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """``half`` varies among half of the values, which is not most of them, ``most`` among one more."""
    monkeypatch.setattr(looked_at, "_FIRST", first)
    events = [
        (value, value % 7, i if value < 10 else 0, i if value < 11 else None, i)
        for i in range(5)
        for value in range(20)
    ]
    events += [(value, 0, 0, 0, 0) for value in range(20, 60)]  # of one event each
    Random(0).shuffle(events)
    columns = ["value", "genre", "half", "most", "rating"]
    expected = []
    for name in columns[1:]:
        of_value = [
            {row[columns.index(name)] for row in rows} - {None}
            for rows in (list(group) for _, group in groupby(sorted(events, key=str), key=lambda row: str(row[0])))
            if len(rows) > 1
        ]
        if sum(len(found) > 1 for found in of_value) > len(of_value) / 2:
            expected.append(name)
    assert expected == ["most", "rating"]
    connection = duckdb.connect()
    rows = pa.table({name: list(column) for name, column in zip(columns, zip(*events, strict=True), strict=True)})
    connection.register("events", rows)
    each = "SELECT count(*) AS n FROM events GROUP BY value"
    for more in ("", " UNION ALL SELECT 2 FROM range(30)"):  # by which nothing is sure
        assert varying_columns(connection, "SELECT * FROM events", each + more, columns[1:]) == expected
    assert varying_columns(connection, "SELECT * FROM events", each, []) == []


def test_events_of_more_than_these_are_only_counted() -> None:
    connection = duckdb.connect()
    had = "(VALUES ('a', 'x', 1), ('b', 'x', 2), ('b', 'y', 1)) AS had(entity_id, film, rating)"
    whole = "(VALUES ('x', 1), ('x', 2), ('y', 1), ('y', 1), ('z', 1), ('z', 1)) AS whole(film, rating)"
    alone = shared_in(connection, had, "a", ["b"], "film", ["rating"]).to_pylist()
    assert alone == shared_in(connection, had, "a", ["b"], "film", ["rating"], whole).to_pylist()
    assert [(row["value"], row["entity_says"], row["neighbour_says"], row["n_others"]) for row in alone] == [
        ("x", "1", "2", 2)
    ]


def test_an_event_that_says_nothing_else_is_no_empty_entry() -> None:
    connection = duckdb.connect()
    had = """(VALUES ('a', 'x', NULL), ('a', 'x', 'home'), ('a', 'x', 'list'), ('a', 'y', 'home'), ('a', 'y', 'sale'),
        ('b', 'x', 'list'), ('b', 'x', NULL), ('b', 'y', NULL)) AS had(entity_id, page, before)"""
    rows = shared_in(connection, had, "a", ["b"], "page", ["before"]).to_pylist()
    assert {row["value"]: (row["entity_says"], row["neighbour_says"]) for row in rows} == {
        "x": ("home; list", "list"),
        "y": ("home; sale", ""),
    }
