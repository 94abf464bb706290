"""Metrics against hand-computed values and against scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as reference

from llm4es.core.tasks import Kind
from llm4es.probe.metrics import METRICS, metrics_for, within

ONES = np.ones((1, 6))


def score(name: str, truth: list[float], scores: list[list[float]], folds: list[int] | None = None) -> float:
    n = len(truth)
    found = METRICS[name].score(np.array(truth), np.array(scores), np.array(folds or [0] * n), np.ones((1, n)))
    return float(found[0])


def both(positive: list[float]) -> list[list[float]]:
    return [[1 - p, p] for p in positive]


def test_roc_auc_counts_pairs_with_ties_half() -> None:
    # positives 0.9 and 0.5, negatives 0.5 and 0.1: pairs right, right, tie, right
    assert score("roc_auc", [1, 1, 0, 0], both([0.9, 0.5, 0.5, 0.1])) == 3.5 / 4


def test_roc_auc_compares_inside_folds_only() -> None:
    # fold 1's scores all lie above fold 0's; inside each fold the order is perfect
    assert score("roc_auc", [0, 1, 0, 1], both([0.1, 0.2, 0.8, 0.9]), [0, 0, 1, 1]) == 1.0
    assert score("roc_auc", [0, 1, 0, 1], both([0.1, 0.2, 0.8, 0.9])) == 0.75


def test_weights_are_copies_of_entities() -> None:
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 2, 30), rng.random((30, 2)).round(1)
    scores[:, 0] = 1 - scores[:, 1]
    folds, copies = np.repeat([0, 1], 15), rng.integers(0, 4, 30)
    again = np.repeat(np.arange(30), copies)
    for name in metrics_for(Kind.BINARY):
        weighted = METRICS[name].score(truth, scores, folds, copies[None].astype(float))
        repeated = METRICS[name].score(truth[again], scores[again], folds[again], np.ones((1, len(again))))
        assert weighted == pytest.approx(repeated, abs=1e-12), name


def test_classification_metrics_equal_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 60)
    scores = rng.dirichlet([1, 1, 1], 60).round(2)
    scores /= scores.sum(axis=1, keepdims=True)
    guess = scores.argmax(axis=1)
    every = np.array([[0], [1], [2]]) == truth
    expected = {
        "roc_auc": reference.roc_auc_score(truth, scores, multi_class="ovr"),
        "accuracy": reference.accuracy_score(truth, guess),
        "average_precision": np.mean([reference.average_precision_score(every[c], scores[:, c]) for c in range(3)]),
        "log_loss": reference.log_loss(truth, np.clip(scores, 1e-15, 1)),
        "macro_f1": reference.f1_score(truth, guess, average="macro"),
    }
    for name, value in expected.items():
        assert score(name, truth.tolist(), scores.tolist()) == pytest.approx(value, abs=1e-9), name


def test_regression_metrics() -> None:
    # truth 1, 2, 3 around 2: deviation 2; errors 0, 0, 1
    assert score("r2", [1, 2, 3], [[1], [2], [2]]) == pytest.approx(1 - 1 / 2)
    assert score("mae", [1, 2, 3], [[1], [2], [2]]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_undefined_without_a_positive(name: str) -> None:
    assert np.isnan(score(name, [0, 0], both([0.1, 0.2])))


def test_r2_is_undefined_for_constant_truth() -> None:
    assert np.isnan(score("r2", [1, 1], [[1], [2]]))


def test_primary_metric_comes_first() -> None:
    assert metrics_for(Kind.BINARY)[0] == "roc_auc"
    assert metrics_for(Kind.MULTICLASS)[0] == "accuracy"
    assert metrics_for(Kind.REGRESSION) == ("r2", "mae")


def test_intervals_stay_inside_what_a_metric_can_be() -> None:
    assert within("roc_auc", (-0.1, 1.2)) == (0, 1)
    assert within("log_loss", (-0.1, 1.2)) == (0, 1.2)
    assert within("r2", (-3.0, 1.2)) == (-3, 1)
    assert within("mae", (-2.0, 400.0)) == (0, 400)
    assert np.isnan(within("accuracy", (float("nan"), float("nan")))).all()
