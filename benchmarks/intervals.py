"""Are the intervals and the paired test honest? Simulated data sets whose true answer is known.

Each data set has USERS users, a latent taste of five numbers, a binary label drawn from it, and two feature sets that
see the taste through noise of their own, equally strong: their true difference is zero. Counted over the data sets:
how often the 95 % interval of a feature set's AUC covers the true AUC (that of a probe trained on as many users, on a
population of 50,000), and how often the paired test calls the two different.

    python benchmarks/intervals.py --simulations 1000 --users 300
"""

import argparse
import time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from llm4es.compare import compare
from llm4es.config import ProbeOptions
from llm4es.estimators import PROBES
from llm4es.features import FeatureSet
from llm4es.metrics import Kind
from llm4es.probe import probe

WIDTH = 5
SLOPES = np.array([1.0, 0.7, 0.4, 0.2, 0.0])
POPULATION = 50_000


def draw(rng: np.random.Generator, users: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]:
    """Two feature matrices (N, D) and labels (N,)."""
    taste = rng.normal(size=(users, WIDTH))
    label = np.where(rng.random(users) < 1 / (1 + np.exp(-taste @ SLOPES)), "b", "a")
    return taste + rng.normal(size=taste.shape), taste + rng.normal(size=taste.shape), label


def main() -> None:
    """Simulate, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    options = ProbeOptions(workers=args.workers, bootstrap=1)  # the comparison draws its own 1,000 resamples
    crowd, _, crowd_label = draw(np.random.default_rng(args.seed), POPULATION)
    ids = [f"{i:05}" for i in range(args.users)]
    true, intervals, p_values, covered_zero = [], [], [], []
    start = time.perf_counter()
    for simulation in range(args.simulations):
        rng = np.random.default_rng([args.seed, simulation])
        one, two, label = draw(rng, args.users)
        labels = pa.table({"entity_id": ids, "label": label.tolist()})
        results = []
        for name, matrix in (("one", one), ("two", two)):
            features = FeatureSet(name, ids, matrix, None, None, frozenset(), name)
            results.append(probe(features, labels, "label", "binary", options, "simulated"))
        trained = int(args.users * (1 - 1 / options.folds))
        model = PROBES["logistic"](Kind.BINARY, features.scaled_as(), 0, trained).fit(one[:trained], label[:trained])
        true.append(roc_auc_score(crowd_label == "b", model.predict_proba(crowd)[:, 1]))
        table = compare(
            pa.concat_tables([result.probes for result in results]),
            pa.concat_tables([result.predictions for result in results]),
            reference="two",
        )
        row = next(row for row in table.to_pylist() if row["features"] == "one")
        intervals.append((row["ci_low"], row["ci_high"], row["value"]))
        p_values.append(row["p_value"])
        covered_zero.append(row["diff_low"] <= 0 <= row["diff_high"])
        if (simulation + 1) % 100 == 0 or simulation + 1 == args.simulations:
            answer = float(np.mean(true))
            low, high, value = np.array(intervals).T
            print(f"{simulation + 1} data sets of {args.users} users, {options.folds}x{options.repeats} folds, "
                  f"{time.perf_counter() - start:.0f} s")  # fmt: skip
            print(f"  true AUC {answer:.4f}, mean estimate {value.mean():.4f}")
            print(
                f"  95 % interval covers the true AUC: {np.mean((low <= answer) & (answer <= high)):.1%} (aim 93-97 %)"
            )
            print(f"  95 % interval of the difference covers 0: {np.mean(covered_zero):.1%} (aim 93-97 %)")
            false = np.mean(np.array(p_values) < 0.05)
            print(f"  paired test finds a difference that is not there: {false:.1%} (aim <= 6 %)", flush=True)


if __name__ == "__main__":
    main()
