"""Are the intervals and the paired test honest? Simulated data sets whose true answer is known.

Each data set has USERS users, a latent taste, a label drawn from its first numbers (two classes of the given shares, or
a number), and feature sets of WIDTH columns. Two see the taste through noise of their own, equally strong: their true
difference is zero; one is noise alone, beside a majority that knows the classes' shares only. Counted over the data
sets: how often the 95 % interval of a feature set's metric covers the true one (that of a probe trained on as many
users, on a population of 10,000), how often the paired test calls the equal two different, and how often it calls the
noise better or worse than the majority (the ROC-AUC of both is 0.5; R2 of noise is truly worse); beside it what is had
where the share of the training set is left out, as most papers compute it and as a single repeat has to.

The probe is ridge regression, whose fits to all but a fold follow from one fit to everybody (the identity behind
leave-one-out), so that thousands of data sets take minutes; folds, metrics, intervals and test are the package's own.

    python benchmarks/intervals.py --simulations 400 --users 60,200,1000 --shares 10,50 --widths 5,600
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import parser
from llm4es.options import ProbeOptions
from llm4es.probe.cohort import Cohort
from llm4es.probe.family import honest_error, p_value
from llm4es.probe.metrics import METRICS
from llm4es.probe.predictions import Scored, gather
from llm4es.probe.protocols import PROTOCOLS, Fit
from llm4es.probe.uncertainty import deciding, difference_error, interval, training_variance, value_interval, values

SLOPES = np.array([1.0, 0.7, 0.4, 0.2, 0.0])
POPULATION = 10_000
OPTIONS = ProbeOptions()

COLUMNS = ("users", "in the smaller class", "columns", "metric", "data sets", "true", "mean estimate", "coverage",
           "without the training share", "equal called different", "without the training share",
           "noise called better than majority", "and worse", "seconds")  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """A population: its features, labels, and where the label's classes part."""

    x: Floats  # (POPULATION, D)
    y: Floats  # (POPULATION,)
    cut: float | None  # None: the label is a number


def taste_of(rng: np.random.Generator, users: int) -> tuple[Floats, Floats]:
    """Taste (N, 5) and the number behind the label (N,)."""
    taste = rng.normal(size=(users, len(SLOPES)))
    return taste, taste @ SLOPES + rng.logistic(size=users)


def seen(rng: np.random.Generator, taste: Floats, width: int) -> Floats:
    """(N, D) the taste among columns without meaning, through noise."""
    columns = np.concatenate([taste, np.zeros((len(taste), width - taste.shape[1]))], axis=1)
    return columns + rng.normal(size=columns.shape)


def population(rng: np.random.Generator, width: int, share: float | None) -> Truth:
    """A crowd to score on."""
    taste, number = taste_of(rng, POPULATION)
    cut = None if share is None else float(np.quantile(number, 1 - share))
    return Truth(seen(rng, taste, width), number if cut is None else (number > cut).astype(float), cut)


def sample(rng: np.random.Generator, users: int, share: float | None, cut: float | None) -> tuple[Floats, Floats]:
    """Taste (N, 5) and labels (N,), with exactly the share in the smaller class."""
    taste, number = taste_of(rng, users if cut is None or share is None else int(4 * users / share))
    if cut is None or share is None:
        return taste, number
    few = round(share * users)
    chosen = np.concatenate([np.flatnonzero(number > cut)[:few], np.flatnonzero(number <= cut)[: users - few]])
    return taste[chosen], (number[chosen] > cut).astype(float)


class Ridge:
    """Ridge regression on everybody: predictions of fits to a part follow from it."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y
        self.penalty = 2 + 5 * x.shape[1]
        centred = x - x.mean(axis=0)
        gram = centred @ centred.T  # (N, N)
        self.hat = gram @ np.linalg.inv(gram + self.penalty * np.eye(len(y))) + 1 / len(y)  # (N, N)
        self.left = y - self.hat @ y  # (N,)

    def without(self, rows: NDArray[np.int64]) -> Floats:
        """Predictions of ``rows`` by the fit to all others."""
        part = np.eye(len(rows)) - self.hat[np.ix_(rows, rows)]
        predicted: Floats = self.y[rows] - np.linalg.solve(part, self.left[rows])
        return predicted

    def on(self, crowd: Floats, trained: NDArray[np.int64]) -> Floats:
        """Predictions of a crowd by the fit to ``trained``."""
        x, y = self.x[trained], self.y[trained]
        centred = x - x.mean(axis=0)
        weights = np.linalg.solve(centred @ centred.T + self.penalty * np.eye(len(y)), y - y.mean())
        slopes = centred.T @ weights  # (D,)
        predicted: Floats = (crowd - x.mean(axis=0)) @ slopes + y.mean()
        return predicted


def scored_by(predictions: Sequence[Floats], cohort: Cohort, fits: Sequence[Fit]) -> Scored:
    """Out-of-fold predictions by the package's folds; the order of those below 0 and above 1 is kept."""
    scores = [np.stack([1 - p, p], axis=1) if cohort.classes else p[:, None] for p in predictions]
    return gather(cohort, fits, scores, frozenset())


def metric_of(metric: str, scored: Scored, weights: Floats) -> Floats:
    """(B,) the metric's mean over repeats for each weighting."""
    score = METRICS[metric].score
    each = [score(scored.truth, s, f, weights) for s, f in zip(scored.scores, scored.folds, strict=True)]
    mean: Floats = np.mean(each, axis=0)
    return mean


@dataclass
class Counts:
    """What is counted of one metric."""

    metric: str
    true: list[float]
    estimates: list[float]
    full: list[tuple[float, float]]
    plain: list[tuple[float, float]]
    false: list[bool]
    false_plain: list[bool]
    better: list[bool]
    worse: list[bool]

    def add(self, true: float, sets: Sequence[Scored], weights: Floats) -> None:
        """One data set: two equal feature sets, noise, majority."""
        drawn = [metric_of(self.metric, each, weights) for each in sets]
        value = [float(values(each, self.metric).mean()) for each in sets]
        one, two, noise, majority = sets
        self.true.append(true)
        self.estimates.append(value[0])
        self.full.append(value_interval(one, self.metric, drawn[0], value[0]))
        self.plain.append(interval(drawn[0], value[0], 0.0))
        gap, error = value[0] - value[1], difference_error(one, two, drawn[0] - drawn[1], self.metric)
        bare = max(error**2 - training_variance(one, self.metric, two), 0.0) ** 0.5
        members = deciding(one, self.metric)
        self.false.append(p_value(gap, honest_error(gap, error, members)) < 0.05)
        self.false_plain.append(p_value(gap, honest_error(gap, bare, members)) < 0.05)
        gap = value[2] - value[3]
        error = difference_error(noise, majority, drawn[2] - drawn[3], self.metric)
        told = p_value(gap, honest_error(gap, error, members)) < 0.05
        self.better.append(told and gap > 0)
        self.worse.append(told and gap < 0)

    def shown(self) -> str:
        """Cells of the table."""
        answer = float(np.mean(self.true))
        covered = [np.mean([low <= answer <= high for low, high in each]) for each in (self.full, self.plain)]
        cells = [answer, np.mean(self.estimates), *covered, np.mean(self.false), np.mean(self.false_plain)]
        return " | ".join(f"{cell:.3f}" for cell in [*cells, np.mean(self.better), np.mean(self.worse)])


def simulate(users: int, share: float | None, width: int, simulations: int, seed: int) -> None:
    """Count over the data sets, print a row a metric."""
    start = time.process_time()
    crowd = population(np.random.default_rng([seed, width]), width, share)
    ids = tuple(f"{i:06}" for i in range(users))
    every = np.full(users, 1 / users)
    weights = np.random.default_rng(OPTIONS.seed).multinomial(users, every, size=OPTIONS.bootstrap).astype(float)
    counts = [Counts(m, [], [], [], [], [], [], [], []) for m in (("roc_auc", "accuracy") if share else ("r2",))]
    one_crowd, no_folds = np.ones((1, POPULATION)), np.zeros(POPULATION, dtype=np.int64)
    for simulation in range(simulations):
        rng = np.random.default_rng([seed, width, users, simulation])
        taste, y = sample(rng, users, share, crowd.cut)
        label = y.astype(np.int64) if share else y
        cohort = Cohort(ids, label, share is not None, np.arange(users))
        fits = PROTOCOLS["cv"].fits(cohort, OPTIONS)
        views = [seen(rng, taste, width), seen(rng, taste, width), rng.normal(size=(users, width))]
        ridges = [Ridge(view, y) for view in views]
        sets = [scored_by([ridge.without(fit.test) for fit in fits], cohort, fits) for ridge in ridges]
        sets.append(scored_by([np.full(len(fit.test), y[fit.train].mean()) for fit in fits], cohort, fits))
        predicted = ridges[0].on(crowd.x, fits[0].train)
        scores = np.stack([1 - predicted, predicted], axis=1) if share else predicted[:, None]
        truth = crowd.y.astype(np.int64) if share else crowd.y
        for each in counts:
            true = METRICS[each.metric].score(truth, scores, no_folds, one_crowd)[0]
            each.add(float(true), sets, weights)
    for each in counts:
        few = "" if share is None else f"{round(share * users)}"
        spent = time.process_time() - start
        print(
            f"| {users} | {few} | {width} | {each.metric} | {simulations} | {each.shown()} | {spent:.0f} |", flush=True
        )


def main() -> None:
    """A row a combination."""
    args = parser(
        __doc__, "seed", simulations=400, users="60,200,1000", shares="10,50", widths="5,600", numbers="yes"
    ).parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    shares = [float(share) / 100 for share in args.shares.split(",") if share]
    for users in map(int, args.users.split(",")):
        for width in map(int, args.widths.split(",")):
            for share in [*shares, *([None] if args.numbers == "yes" else [])]:
                simulate(users, share, width, args.simulations, args.seed)


if __name__ == "__main__":
    main()
