"""Differences judged together: p, interval and power against tables, exact tests and simulated families."""

import math

import numpy as np
import pytest
from scipy import stats

from llm4es.probe.family import adjusted, detectable, honest_error, least_p, p_value, simultaneous


@pytest.mark.parametrize("errors", [0.1, 1.96, 5.0, 12.0, 30.0])
def test_p_value_is_the_normal_one_however_small(errors: float) -> None:
    assert p_value(errors, 1.0) == pytest.approx(2 * stats.norm.sf(errors), rel=1e-9)
    assert p_value(-errors, 1.0) == p_value(errors, 1.0) > 0


def test_p_value_of_nothing_and_of_the_unknown() -> None:
    assert p_value(0.0, 0.0) == p_value(0.1, math.nan) == p_value(1e-17, 1e-18) == 1.0


@pytest.mark.parametrize("members", [2, 6, 15, 40])
def test_separated_entities_give_the_sign_tests_p(members: int) -> None:
    exact = stats.binomtest(members, members, 0.5).pvalue
    assert least_p(members) == pytest.approx(exact)
    error = honest_error(0.5, 0.0, members)
    assert p_value(0.5, error) == pytest.approx(exact, rel=1e-6)
    assert honest_error(0.5, 10.0, members) == 10.0


def test_no_number_of_entities_makes_p_zero() -> None:
    assert 0 < p_value(0.5, honest_error(0.5, 0.0, 10**7)) < 1e-200
    assert p_value(0.5, honest_error(0.5, 0.0, 1)) == 1.0


def test_interval_and_p_agree_always() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5000):
        comparisons, members = int(rng.integers(1, 40)), int(rng.integers(1, 200))
        gap = float(rng.normal(scale=3))
        error = honest_error(gap, float(rng.choice([0.0, abs(rng.normal()), math.nan])), members)
        low, high = simultaneous(gap, error, comparisons)
        assert (low <= 0 <= high) == (adjusted(p_value(gap, error), comparisons) >= 0.05)
        assert low <= gap <= high


def test_intervals_hold_together_and_the_detectable_is_found_four_times_in_five() -> None:
    rng, comparisons = np.random.default_rng(0), 7
    drawn = rng.normal(size=(40_000, comparisons))  # true differences of 0
    _, high = simultaneous(0.0, 1.0, comparisons)
    assert np.mean((np.abs(drawn) < high).all(axis=1)) == pytest.approx(0.95, abs=0.005)
    found = np.abs(drawn[:, 0] + detectable(1.0, comparisons)) > high
    assert found.mean() == pytest.approx(0.8, abs=0.01)
    assert detectable(0.01, 7) == pytest.approx(0.0353, abs=1e-4)  # 2.69 + 0.84 standard errors
    assert detectable(0.01, 1) == pytest.approx(0.028, abs=1e-4)  # 1.96 + 0.84
