"""Comparisons of feature sets whose difference is known."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score

from llm4es.core.errors import ProbeError
from llm4es.features.feature_set import FeatureSet
from llm4es.options import ProbeOptions
from llm4es.probe import probe
from llm4es.probe.compare import compare
from llm4es.probe.comparison import COMPARISON
from llm4es.probe.probe import ProbeResult

N = 120
IDS = [f"{i:03}" for i in range(N)]
RNG = np.random.default_rng(0)
SIDE = np.tile([0.0, 1.0], N // 2)
NOISE = RNG.normal(size=(N, 4))


def run(
    name: str, strength: float, model: str | None = "m", n: int = N, seen: int = 0, seed: int = 0, kind: str = "binary"
) -> ProbeResult:
    matrix = NOISE.copy()
    matrix[:, 0] += strength * SIDE
    features = FeatureSet(name, IDS[:n], matrix[:n], model, None, frozenset(IDS[:seen]), name)
    labels = pa.table({"entity_id": IDS, "label": [str(side) for side in SIDE]})
    options = ProbeOptions(folds=3, repeats=2, bootstrap=100, workers=1, seed=seed)
    return probe(features, labels, "t", kind, options, "d")


def tables(*results: ProbeResult) -> tuple[pa.Table, pa.Table]:
    return pa.concat_tables([r.probes for r in results]), pa.concat_tables([r.predictions for r in results])


WEAK, STRONG, NOTHING = run("weak", 1.0), run("strong", 4.0), run("majority", 0.0, model=None)


def test_best_first_against_the_best_baseline() -> None:
    table = compare(*tables(WEAK, NOTHING, STRONG), resamples=200)
    assert table.schema == COMPARISON
    rows = table.to_pylist()
    assert [row["features"] for row in rows] == ["strong", "weak", "majority"]
    assert {row["reference"] for row in rows} == {"majority"}
    best, _, base = rows
    assert best["difference"] == pytest.approx(best["value"] - base["value"])
    assert best["diff_low"] <= best["difference"] <= best["diff_high"]
    assert best["words"].startswith("better than majority by ")
    assert best["p_adjusted"] >= best["p_value"]
    assert base["words"] == "the reference"
    assert base["difference"] is None


def test_values_and_intervals_are_the_probes_own() -> None:
    row = next(row for row in compare(*tables(WEAK, STRONG), resamples=100).to_pylist() if row["features"] == "weak")
    own = next(row for row in WEAK.probes.to_pylist() if row["metric"] == "roc_auc")
    assert {key: row[key] for key in ("value", "ci_low", "ci_high", "repeat_std", "n")} == {
        key: own[key] for key in ("value", "ci_low", "ci_high", "repeat_std", "n")
    }


def test_equal_predictions_differ_by_nothing() -> None:
    twin = run("twin", 1.0)
    row = compare(*tables(WEAK, twin), reference="weak", resamples=100).to_pylist()[0]
    assert row["features"] == "twin"
    assert (row["difference"], row["diff_low"], row["diff_high"], row["p_value"]) == (0, 0, 0, 1)
    assert row["words"] == "as weak in every resample"


def test_a_reference_by_name_and_a_loss() -> None:
    rows = compare(*tables(WEAK, STRONG), reference="strong", metric="log_loss", resamples=100).to_pylist()
    assert [row["features"] for row in rows] == ["strong", "weak"]
    assert rows[1]["difference"] > 0
    assert rows[1]["words"].startswith("worse than strong by ")


def test_regression_is_compared_by_r2() -> None:
    rows = compare(
        *tables(run("a", 4.0, kind="regression"), run("b", 0.0, kind="regression")), resamples=50
    ).to_pylist()
    assert [(row["features"], row["metric"]) for row in rows] == [("a", "r2"), ("b", "r2")]


def test_seen_entities_are_told_and_dropped() -> None:
    leaky = run("leaky", 1.0, seen=30)
    rows = compare(*tables(leaky, NOTHING), resamples=50).to_pylist()
    assert rows[0]["n_seen"] == 30
    assert rows[0]["words"].endswith("; 30 of 120 entities were seen in tuning")
    rows = compare(*tables(leaky, NOTHING), unseen_only=True, resamples=50).to_pylist()
    assert [(row["n"], row["n_seen"]) for row in rows] == [(90, 0), (90, 0)]
    with pytest.raises(ProbeError, match="all 120 entities were seen in tuning by one of the models: leave out"):
        compare(*tables(run("all", 1.0, seen=N), NOTHING), unseen_only=True)


def test_different_entities_are_refused_or_cut() -> None:
    few = run("few", 1.0, n=90)
    with pytest.raises(
        ProbeError, match=r"'few' and 'weak' were scored on different entities \(90 and 120, 90 in all .* with --common"
    ):
        compare(*tables(few, WEAK))
    rows = compare(*tables(few, WEAK), common=True, resamples=50).to_pylist()
    assert [row["n"] for row in rows] == [90, 90]


def test_nothing_in_common() -> None:
    probes, predictions = tables(WEAK)
    others = [table.set_column(2, "features", pa.array(["other"] * table.num_rows)) for table in (probes, predictions)]
    strangers = pa.array([f"x{entity}" for entity in predictions["entity_id"].to_pylist()])
    others[1] = others[1].set_column(5, "entity_id", strangers)
    both = pa.concat_tables([probes, others[0]]), pa.concat_tables([predictions, others[1]])
    with pytest.raises(ProbeError, match="the 2 feature sets have no entity in common: probe the same entities"):
        compare(*both, common=True)


def test_one_task_and_seed_at_a_time() -> None:
    with pytest.raises(ProbeError, match=r"needs one seed and was given 2 \(0, 1\): probe first, or choose one seed"):
        compare(*tables(WEAK, run("late", 1.0, seed=1)))
    empty = tables(WEAK)[0].slice(0, 0), tables(WEAK)[1].slice(0, 0)
    with pytest.raises(ProbeError, match=r"needs one dataset and was given 0 \(no rows\): probe first"):
        compare(*empty)


def test_unknown_reference_and_metric() -> None:
    with pytest.raises(ProbeError, match="--reference 'gold' was not probed: choose one of strong, weak"):
        compare(*tables(WEAK, STRONG), reference="gold")
    with pytest.raises(ProbeError, match="metric 'r2' was not computed: choose one of roc_auc, accuracy"):
        compare(*tables(WEAK), metric="r2")


def test_metrics_without_predictions_and_predictions_with_holes() -> None:
    probes, predictions = tables(WEAK, STRONG)
    with pytest.raises(ProbeError, match="features 'strong' have metrics and no predictions: probe them again"):
        compare(probes, WEAK.predictions)
    with pytest.raises(ProbeError, match="predictions of 'weak' do not score the same entities once in every repeat"):
        compare(probes, predictions.slice(1))


def test_tables_without_their_columns() -> None:
    probes, predictions = tables(WEAK)
    with pytest.raises(ProbeError, match="probes have no column 'metric': give features, probe, model, k, metric"):
        compare(probes.drop_columns("metric"), predictions)
    with pytest.raises(ProbeError, match="predictions have no column 'y_score': give dataset, task, features"):
        compare(probes, predictions.drop_columns("y_score"))
    with pytest.raises(ProbeError, match="predictions have the column 'fold' as string: make it whole numbers"):
        compare(probes, predictions.set_column(6, "fold", predictions["fold"].cast(pa.string())))
    with pytest.raises(ProbeError, match="costs have no column 'dimensions': give features, dimensions, tokens"):
        compare(probes, predictions, costs=pa.table({"features": ["weak"]}))
    with pytest.raises(ProbeError, match="resamples 0 is below 1: give 1 or more"):
        compare(probes, predictions, resamples=0)


def test_costs_are_shown_where_they_are_known() -> None:
    costs = pa.table({"features": ["weak"], "dimensions": [4], "tokens": [1000], "seconds": [1.5]})
    rows = compare(*tables(WEAK, STRONG), resamples=20, costs=costs).to_pylist()
    assert [(row["features"], row["dimensions"], row["tokens"], row["seconds"]) for row in rows] == [
        ("strong", None, None, None),
        ("weak", 4, 1000, 1.5),
    ]


def test_separated_data_give_a_p_that_is_not_zero_and_an_interval_with_a_width() -> None:
    labels = pa.table({"entity_id": IDS, "label": [str(side) for side in SIDE]})
    flat = FeatureSet("flat", IDS, np.zeros((N, 1)), None, None, frozenset(), "flat")
    options = ProbeOptions(folds=3, repeats=2, bootstrap=100, workers=1)
    rows = compare(
        *tables(run("apart", 1000.0), probe(flat, labels, "t", "binary", options, "d")), resamples=100
    ).to_pylist()
    assert (rows[0]["value"], rows[0]["difference"]) == (1.0, 0.5)
    assert rows[0]["p_value"] == pytest.approx(2.0**-59, rel=1e-6)  # 60 of each class: the sign test of 60
    assert rows[0]["diff_low"] < 0.5 < rows[0]["diff_high"]


def test_verdict_and_interval_agree_among_many() -> None:
    sets = [run(f"s{i:02}", strength) for i, strength in enumerate(np.linspace(0.0, 2.5, 12))]
    rows = [row for row in compare(*tables(NOTHING, *sets), resamples=100).to_pylist() if row["difference"] is not None]
    same = ("no difference", "as majority in every resample")  # a set of noise may score what the majority does
    for row in rows:
        assert row["p_adjusted"] == pytest.approx(min(1, 12 * row["p_value"]))
        inside = row["diff_low"] <= 0 <= row["diff_high"]
        assert inside == (row["p_adjusted"] >= 0.05) == row["words"].startswith(same)
    assert {row["words"].startswith(same) for row in rows} == {True, False}
    half, alone = rows[-1]["diff_high"] - rows[-1]["difference"], rows[-1]["detectable"]
    assert alone / half == pytest.approx((2.8653 + 0.8416) / 2.8653, abs=1e-3)  # z of 1 - 0.05 / 24, and of 0.8


def test_the_best_of_several_models_is_marked_as_chosen() -> None:
    rows = compare(*tables(WEAK, STRONG, NOTHING), resamples=200).to_pylist()
    assert [(row["features"], row["best_of"]) for row in rows] == [("strong", 2), ("weak", None), ("majority", None)]
    assert 0 < rows[0]["optimism"] < 0.05
    assert rows[1]["optimism"] is None
    twins = compare(*tables(WEAK, run("twin", 1.0)), resamples=200).to_pylist()
    assert twins[0]["optimism"] == pytest.approx(0, abs=0.01)  # nothing was chosen: they are the same


def test_rows_say_how_much_was_scored() -> None:
    row = compare(*tables(WEAK, NOTHING), resamples=20).to_pylist()[0]
    assert (row["n"], row["n_smallest"], row["repeats"], row["folds"], row["positive"]) == (120, 60, 2, 3, "1.0")


def test_average_precision_is_about_the_positive_class() -> None:
    scores = STRONG.predictions.to_pylist()
    for positive, column in (("0.0", 0), ("1.0", 1), (None, 1)):
        (row,) = compare(*tables(STRONG), metric="average_precision", positive=positive, resamples=20).to_pylist()
        by_repeat = []
        for repeat in (0, 1):  # scikit-learn's, inside each fold, weighed by its positives: 20 each
            parts = [[r for r in scores if (r["repeat"], r["fold"]) == (repeat, fold)] for fold in range(3)]
            each = [
                average_precision_score([r["y_true"] == row["positive"] for r in p], [r["y_score"][column] for r in p])
                for p in parts
            ]
            by_repeat.append(np.mean(each))
        assert row["value"] == pytest.approx(np.mean(by_repeat))
    with pytest.raises(ProbeError, match=r"the task's positive class 'left' is no label: there are 0\.0, 1\.0; change"):
        compare(*tables(STRONG), positive="left")
