"""Intervals, standard errors and p-values against hand-computed ones."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from llm4es.probe.predictions import Scored
from llm4es.probe.uncertainty import (
    deciding,
    delong_error,
    interval,
    optimism,
    replicates,
    smallest_class,
    training_variance,
    value_interval,
    values,
    widened,
)


def binary(truth: list[int], *repeats: list[float]) -> Scored:
    scores = np.array([[[1 - p, p] for p in repeat] for repeat in repeats])
    n = len(truth)
    return Scored(
        tuple(f"{i:04}" for i in range(n)),
        ("0", "1"),
        np.array(truth),
        scores,
        np.zeros((len(repeats), n), dtype=np.int64),
        np.zeros(n, dtype=bool),
    )


def test_values_are_one_a_repeat() -> None:
    found = binary([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], [0.1, 0.8, 0.2, 0.0])
    assert values(found, "roc_auc").tolist() == [1.0, 0.75]


def test_delong_error_by_hand() -> None:
    # positives .8 .4 .6, negatives .5 .1: placements of positives 1, .5, 1; of negatives 2/3, 1
    found = binary([1, 1, 1, 0, 0], [0.8, 0.4, 0.6, 0.5, 0.1])
    up, down = np.var([1, 0.5, 1], ddof=1) / 3, np.var([2 / 3, 1], ddof=1) / 2
    assert delong_error(found) == pytest.approx(math.sqrt(up + down))


def test_delong_error_of_a_difference_to_itself_is_zero() -> None:
    found = binary([1, 1, 1, 0, 0], [0.8, 0.4, 0.6, 0.5, 0.1])
    assert delong_error(found, found) == 0


def test_delong_error_needs_two_of_each_class() -> None:
    assert math.isnan(delong_error(binary([1, 0, 0], [0.8, 0.4, 0.6])))


def test_delong_agrees_with_the_bootstrap() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    found = binary(truth.tolist(), (0.5 + 0.1 * truth + 0.1 * rng.normal(size=400)).tolist())
    drawn = replicates(found, "roc_auc", 1000, 0)
    assert delong_error(found) == pytest.approx(drawn.std(ddof=1), rel=0.08)
    low, high = interval(drawn, values(found, "roc_auc")[0], 0.0)
    assert low < values(found, "roc_auc")[0] < high


def test_replicates_are_paired_and_repeatable() -> None:
    found = binary([1, 0, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.3, 0.2, 0.1])
    one, two = (replicates(found, "accuracy", 300, 7) for _ in range(2))
    assert one.tolist() == two.tolist()
    assert len(one) == 300
    assert replicates(found, "accuracy", 300, 8).tolist() != one.tolist()


def test_replicates_of_accuracy_spread_like_a_binomial() -> None:
    found = binary([1] * 100, [0.9] * 80 + [0.1] * 20)
    assert replicates(found, "accuracy", 4000, 0).std() == pytest.approx(math.sqrt(0.8 * 0.2 / 100), rel=0.05)


def test_interval_leaves_undefined_resamples_out() -> None:
    assert interval(np.array([np.nan, 1.0, 1.0]), 1.0, 0.0) == (1.0, 1.0)
    assert all(math.isnan(end) for end in interval(np.array([np.nan]), 1.0, 0.0))


def test_interval_widens_by_an_extra_variance() -> None:
    drawn = np.linspace(-1, 1, 1001)  # variance 1/3, 95 % within +- 0.95
    assert interval(drawn, 0.0, 0.0) == pytest.approx((-0.95, 0.95))
    assert interval(drawn, 0.0, 3 * drawn.var()) == pytest.approx((-1.9, 1.9))  # four times the variance
    assert interval(np.ones(9), 1.0, 0.01) == pytest.approx((1 - 0.196, 1 + 0.196), abs=1e-4)


def test_training_variance_is_the_jackknifes() -> None:
    # AUC 1.0 and 0.75 in the two repeats: variance (ddof 1) 0.03125; two folds: times 1
    found = binary([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], [0.1, 0.8, 0.2, 0.0])
    folds = np.array([[0, 1, 0, 1], [0, 1, 0, 1]])
    crossed = dataclasses.replace(found, folds=folds)
    assert values(crossed, "accuracy").tolist() == [1.0, 0.75]
    assert training_variance(crossed, "accuracy") == pytest.approx(0.03125)
    assert training_variance(crossed, "accuracy", crossed) == 0
    assert training_variance(found, "accuracy") == 0  # one split: about the models that were fitted
    once = dataclasses.replace(crossed, scores=crossed.scores[:1], folds=folds[:1])
    assert training_variance(once, "accuracy") == 0  # one repeat cannot tell
    assert training_variance(crossed, "accuracy", once) == pytest.approx(0.03125)


def test_evidence_is_bounded_by_who_decides() -> None:
    found = binary([1, 1, 0, 0, 0], [0.9, 0.8, 0.2, 0.1, 0.3])
    assert (smallest_class(found), deciding(found, "roc_auc"), deciding(found, "accuracy")) == (2, 2, 5)
    three = dataclasses.replace(found, classes=("a", "b", "c"), truth=np.array([0, 0, 1, 1, 2]))
    assert (smallest_class(three), deciding(three, "roc_auc")) == (1, 5)  # the other classes tell too
    numbers = dataclasses.replace(found, classes=(), truth=np.arange(5.0))
    assert deciding(numbers, "r2") == 5


@pytest.mark.parametrize("few", [2, 6, 15])
def test_the_interval_of_separated_entities_is_the_exact_one(few: int) -> None:
    right = binary([1] * few + [0] * 30, [0.9] * few + [0.1] * 30)
    low, high = value_interval(right, "roc_auc", np.ones(10), 1.0)
    assert low == pytest.approx(stats.binomtest(few, few).proportion_ci().low)
    assert high == 1
    low, _ = value_interval(right, "accuracy", np.ones(10), 1.0)
    assert low == pytest.approx(stats.binomtest(few + 30, few + 30).proportion_ci().low)
    wrong = binary([0] * few + [1] * 30, [0.9] * few + [0.1] * 30)
    assert value_interval(wrong, "roc_auc", np.zeros(10), 0.0)[1] == pytest.approx(1 - 0.025 ** (1 / few))
    assert value_interval(right, "log_loss", np.full(10, 0.1), 0.1) == (0.1, 0.1)


def test_the_best_of_equals_is_flattered_as_by_the_largest_of_normal_draws() -> None:
    rng = np.random.default_rng(0)
    apart = [rng.normal(size=20_000) for _ in range(7)]
    assert optimism(apart) == pytest.approx(1.352, abs=0.02)  # of 7 standard normals: tables of order statistics
    assert optimism([apart[0]] * 7) == pytest.approx(0, abs=0.02)  # seven times the same: nothing is chosen
    assert optimism([np.array([1.0, np.nan]), np.array([0.5, 2.0])]) == 1.0


def test_deviations_are_widened_by_an_extra_variance() -> None:
    deviations = np.array([-1.0, 1.0])
    assert widened(deviations, 3.0).tolist() == [-2.0, 2.0]
    assert widened(np.zeros(2), 3.0).tolist() == [0.0, 0.0]


def test_an_interval_holds_its_value_also_where_resamples_are_biased() -> None:
    outside = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth, scores = rng.permutation(np.arange(60) % 3), rng.dirichlet(np.ones(3), (2, 60))
        folds = np.tile(np.arange(60) % 3, (2, 1))
        ids = tuple(f"{i:04}" for i in range(60))
        found = Scored(ids, ("a", "b", "c"), truth, scores, folds, np.zeros(60, dtype=bool))
        drawn = replicates(found, "average_precision", 200, 0)
        value = float(values(found, "average_precision").mean())
        low, high = value_interval(found, "average_precision", drawn, value)
        assert low <= value <= high
        outside += int(value < np.percentile(drawn, 2.5))
    assert outside  # an average precision is below nearly all of its resamples where nothing is told


def test_repeats_of_new_items_count_the_items_left_out() -> None:
    """A jackknife that leaves out d of n items weighs the variance over repeats by (n - d) / d."""
    rng = np.random.default_rng(0)
    truth, folds = np.arange(40) % 2, np.tile(np.arange(5), (3, 8))
    scores = rng.random((3, 40, 1))
    ids = tuple(map(str, range(40)))
    known = Scored(ids, ("a", "b"), truth, np.concatenate([1 - scores, scores], axis=2), folds, np.zeros(40, bool))
    spread = float(np.var(values(known, "roc_auc"), ddof=1))
    assert training_variance(known, "roc_auc") == pytest.approx(4 * spread)  # of five folds
    for left_out, factor in ((0.5, 1), (0.25, 3), (0.75, 1 / 3)):
        assert training_variance(dataclasses.replace(known, left_out=left_out), "roc_auc") == pytest.approx(
            factor * spread
        )
