"""Probes that are combined, against scikit-learn by hand: votes, stacks, and choices made inside folds."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from llm4es.core.errors import ProbeError
from llm4es.features.combined import CombinedFeatures
from llm4es.features.expressions import Combination
from llm4es.features.feature_set import FeatureSet, Preprocess
from llm4es.options import ProbeOptions
from llm4es.probe import probe
from llm4es.probe.made_before import MadeBefore
from llm4es.probe.probe import ProbeResult

N = 120
QUICK = ProbeOptions(folds=4, repeats=2, bootstrap=20, workers=2)
IDS = [f"u{i:03}" for i in range(N)]
DRAW = np.random.default_rng(0)
Y = DRAW.integers(0, 2, N)
THREE = DRAW.integers(0, 3, N)


def features(name: str, signal: float, y: Any = Y, seed: int = 1, ids: list[str] = IDS, **more: Any) -> FeatureSet:
    """Three columns of noise, the first of which moves with the label."""
    x = np.random.default_rng(seed).normal(size=(N, 3))
    x[:, 0] += signal * y
    rows = [IDS.index(entity) for entity in ids]
    return FeatureSet(name, ids, x[rows], **more)


def labels(y: Any = Y) -> pa.Table:
    return pa.table({"entity_id": IDS, "label": [str(each) for each in y]})


def scores(result: ProbeResult) -> Any:
    """(R, N, C) as they are kept."""
    rows = result.predictions.sort_by([("repeat", "ascending"), ("entity_id", "ascending")])
    repeats = len(set(rows["repeat"].to_pylist()))
    return np.array(rows["y_score"].to_pylist()).reshape(repeats, -1, len(rows["y_score"][0].as_py()))


def combined(
    how: Combination, *parts: Any, y: Any = Y, kind: str = "binary", options: ProbeOptions = QUICK
) -> ProbeResult:
    return probe(CombinedFeatures(how, parts), labels(y), "t", kind, options)


def test_a_vote_is_the_mean_of_log_odds() -> None:
    one, two = features("one", 1.0), features("two", 1.0, seed=2)
    apart = [scores(probe(each, labels(), "t", "binary", QUICK))[:, :, 1] for each in (one, two)]
    odds = np.mean([np.log(p / (1 - p)) for p in np.clip(apart, 1e-6, 1 - 1e-6)], axis=0)
    found = combined(Combination.VOTE, one, two)
    assert np.allclose(scores(found)[:, :, 1], 1 / (1 + np.exp(-odds)), atol=1e-12)
    assert found.probes["features"][0].as_py() == "vote(one, two)"
    assert found.probes["chosen"].null_count == found.probes.num_rows


def test_a_vote_of_classes_and_of_numbers() -> None:
    one, two = features("one", 1.0, THREE), features("two", 1.0, THREE, seed=2)
    apart = [scores(probe(each, labels(THREE), "t", "multiclass", QUICK)) for each in (one, two)]
    product = np.exp(np.mean(np.log(np.clip(apart, 1e-6, 1)), axis=0))
    found = scores(combined(Combination.VOTE, one, two, y=THREE, kind="multiclass"))
    assert np.allclose(found, product / product.sum(axis=2, keepdims=True), atol=1e-5)
    apart = [scores(probe(each, labels(THREE), "t", "regression", QUICK)) for each in (one, two)]
    found = scores(combined(Combination.VOTE, one, two, y=THREE, kind="regression"))
    assert np.allclose(found, np.mean(apart, axis=0))


def test_a_stack_is_fitted_on_scores_out_of_fold() -> None:
    """By hand: the parts' own probe in three inner folds of the training part, then logistic regression on log odds."""
    from llm4es.core.tasks import Kind
    from llm4es.probe.estimators import ESTIMATORS

    parts = [features("one", 1.0), features("two", 1.0, seed=2)]
    y = np.array([str(each) for each in Y])

    def fit_and_score(part: FeatureSet, train: Any, test: Any) -> Any:
        model = ESTIMATORS["logistic"](Kind.BINARY, part.scaled_as(), QUICK.seed, len(train))
        p = np.clip(model.fit(part.matrix[train], y[train]).predict_proba(part.matrix[test])[:, 1], 1e-6, 1 - 1e-6)
        return np.log(p / (1 - p))

    expected = np.zeros((QUICK.repeats, N))
    for repeat in range(QUICK.repeats):
        for train, test in StratifiedKFold(4, shuffle=True, random_state=repeat).split(Y, Y):
            inner = np.zeros((len(train), 2))
            for rest, held in StratifiedKFold(3, shuffle=True, random_state=0).split(y[train], y[train]):
                inner[held] = np.stack([fit_and_score(part, train[rest], train[held]) for part in parts], axis=1)
            outer = np.stack([fit_and_score(part, train, test) for part in parts], axis=1)
            expected[repeat, test] = LogisticRegression().fit(inner, y[train]).predict_proba(outer)[:, 1]
    assert np.allclose(scores(combined(Combination.STACK, *parts))[:, :, 1], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_a_stack_of_classes_and_of_numbers_is_no_worse_than_noise_beside_it_lets_it(kind: str) -> None:
    good, noise = features("good", 3.0, THREE), features("noise", 0.0, THREE, seed=2)
    found = combined(Combination.STACK, noise, good, y=THREE, kind=kind)
    alone = probe(good, labels(THREE), "t", kind, QUICK)
    assert found.probes["value"][0].as_py() > alone.probes["value"][0].as_py() - 0.05


def test_the_best_is_chosen_in_every_fold_and_scored_as_it_alone_would_be() -> None:
    good, noise = features("good", 3.0), features("noise", 0.0, seed=2)
    found = combined(Combination.BEST, noise, good)
    assert set(found.probes["chosen"].to_pylist()) == {"good 8"}  # 4 folds, 2 repeats
    assert np.array_equal(scores(found), scores(probe(good, labels(), "t", "binary", QUICK)))


def test_what_is_chosen_is_what_inner_folds_prefer() -> None:
    """By hand, with two candidates that are nearly as good: which of them wins differs from fold to fold."""
    from llm4es.core.tasks import Kind
    from llm4es.probe.estimators import ESTIMATORS

    parts = [features("one", 0.6), features("two", 0.6, seed=12)]
    y = np.array([str(each) for each in Y])
    won = []
    for repeat in range(QUICK.repeats):
        for train, _ in StratifiedKFold(4, shuffle=True, random_state=repeat).split(Y, Y):
            values = []
            for part in parts:
                right = pairs = 0.0
                for rest, held in StratifiedKFold(3, shuffle=True, random_state=0).split(y[train], y[train]):
                    model = ESTIMATORS["logistic"](Kind.BINARY, part.scaled_as(), QUICK.seed, len(rest))
                    model.fit(part.matrix[train[rest]], y[train[rest]])
                    truth = Y[train[held]]
                    weight = truth.sum() * (1 - truth).sum()
                    right += weight * roc_auc_score(truth, model.predict_proba(part.matrix[train[held]])[:, 1])
                    pairs += weight
                values.append(right / pairs)
            won.append(parts[int(np.argmax(values))].name)
    counts = {name: won.count(name) for name in ("one", "two")}
    assert min(counts.values()) > 0  # else the test shows nothing
    said = dict(
        part.rsplit(" ", 1) for part in combined(Combination.BEST, *parts).probes["chosen"][0].as_py().split(", ")
    )
    assert {name: int(n) for name, n in said.items()} == counts


def test_a_choice_among_noise_learns_nothing() -> None:
    """Labels that belong to nobody: the best of eight on the very entities is lucky, the nested choice is not."""
    options = ProbeOptions(folds=4, repeats=1, bootstrap=10, workers=2)
    values, luckiest = [], []
    for seed in range(3):
        y = np.random.default_rng(100 + seed).permutation(Y)
        parts = [features(f"noise{n}", 0.0, seed=1000 * seed + n) for n in range(8)]
        known = MadeBefore()
        found = probe(CombinedFeatures(Combination.BEST, tuple(parts)), labels(y), "t", "binary", options, before=known)
        values.append(found.probes["value"][0].as_py())
        alone = [probe(part, labels(y), "t", "binary", options, before=known).probes["value"][0] for part in parts]
        luckiest.append(max(value.as_py() for value in alone))
    assert abs(np.mean(values) - 0.5) < 0.06
    assert np.mean(luckiest) > 0.57


def test_equal_candidates_give_the_first() -> None:
    one = features("one", 1.0)
    same = FeatureSet("same", one.entity_ids, one.matrix)
    assert combined(Combination.BEST, one, same).probes["chosen"][0].as_py() == "one 8"
    assert combined(Combination.BEST, same, one).probes["chosen"][0].as_py() == "same 8"


def test_combinations_inside_each_other() -> None:
    good, other, noise = features("good", 1.5), features("other", 1.5, seed=2), features("noise", 0.0, seed=3)
    vote, stack = CombinedFeatures(Combination.VOTE, (good, other)), CombinedFeatures(Combination.STACK, (good, other))
    found = combined(Combination.BEST, noise, vote)
    assert found.probes["chosen"][0].as_py() == "vote(good, other) 8"
    assert np.array_equal(scores(found), scores(combined(Combination.VOTE, good, other)))
    found = combined(Combination.BEST, noise, stack)
    assert found.probes["chosen"][0].as_py() == "stack(good, other) 8"
    assert np.array_equal(scores(found), scores(combined(Combination.STACK, good, other)))
    inner = CombinedFeatures(Combination.BEST, (noise, good))
    found = combined(Combination.VOTE, inner, other)
    assert found.probes["chosen"][0].as_py() == "best(noise, good): good 8"
    assert np.array_equal(scores(found), scores(combined(Combination.VOTE, good, other)))


def test_features_of_different_entities_meet_where_all_have_them() -> None:
    one, two = features("one", 1.0, ids=IDS[:100]), features("two", 1.0, seed=2, ids=IDS[20:])
    found = combined(Combination.VOTE, one, two)
    assert set(found.predictions["entity_id"].to_pylist()) == set(IDS[20:100])
    assert found.n_without_features == 40
    with pytest.raises(ProbeError, match=r"features 'vote\(one, two\)' have no entity in common: embed the same"):
        CombinedFeatures(Combination.VOTE, (features("one", 1, ids=IDS[:10]), features("two", 1, ids=IDS[10:])))


def test_who_was_seen_by_any_part_was_seen() -> None:
    one = features("one", 1.0, seen=frozenset(IDS[:10]), model="m")
    two = features("two", 1.0, seed=2, seen=frozenset(IDS[5:20]), model="n")
    found = combined(Combination.VOTE, one, two)
    assert (found.n_seen, found.probes["model"][0].as_py()) == (20, "m+n")
    options = ProbeOptions(folds=4, repeats=2, bootstrap=20, unseen_only=True)
    assert combined(Combination.BEST, one, two, options=options).probes["n"][0].as_py() == N - 20


def test_kept_predictions_are_not_made_again() -> None:
    """A vote of kept predictions is that of fits, and fits nothing; so are the fits that other choices have made."""
    one, two = features("one", 1.0), features("two", 1.0, seed=2)
    kept = {each.name: probe(each, labels(), "t", "binary", QUICK).predictions for each in (one, two)}
    fits: list[int] = []
    before = MadeBefore(kept, advance=lambda made, of: fits.append(of))
    vote = CombinedFeatures(Combination.VOTE, (one, two))
    found = probe(vote, labels(), "t", "binary", QUICK, before=before)
    assert not fits
    assert np.array_equal(scores(found), scores(combined(Combination.VOTE, one, two)))
    best = CombinedFeatures(Combination.BEST, (one, two))
    probe(best, labels(), "t", "binary", QUICK, before=before)
    assert len(fits) == 8 * 3 * 2  # inner folds of both, and no outer one
    probe(CombinedFeatures(Combination.BEST, (two, one)), labels(), "t", "binary", QUICK, before=before)
    assert len(fits) == 8 * 3 * 2


def test_kept_predictions_of_other_entities_or_folds_count_in_a_vote_alone() -> None:
    one, two = features("one", 1.0, ids=IDS[:100]), features("two", 1.0, seed=2)
    kept = {each.name: probe(each, labels(), "t", "binary", QUICK, entities=IDS).predictions for each in (one, two)}
    fits: list[int] = []
    before = MadeBefore(kept, advance=lambda made, of: fits.append(of))
    vote = CombinedFeatures(Combination.VOTE, (one, two))
    found = probe(vote, labels(), "t", "binary", QUICK, before=before, entities=IDS)
    assert not fits
    rows = [i for i, entity in enumerate(IDS) if entity in set(one.entity_ids)]
    learnt = {name: ProbeResult(found.probes, table, 0, 0, 0) for name, table in kept.items()}
    pair = np.clip([scores(learnt["one"])[:, :, 1], scores(learnt["two"])[:, rows, 1]], 1e-6, 1 - 1e-6)
    expected = np.mean(np.log(pair / (1 - pair)), axis=0)
    assert np.allclose(scores(found)[:, :, 1], 1 / (1 + np.exp(-expected)))
    other = ProbeOptions(folds=3, repeats=2, bootstrap=20)
    probe(vote, labels(), "t", "binary", other, before=before, entities=IDS)
    assert fits  # other folds: fitted


@pytest.mark.parametrize("protocol", ["holdout", "ptls", "drawn"])
@pytest.mark.parametrize("how", list(Combination))
def test_every_protocol(how: Combination, protocol: str) -> None:
    parts = features("one", 1.5), features("counts", 1.5, seed=2, preprocess=Preprocess.NONE)
    split = pa.table({"entity_id": IDS, "split": ["train"] * 90 + ["test"] * 30, "name": ["drawn"] * N})
    options = ProbeOptions(protocol=protocol, folds=4, repeats=1, bootstrap=10)
    if protocol == "ptls":
        pytest.importorskip("lightgbm")
    found = probe(CombinedFeatures(how, parts), labels(), "t", "binary", options, splits=split)
    assert protocol == "ptls" or found.probes["value"][0].as_py() > 0.6  # a tenth of so few shows nothing
    assert (found.probes["chosen"][0].as_py() is not None) == (how is Combination.BEST)


def test_learning_curves_choose_among_few() -> None:
    parts = features("one", 1.5), features("two", 0.0, seed=2)
    options = ProbeOptions(folds=4, repeats=1, bootstrap=10, train_size=12)
    assert combined(Combination.BEST, *parts, options=options).probes["protocol"][0].as_py() == "cv@12"
    options = ProbeOptions(folds=4, repeats=1, bootstrap=10, train_size=2)
    with pytest.raises(ProbeError, match=r"a training part of 2 entities has 1 member of a class: best\(...\) and"):
        combined(Combination.BEST, *parts, options=options)
    assert combined(Combination.VOTE, *parts, options=options).probes.num_rows


def test_two_times() -> None:
    from llm4es.probe.out_of_time import Earlier

    now = features("one", 1.5), features("two", 0.0, seed=2)
    past = features("one", 1.5, seed=3), features("two", 0.0, seed=4)
    found = probe(
        CombinedFeatures(Combination.BEST, now), labels(), "t", "binary", QUICK,
        earlier=Earlier(CombinedFeatures(Combination.BEST, past), labels()),
    )  # fmt: skip
    alone = probe(now[0], labels(), "t", "binary", QUICK, earlier=Earlier(past[0], labels()))
    assert found.probes["chosen"][0].as_py() == "one 8"
    assert np.array_equal(scores(found), scores(alone))


@pytest.mark.parametrize(
    ("parts", "said"), [(("one",), "have 1 part: give two or more"), (("one", "one"), "have a part twice: name each")]
)
def test_combinations_that_are_none(parts: tuple[str, ...], said: str) -> None:
    with pytest.raises(ProbeError, match=said):
        CombinedFeatures(Combination.VOTE, tuple(features(name, 1.0) for name in parts))
