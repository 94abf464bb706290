"""Probes of data whose answer is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler, normalize

from llm4es.core.errors import ProbeError
from llm4es.core.schemas import PREDICTIONS, PROBES
from llm4es.features.feature_set import FeatureSet
from llm4es.options import ProbeOptions
from llm4es.probe import probe
from llm4es.probe.probe import ProbeResult

QUICK = ProbeOptions(folds=3, repeats=2, bootstrap=50, workers=1)
IDS = [f"{i:03}" for i in range(60)]
HALVES = ["a", "b"] * 30


def labels(values: Sequence[str | None], ids: list[str] = IDS) -> pa.Table:
    return pa.table({"entity_id": ids, "label": pa.array(values, pa.string())})


def features(matrix: np.ndarray, ids: list[str] = IDS, seen: frozenset[str] = frozenset()) -> FeatureSet:
    return FeatureSet("m@8", ids, matrix, "m", 8, seen, "hash")


def informative(noise: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    side = np.array([1.0 if half == "b" else -1.0 for half in HALVES])
    return np.stack([side + noise * rng.normal(size=60), rng.normal(size=60)], axis=1).astype(np.float32)


def value(result: ProbeResult, metric: str) -> float:
    return {row["metric"]: row["value"] for row in result.probes.to_pylist()}[metric]  # type: ignore[no-any-return]


def test_tables_have_the_promised_columns() -> None:
    result = probe(features(informative(), seen=frozenset(IDS[:5])), labels(HALVES), "t", "binary", QUICK, "d")
    assert result.probes.schema == PROBES
    assert result.predictions.schema == PREDICTIONS
    assert result.predictions.num_rows == 60 * 2
    row = result.probes.to_pylist()[0]
    assert [row[key] for key in ("dataset", "task", "features", "model", "k", "protocol", "probe", "metric")] == [
        "d", "t", "m@8", "m", 8, "cv", "logistic", "roc_auc",
    ]  # fmt: skip
    assert (row["n"], row["n_seen"], row["seed"]) == (60, 5, 0)
    assert row["ci_low"] <= row["value"] <= row["ci_high"]


def test_separable_classes_are_found_and_noise_is_not() -> None:
    clear = probe(features(informative()), labels(HALVES), "t", "binary", QUICK, "d")
    assert value(clear, "roc_auc") == value(clear, "accuracy") == 1.0
    noise = probe(features(np.random.default_rng(1).normal(size=(60, 3))), labels(HALVES), "t", "binary", QUICK, "d")
    assert 0.25 < value(noise, "roc_auc") < 0.75


def test_constant_features_are_worth_one_half() -> None:
    result = probe(features(np.ones((60, 2))), labels(HALVES), "t", "binary", QUICK, "d")
    assert value(result, "roc_auc") == 0.5


def test_equal_runs_give_equal_bytes_whatever_the_threads_and_the_row_order() -> None:
    matrix, order = informative(noise=2.0), np.random.default_rng(2).permutation(60)
    one = probe(features(matrix), labels(HALVES), "t", "binary", QUICK, "d")
    shuffled = features(matrix[order], [IDS[i] for i in order])
    two = probe(shuffled, labels(HALVES), "t", "binary", ProbeOptions(folds=3, repeats=2, bootstrap=50, workers=2), "d")
    assert one.predictions.equals(two.predictions)
    assert one.probes.equals(two.probes)


def test_every_entity_is_scored_once_a_repeat_by_a_model_that_did_not_see_it() -> None:
    # each entity has a column of its own: a model that had seen it would know its label
    result = probe(features(np.eye(60)), labels(HALVES), "t", "binary", QUICK, "d")
    rows = result.predictions.to_pylist()
    assert sorted((row["repeat"], row["entity_id"]) for row in rows) == [(r, e) for r in (0, 1) for e in IDS]
    assert all(0 <= row["fold"] < 3 for row in rows)
    assert value(result, "roc_auc") == 0.5


def test_entities_left_out_are_counted() -> None:
    ids = [*IDS[2:], "900", "901", "902"]
    given = [*HALVES[2:], "a", "b", None]
    result = probe(features(informative()), labels(given, ids), "t", "binary", QUICK, "d")
    assert (result.n_without_label, result.n_without_features) == (2, 2)
    assert result.probes["n"][0].as_py() == 58


def test_multiclass() -> None:
    three = ["a", "b", "c"] * 20
    matrix = np.array([[{"a": -1.0, "b": 0.0, "c": 1.0}[c] ** 2, {"a": -1.0, "b": 0.0, "c": 1.0}[c]] for c in three])
    result = probe(features(matrix), labels(list(three)), "t", "multiclass", QUICK, "d")
    assert value(result, "accuracy") == 1.0
    assert len(result.predictions["y_score"][0].as_py()) == 3


def test_regression() -> None:
    x = np.linspace(0, 1, 60)[:, None]
    result = probe(features(x), labels([str(3 * v) for v in x[:, 0]]), "t", "regression", QUICK, "d")
    assert value(result, "r2") > 0.99
    assert len(result.predictions["y_score"][0].as_py()) == 1


BAD_NUMBER = "task 't' is a regression and entity '000' has the label 'a': give finite numbers"


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("ordinal", HALVES, "kind of task 'ordinal' is unknown: choose one of binary, multiclass, regression"),
        ("binary", ["a"] * 60, "task 't' has one label only, 'a', among 60 entities: a probe needs two"),
        ("binary", ["a", "b", "c"] * 20, "task 't' is binary and has 3 classes: make it multiclass"),
        (
            "binary",
            ["a"] * 58 + ["b"] * 2,
            "class 'b' has 2 members for 3 folds: give more labels, or fewer folds: llm4es probe",
        ),
        ("regression", HALVES, BAD_NUMBER),
        ("binary", [None] * 60, r"no entity has both features 'm@8' \(60 entities\) and a label of task 't' \(0\)"),
    ],
)
def test_labels_that_cannot_carry_the_task(kind: str, values: list[str | None], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        probe(features(informative()), labels(values), "t", kind, QUICK, "d")


def test_one_label_an_entity() -> None:
    with pytest.raises(ProbeError, match="task 't' has two labels for entity '000': give one label an entity"):
        probe(features(informative()), labels(["a", "b"], ["000", "000"]), "t", "binary", QUICK, "d")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": IDS, "label": HALVES}, "labels have no column 'entity_id': there are id, label"),
        ({"entity_id": IDS, "class": HALVES}, "labels have no column 'label': there are entity_id, class"),
        ({"entity_id": IDS, "label": [[1]] * 60}, "labels have the column 'label' as list<item: int64>: make it text"),
        ({"entity_id": [*IDS[1:], None], "label": HALVES}, "labels have a row without an entity_id"),
        (
            {"entity_id": [f"x{i}" for i in IDS], "label": HALVES},
            "no entity has both features 'm@8'",
        ),
    ],
)
def test_labels_that_are_none(table: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        probe(features(informative()), pa.table(table), "t", "binary", QUICK, "d")


def test_labels_may_be_numbers_or_yes_and_no() -> None:
    ids = [int(entity) for entity in IDS]
    by_text = probe(features(informative()), labels(["0", "1"] * 30), "t", "binary", QUICK, "d")
    written = features(informative(), [str(entity) for entity in ids])
    for values, ids_ in (([0, 1] * 30, ids), ([False, True] * 30, ids)):
        table = pa.table({"entity_id": ids_, "label": values})
        result = probe(written, table, "t", "binary", QUICK, "d")
        assert result.probes["value"].to_pylist()[:2] == by_text.probes["value"].to_pylist()[:2] == [1.0, 1.0]
    assert set(result.predictions["y_true"].to_pylist()) == {"false", "true"}


def test_two_rows_of_an_entity_in_a_split() -> None:
    splits = pa.table({"entity_id": ["000", "001", "000"], "split": ["train", "train", "test"], "name": ["hash"] * 3})
    options = ProbeOptions("hash", bootstrap=20)
    with pytest.raises(ProbeError, match="split 'hash' has two rows for entity '000': give one row an entity"):
        probe(features(informative()), labels(HALVES), "t", "binary", options, "d", splits)
    with pytest.raises(ProbeError, match="splits have no column 'name': give entity_id, split, name"):
        probe(features(informative()), labels(HALVES), "t", "binary", options, "d", splits.drop_columns("name"))


def test_scores_are_those_of_plain_scikit_learn() -> None:
    """One fold of k nearest neighbours, fitted outside with scikit-learn alone."""
    matrix = informative(noise=3.0)
    options = ProbeOptions(probe="knn", folds=3, repeats=1, bootstrap=20, workers=1)
    result = probe(features(matrix), labels(HALVES), "t", "binary", options, "d")
    scores = {row["entity_id"]: row["y_score"] for row in result.predictions.to_pylist()}
    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(matrix, HALVES)
    for train, test in folds:
        scaler = StandardScaler().fit(matrix[train].astype(float))
        model = KNeighborsClassifier(15, weights="distance")
        model.fit(normalize(scaler.transform(matrix[train].astype(float))), np.array(HALVES)[train])
        expected = model.predict_proba(normalize(scaler.transform(matrix[test].astype(float))))
        assert np.array([scores[IDS[i]] for i in test]) == pytest.approx(expected)
    expected_auc = [
        roc_auc_score(np.array(HALVES)[test] == "b", [scores[IDS[i]][1] for i in test])
        for _, test in StratifiedKFold(3, shuffle=True, random_state=0).split(matrix, HALVES)
    ]
    assert value(result, "roc_auc") == pytest.approx(np.mean(expected_auc))  # folds of equal size weigh alike


def test_too_few_numbers_for_the_folds() -> None:
    few = labels(["1", "2"], IDS[:2])
    with pytest.raises(ProbeError, match="2 labelled entities for 3 folds: give more labels, or fewer folds"):
        probe(features(informative()), few, "t", "regression", QUICK, "d")


def test_nan_vectors_are_named() -> None:
    matrix = informative()
    matrix[7, 1] = np.nan
    matrix[9, 0] = np.inf
    with pytest.raises(ProbeError, match=r"features 'm@8' of entity '007' hold NaN or infinity \(2 entities do\)"):
        probe(features(matrix), labels(HALVES), "t", "binary", QUICK, "d")


def test_unknown_protocol_and_probe() -> None:
    for field in ("protocol", "probe"):
        options = ProbeOptions(**{field: "magic"})  # type: ignore[arg-type]
        with pytest.raises(ProbeError, match=f"--{field} 'magic' is unknown: choose one of "):
            probe(features(informative()), labels(HALVES), "t", "binary", options, "d")


def test_ptls_reports_what_papers_do_and_the_sampling_of_the_test_set() -> None:
    ids = [f"{i:03}" for i in range(500)]
    x = np.random.default_rng(3).normal(size=(500, 3))
    given = pa.table({"entity_id": ids, "label": np.where(x[:, 0] + x[:, 1] ** 2 > 1, "b", "a").tolist()})
    result = probe(
        FeatureSet("m", ids, x, "m", None, frozenset(), "h"), given, "t", "binary", ProbeOptions("ptls", workers=2), "d"
    )
    rows = {row["metric"]: row for row in result.probes.to_pylist()}
    test, fits, valid = (rows[f"roc_auc{where}"] for where in ("", " over fits", " on validation"))
    assert (test["n"], test["probe"], test["protocol"]) == (50, "ptls", "ptls")
    assert test["value"] == fits["value"]
    assert test["repeat_std"] == fits["repeat_std"]
    assert fits["ci_high"] - fits["value"] == pytest.approx(2.776 * fits["repeat_std"] / 5**0.5, rel=1e-3)
    assert valid["value"] != test["value"]
    assert result.predictions.num_rows == 5 * 50


def test_holdout_and_a_named_split() -> None:
    result = probe(features(informative()), labels(HALVES), "t", "binary", ProbeOptions("holdout", bootstrap=20), "d")
    assert result.predictions.num_rows == 12
    assert result.probes["repeat_std"][0].as_py() is None
    splits = pa.table({"entity_id": IDS, "split": ["train"] * 40 + ["test"] * 20, "name": ["hash"] * 60})
    result = probe(
        features(informative()), labels(HALVES), "t", "binary", ProbeOptions("hash", bootstrap=20), "d", splits
    )
    assert set(result.predictions["entity_id"].to_pylist()) == set(IDS[40:])
    assert set(result.predictions["protocol"].to_pylist()) == {"hash"}


def test_train_size_is_told_in_the_protocol() -> None:
    options = ProbeOptions(folds=3, repeats=1, bootstrap=20, train_size=20)
    result = probe(features(informative()), labels(HALVES), "t", "binary", options, "d")
    assert set(result.probes["protocol"].to_pylist()) == {"cv@20"}


def test_unseen_only_scores_the_others() -> None:
    options = ProbeOptions(folds=3, repeats=2, bootstrap=20, unseen_only=True)
    seen = features(informative(), seen=frozenset(IDS[:20]))
    result = probe(seen, labels(HALVES), "t", "binary", options, "d")
    assert (result.probes["n"][0].as_py(), result.n_seen) == (40, 0)
    with pytest.raises(ProbeError, match="60 of 60 scored entities were seen in tuning, and the rest cannot"):
        probe(features(informative(), seen=frozenset(IDS)), labels(HALVES), "t", "binary", options, "d")
