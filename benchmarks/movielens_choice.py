"""What is made of several probes: their log odds averaged, and the best of them chosen without looking at the test.

In: probed feature sets of one task. Out: more results of the same shape. A fusion fits nothing. A choice is made anew
in every outer fold, by cross-validation of that fold's training part alone.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.movielens_tries import DATASET
from llm4es.features.feature_set import FeatureSet
from llm4es.features.result_hash import result_hash
from llm4es.options import ProbeOptions
from llm4es.probe import probe

Result = tuple[pa.Table, pa.Table]
"""Metrics and predictions of one feature set."""

FUSED_BASELINES = "fused: tfidf, aggregates"
EVENTS, ANSWERS, STATES = "events mean six groups", "films answers", "films states whitened"
LIKES = "films states whitened, with likes"
FUSED = {
    FUSED_BASELINES: ("tfidf", "aggregates"),
    "fused: tfidf, events": ("tfidf", EVENTS),
    "fused: tfidf, answers": ("tfidf", ANSWERS),
    "fused: tfidf, states": ("tfidf", STATES),
    "fused: tfidf, likes": ("tfidf", LIKES),
    "fused: tfidf, answers, states": ("tfidf", ANSWERS, STATES),
    "fused: tfidf, answers, likes": ("tfidf", ANSWERS, LIKES),
    "fused: tfidf, events, answers": ("tfidf", EVENTS, ANSWERS),
    "fused: tfidf, aggregates, events": ("tfidf", "aggregates", EVENTS),
    "fused: tfidf, aggregates, answers": ("tfidf", "aggregates", ANSWERS),
    "fused: tfidf, aggregates, answers, states": ("tfidf", "aggregates", ANSWERS, STATES),
    "fused: tfidf, aggregates, answers, likes": ("tfidf", "aggregates", ANSWERS, LIKES),
    "fused: tfidf, aggregates, events, answers, states": ("tfidf", "aggregates", EVENTS, ANSWERS, STATES),
}
"""Feature sets whose probes' log odds are averaged; the first is the control that has no language model."""

ALONE = ("k=8", "six groups", EVENTS, "events six groups whitened, with likes", ANSWERS, STATES, LIKES)
"""How the names end that a choice among vectors alone is made of."""

BESIDE = tuple(f"{name}{more}" for name in ALONE for more in ("+tfidf", "+aggregates+tfidf"))
"""How the names end of vectors beside TF-IDF."""


def families(tried: Sequence[FeatureSet]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Choices: what may be chosen, and the probes that each candidate is the mean of.

    Models that have read some of the users' texts in training are left out: such a gain would need a doubt.
    """
    alone = [each.name for each in tried if each.name.endswith(ALONE) and not each.seen]
    beside = [each.name for each in tried if each.name.endswith(BESIDE) and not each.seen]
    known = {each.name for each in tried} | {"tfidf", "aggregates"}
    fused = {name: parts for name, parts in FUSED.items() if known.issuperset(parts)}
    return {
        "chosen: vectors alone": {name: (name,) for name in alone},
        "chosen: TF-IDF, alone or beside vectors": {name: (name,) for name in ["tfidf", *beside]},
        "chosen: TF-IDF, alone or fused": {"tfidf": ("tfidf",), **fused},
    }


def fused(results: Sequence[Result]) -> Iterator[Result]:
    """Means of the log odds of several probes: nothing is fitted, so nothing is chosen."""
    by_name = {metrics["features"][0].as_py(): (metrics, predictions) for metrics, predictions in results}
    for name, parts in FUSED.items():
        if not all(part in by_name for part in parts):
            continue
        table = _ordered(by_name[parts[0]][1])
        odds = np.mean([log_odds(by_name[part][1]) for part in parts], axis=0)  # (R * N,)
        p = 1 / (1 + np.exp(-odds))
        scores = pa.array(np.stack([1 - p, p], axis=1).tolist(), pa.list_(pa.float64()))
        predictions = table.set_column(table.schema.get_field_index("y_score"), "y_score", scores)
        yield _named(name, None if name == FUSED_BASELINES else "fused", predictions, by_name[parts[0]][0])


def log_odds(predictions: pa.Table) -> NDArray[np.float64]:
    """(R * N,) log odds of the second class, by repeat and entity."""
    scores = _ordered(predictions)["y_score"].combine_chunks().flatten()
    p = np.asarray(scores).reshape(-1, 2)[:, 1].clip(1e-6, 1 - 1e-6)
    odds: NDArray[np.float64] = np.log(p / (1 - p))
    return odds


def chosen(
    name: str,
    candidates: Mapping[str, tuple[str, ...]],
    features: Mapping[str, FeatureSet],
    results: Sequence[Result],
    labels: pa.Table,
    args: argparse.Namespace,
) -> Result:
    """Predictions of every outer fold from the candidate that its training part alone prefers."""
    scored = {metrics["features"][0].as_py(): (metrics, predictions) for metrics, predictions in results}
    metrics, outer = next(iter(scored.values()))
    task = metrics["task"][0].as_py()
    content = " ".join(features[part].source_hash for parts in candidates.values() for part in parts)
    path = Path(args.out) / f"{task}-chosen-{result_hash(' '.join([name, *candidates, content]), labels)[:16]}.parquet"
    if not path.exists():
        kept = []
        folds = sorted(set(zip(outer["repeat"].to_pylist(), outer["fold"].to_pylist(), strict=True)))
        for repeat, fold in folds:
            held = outer.filter((pc.field("repeat") == repeat) & (pc.field("fold") == fold))["entity_id"]
            train = labels.filter(pc.invert(pc.is_in(labels["entity_id"], held.combine_chunks())))
            inner = _inner(candidates, features, train, task, args)
            best = max(inner, key=lambda candidate: inner[candidate])
            print(f"{task} {name}, repeat {repeat} fold {fold}: {best} ({inner[best]:.3f} inside)", flush=True)
            kept.append(scored[best][1].filter((pc.field("repeat") == repeat) & (pc.field("fold") == fold)))
        pq.write_table(pa.concat_tables(kept), path)
    return _named(name, "chosen", pq.read_table(path), metrics)


def _inner(
    candidates: Mapping[str, tuple[str, ...]],
    features: Mapping[str, FeatureSet],
    train: pa.Table,
    task: str,
    args: argparse.Namespace,
) -> dict[str, float]:
    """ROC-AUC of each candidate, out of fold inside the training part."""
    options = ProbeOptions(folds=3, repeats=1, bootstrap=1, workers=args.workers)
    parts = {part for parts in candidates.values() for part in parts}
    found = {part: probe(features[part], train, task, "binary", options, DATASET).predictions for part in parts}
    odds = {part: log_odds(table) for part, table in found.items()}  # (N,) each
    truth = _ordered(next(iter(found.values())))["y_true"].to_numpy()
    return {
        name: float(roc_auc_score(truth, np.mean([odds[part] for part in parts], axis=0)))
        for name, parts in candidates.items()
    }


def _ordered(predictions: pa.Table) -> pa.Table:
    return predictions.sort_by([("repeat", "ascending"), ("entity_id", "ascending")])


def _named(name: str, model: str | None, predictions: pa.Table, like: pa.Table) -> Result:
    """A result under its own name; ``like``: metrics of a probe of the same task."""
    column = predictions.schema.get_field_index("features")
    predictions = predictions.set_column(column, "features", pa.array([name] * predictions.num_rows))
    row = like.slice(0, 1).to_pylist()[0] | {"features": name, "model": model, "k": None}
    return pa.Table.from_pylist([row], schema=like.schema), predictions
