"""Predictions as arrays and as rows, there and back."""

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import ProbeError
from llm4es.probe.cohort import Cohort
from llm4es.probe.predictions import Scored, columns, gather, scored
from llm4es.probe.protocols import Fit

COHORT = Cohort(("a", "b", "c", "d"), np.array(["x", "y", "x", "y"]), True, np.arange(4))


def fit(repeat: int, fold: int, test: list[int]) -> Fit:
    return Fit(repeat, fold, np.setdiff1d(np.arange(4), test), np.array(test))


FITS = [fit(0, 0, [2, 0]), fit(0, 1, [1, 3]), fit(1, 0, [0, 1]), fit(1, 1, [3, 2])]
SCORES = [np.array([[p, 1 - p] for p in pair]) for pair in ((0.2, 0.0), (0.1, 0.3), (0.5, 0.6), (0.8, 0.7))]


def test_scores_stand_by_entity_and_repeat() -> None:
    made = gather(COHORT, FITS, SCORES, frozenset("bz"))
    assert made.scores[:, :, 0].tolist() == [[0.0, 0.1, 0.2, 0.3], [0.5, 0.6, 0.7, 0.8]]
    assert made.folds.tolist() == [[0, 1, 0, 1], [0, 0, 1, 1]]
    assert (made.entity_ids, made.classes, made.truth.tolist()) == (("a", "b", "c", "d"), ("x", "y"), [0, 1, 0, 1])
    assert made.seen.tolist() == [False, True, False, False]


def table(made: Scored) -> pa.Table:
    kept = columns(made)
    return pa.table(kept | {"features": pa.array(["m@8"] * len(kept["entity_id"]))})


def test_rows_are_read_back_in_any_order() -> None:
    made = gather(COHORT, FITS, SCORES, frozenset("b"))
    rows = table(made)
    read = scored(rows.take(np.random.default_rng(0).permutation(8)), regression=False)
    for name in ("truth", "scores", "folds", "seen"):
        assert getattr(read, name).tolist() == getattr(made, name).tolist()
    assert (read.entity_ids, read.classes) == (made.entity_ids, made.classes)
    assert read.only(np.array([True, False, False, True])).scores[:, :, 0].tolist() == [[0.0, 0.3], [0.5, 0.8]]


def test_numbers_are_read_back() -> None:
    cohort = Cohort(("a", "b"), np.array([1.5, -2.0]), False, np.arange(2))
    made = gather(cohort, [Fit(0, 0, np.array([1]), np.array([0, 1]))], [np.array([[1.0], [2.0]])], frozenset())
    read = scored(table(made), regression=True)
    assert (read.truth.tolist(), read.scores.tolist(), read.classes) == ([1.5, -2.0], [[[1.0], [2.0]]], ())


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [1.0]], "predictions of 'm@8' have not 2 scores a row: probe again"),
        ([[0.5, 0.5, 0.0], [1.0], [0.5, 0.5], [0.5, 0.5]], "predictions of 'm@8' have not 2 scores a row: probe again"),
        ([[0.5, 0.5]] * 3 + [[np.nan, 1.0]], "predictions of 'm@8' hold NaN or infinity: probe again"),
    ],
)
def test_scores_that_are_none(scores: list[list[float]], message: str) -> None:
    rows = table(gather(COHORT, FITS[:2], SCORES[:2], frozenset()))
    at = rows.schema.get_field_index("y_score")
    with pytest.raises(ProbeError, match=message):
        scored(rows.set_column(at, "y_score", pa.array(scores)), regression=False)
