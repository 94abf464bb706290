"""Calibration and lift against scikit-learn and by hand."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss

from llm4es.probe.calibration import Calibration, calibrated_out_of_fold
from llm4es.probe.calibration_figures import brier, calibration_error
from llm4es.probe.lift import Lift, lift
from llm4es.probe.predictions import Scored


class LogOdds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A classifier whose decision is what it is given."""

    def fit(self, x: Any, y: Any) -> "LogOdds":
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, x: Any) -> Any:
        return x[:, 0] if len(self.classes_) == 2 else x

    def predict(self, x: Any) -> Any:
        return np.asarray(self.classes_)[(x[:, 0] > 0).astype(int) if x.shape[1] == 1 else x.argmax(axis=1)]


def overconfident(seed: int = 0, n: int = 400) -> tuple[Any, Any]:
    """(N,) log odds three times too large, shifted, and what came true."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n)
    return 3 * true + 1, (rng.random(n) < 1 / (1 + np.exp(-true))).astype(int)


def two(log_odds: Any) -> Any:
    p = 1 / (1 + np.exp(-log_odds))
    return np.stack([1 - p, p], axis=-1)


def test_two_classes_get_the_curve_that_scikit_learn_fits() -> None:
    log_odds, truth = overconfident()
    theirs = CalibratedClassifierCV(FrozenEstimator(LogOdds().fit(log_odds[:, None], truth)), method="sigmoid")
    theirs.fit(log_odds[:, None], truth)
    ours = Calibration.fit(two(log_odds)[None], truth)
    new = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(ours(two(new)), theirs.predict_proba(new[:, None]), atol=2e-4)
    assert 0.2 < ours.slopes[0] < 0.5  # about a third
    assert Calibration.of_json('{"slopes": [0.5], "intercepts": [1.0]}').as_dict() == {
        "slopes": [0.5],
        "intercepts": [1.0],
    }


def test_several_classes_get_a_curve_each_as_scikit_learn_has_it() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 600)
    logits = rng.normal(size=(600, 3)) + 1.5 * np.eye(3)[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    decision = np.log(p) - np.log1p(-p)
    theirs = CalibratedClassifierCV(FrozenEstimator(LogOdds().fit(decision, truth)), method="sigmoid")
    theirs.fit(decision, truth)
    np.testing.assert_allclose(Calibration.fit(p[None], truth)(p), theirs.predict_proba(decision), atol=2e-4)


def test_scores_worse_than_chance_become_everybodys_share() -> None:
    log_odds, truth = overconfident()
    turned = Calibration.fit(two(-log_odds)[None], truth)
    assert turned.slopes == (0.0,)
    np.testing.assert_allclose(turned(two(np.array([-3.0, 3.0])))[:, 1], truth.mean(), atol=0.01)


def test_an_evaluation_reads_curves_of_other_folds() -> None:
    log_odds, truth = overconfident()
    folds = np.arange(400) % 4
    scored = Scored(
        tuple(map(str, range(400))), ("a", "b"), truth, two(log_odds)[None], folds[None], np.zeros(400, bool)
    )
    found = calibrated_out_of_fold(scored)
    rest = folds != 2
    by_hand = Calibration.fit(two(log_odds[rest])[None], truth[rest])
    np.testing.assert_allclose(found[0, ~rest], by_hand(two(log_odds[~rest])))
    assert brier(found, truth) == pytest.approx(brier_score_loss(truth, found[0, :, 1]))
    assert brier(found, truth) < brier(scored.scores, truth)


def test_brier_of_several_classes_is_the_sum_over_them() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    by_hand = ((0.5 - 1) ** 2 + 0.3**2 + 0.2**2 + 0.1**2 + (0.1 - 1) ** 2 + 0.8**2) / 2
    assert brier(p[None], np.array([0, 1])) == pytest.approx(by_hand)


def test_calibration_error_by_hand_and_equal_scores_stand_together() -> None:
    stated = np.repeat([0.2, 0.7], 10)
    truth = np.array([1] * 5 + [0] * 5 + [1] * 6 + [0] * 4)  # half came true where a fifth was stated; 0.6 where 0.7
    two_classes = np.stack([1 - stated, stated], axis=1)
    assert calibration_error(two_classes[None], truth) == pytest.approx((0.3 + 0.1) / 2)
    shuffled = np.random.default_rng(0).permutation(20)
    assert calibration_error(two_classes[shuffled][None], truth[shuffled]) == pytest.approx(0.2)


def test_lift_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    positive = np.array([1, 0, 1, 0, 0, 0, 0, 0, 1, 1], bool)
    one_fold = np.zeros((1, 10), int)
    assert lift(scores[None], positive, one_fold, 0.2) == Lift(0.2, 2.0, 1.0, 1.25)  # 1 of 2, where 4 of 10 are
    half = lift(scores[None], positive, one_fold, 0.25)  # two and a half entities: the third counts half
    assert (half.n, half.positives) == (2.5, 1.5)
    alike = lift(np.full((1, 10), 0.5), positive, one_fold, 0.1)  # any of the ten may be the first
    assert alike.positives == pytest.approx(0.4)
    assert alike.lift == pytest.approx(1.0)
    halves = np.array([[0] * 5 + [1] * 5])  # of each fold its best fifth, whatever the other's scores are
    assert lift(scores[None], positive, halves, 0.2).positives == pytest.approx(1.0)
    repeats = lift(np.stack([scores, -scores]), positive, np.zeros((2, 10), int), 0.1)
    assert repeats.positives == pytest.approx(1.0)
