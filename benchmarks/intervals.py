"""Are the intervals and the paired test honest? Simulated data sets whose true answer is known.

Each data set has USERS users, a latent taste, a binary label drawn from its first numbers, and two feature sets of
WIDTH columns that see the taste through noise of their own, equally strong: their true difference is zero. Counted
over the data sets: how often the 95 % interval of a feature set's AUC covers the true AUC (that of a probe trained on
as many users, on a population of 30,000), and how often the paired test calls the two different; beside it the same
without the share of the training set, as most papers compute it.

The probe is ridge regression in closed form, so that a thousand data sets take minutes; folds, predictions, intervals
and test are the package's own.

    python benchmarks/intervals.py --simulations 1000 --users 300 --widths 5,50,200
"""

import time

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.measure import parser
from llm4es.options import ProbeOptions
from llm4es.probe.cohort import Cohort
from llm4es.probe.predictions import Scored, gather
from llm4es.probe.protocols import PROTOCOLS
from llm4es.probe.uncertainty import delong_error, interval, p_value, replicates, training_variance, values

SLOPES = np.array([1.0, 0.7, 0.4, 0.2, 0.0])
POPULATION = 30_000
OPTIONS = ProbeOptions()

COLUMNS = ("columns", "data sets", "true AUC", "mean estimate", "coverage, entities alone", "coverage",
           "coverage of no difference", "false findings, entities alone", "false findings", "seconds")  # fmt: skip

Floats = NDArray[np.float64]


def draw(rng: np.random.Generator, users: int, width: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Two feature matrices (N, D) and labels (N,)."""
    taste = rng.normal(size=(users, width))
    label = rng.random(users) < 1 / (1 + np.exp(-taste[:, : len(SLOPES)] @ SLOPES))
    return taste + rng.normal(size=taste.shape), taste + rng.normal(size=taste.shape), label.astype(np.int64)


def fitted(x: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Means and slopes (D,) of a ridge regression, stronger for wider features."""
    centred = x - x.mean(axis=0)
    penalty = (2 + 5 * x.shape[1]) * np.eye(x.shape[1])
    return x.mean(axis=0), np.linalg.solve(centred.T @ centred + penalty, centred.T @ (y - y.mean()))


def cross_validated(x: Floats, y: NDArray[np.int64], cohort: Cohort) -> Scored:
    """Out-of-fold predictions by the package's folds."""
    fits = PROTOCOLS["cv"].fits(cohort, OPTIONS)
    scores = []
    for fit in fits:
        mean, slopes = fitted(x[fit.train], y[fit.train])
        p = 1 / (1 + np.exp(-(x[fit.test] - mean) @ slopes))  # (N tested,)
        scores.append(np.stack([1 - p, p], axis=1))
    return gather(cohort, fits, scores, frozenset())


def simulate(users: int, width: int, simulations: int, seed: int) -> None:
    """Count over the data sets, print."""
    start = time.perf_counter()
    crowd, _, crowd_label = draw(np.random.default_rng([seed, width]), POPULATION, width)
    ids = tuple(f"{i:06}" for i in range(users))
    true, estimates, plain, full, false_plain, false_full, zero = [], [], [], [], [], [], []
    for simulation in range(simulations):
        one, two, label = draw(np.random.default_rng([seed, width, simulation]), users, width)
        cohort = Cohort(ids, label, True, np.arange(users))
        a, b = cross_validated(one, label, cohort), cross_validated(two, label, cohort)
        trained = int(users * (1 - 1 / OPTIONS.folds))
        mean, slopes = fitted(one[:trained], label[:trained])
        true.append(roc_auc_score(crowd_label, (crowd - mean) @ slopes))
        value, other = values(a, "roc_auc").mean(), values(b, "roc_auc").mean()
        estimates.append(value)
        drawn, drawn_other = (replicates(each, "roc_auc", OPTIONS.bootstrap, OPTIONS.seed) for each in (a, b))
        extra, extra_paired = training_variance(a, "roc_auc"), training_variance(a, "roc_auc", b)
        plain.append(interval(drawn, value, 0.0))
        full.append(interval(drawn, value, extra))
        low, high = interval(drawn - drawn_other, value - other, extra_paired)
        zero.append(low <= 0 <= high)
        sampling = delong_error(a, b)
        false_plain.append(p_value(value - other, sampling) < 0.05)
        false_full.append(p_value(value - other, float(np.sqrt(sampling**2 + extra_paired))) < 0.05)
    answer = np.mean(true)

    def covered(intervals: list[tuple[float, float]]) -> float:
        low, high = np.array(intervals).T
        return float(np.mean((low <= answer) & (answer <= high)))

    cells = [answer, np.mean(estimates), covered(plain), covered(full), np.mean(zero), np.mean(false_plain)]
    shown = " | ".join(f"{cell:.3f}" for cell in [*cells, np.mean(false_full)])
    print(f"| {width} | {simulations} | {shown} | {time.perf_counter() - start:.0f} |", flush=True)


def main() -> None:
    """One row of the table a width."""
    args = parser(__doc__, "seed", simulations=1000, users=300, widths="5,50,200").parse_args()
    print(
        f"{args.users} users, {OPTIONS.folds}x{OPTIONS.repeats} folds; aims: coverage 0.93-0.97, false findings <= 0.06"
    )
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    for width in args.widths.split(","):
        simulate(args.users, int(width), args.simulations, args.seed)


if __name__ == "__main__":
    main()
