"""Probes and the scaling in front of them."""

import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from llm4es.core.errors import ProbeError
from llm4es.core.tasks import Kind
from llm4es.features.feature_set import Block, Preprocess
from llm4es.probe import chosen_logistic
from llm4es.probe.boosted import PTLS_SAME, PTLS_TREES
from llm4es.probe.chosen_logistic import ChosenLogistic
from llm4es.probe.estimators import ESTIMATORS
from llm4es.probe.scaling import Standard, UnitLength, in_place, scaling

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4))
SIDE = np.where(X[:, 0] + 0.1 * RNG.normal(size=400) > 0, "b", "a")
BLOCKS = (Block(4, Preprocess.STANDARD),)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
@pytest.mark.parametrize("kind", list(Kind))
def test_every_probe_learns_every_kind(name: str, kind: Kind) -> None:
    if name == "ptls" and kind is Kind.REGRESSION:
        pytest.skip("its protocol refuses regressions")
    y = {
        Kind.BINARY: SIDE,
        Kind.MULTICLASS: np.where(X[:, 1] > 0.7, "c", SIDE),
        Kind.REGRESSION: 2 * X[:, 0],
    }[kind]
    model = ESTIMATORS[name](kind, BLOCKS, 0, 300).fit(X[:300], y[:300])
    guess = model.predict(X[300:])
    if kind is Kind.REGRESSION:
        assert 1 - np.mean((guess - y[300:]) ** 2) / np.var(y[300:]) > 0.5
    else:
        assert np.mean(guess == y[300:]) > (0.5 if name == "ptls" else 0.7)
        assert model.predict_proba(X[300:]).shape == (100, len(np.unique(y)))
    again = ESTIMATORS[name](kind, BLOCKS, 0, 300).fit(X[:300], y[:300]).predict(X[300:])
    assert again.tolist() == guess.tolist()


def test_blocks_weigh_alike_whatever_their_widths() -> None:
    wide = RNG.normal(size=(50, 30)) * 100
    scaled = scaling([Block(4, Preprocess.STANDARD), Block(30, Preprocess.STANDARD)]).fit_transform(
        np.hstack([X[:50], wide])
    )
    lengths = [np.square(scaled[:, part]).sum(axis=1).mean() for part in (slice(0, 4), slice(4, 34))]
    assert lengths == pytest.approx([1.0, 1.0])


def test_a_fold_s_own_rows_are_scaled_where_they_lie_to_the_same_numbers() -> None:
    wide = RNG.normal(3, 5, size=(2000, 600))  # more numbers than are squared at once, more columns than are scaled
    expected = StandardScaler().fit_transform(wide)
    expected /= np.sqrt(np.square(expected).sum() / len(expected))
    model = scaling([Block(600, Preprocess.STANDARD)])
    assert np.array_equal(Standard().fit(wide).transform(wide), StandardScaler().fit_transform(wide))
    made = model.fit_transform(wide)
    np.testing.assert_allclose(made, expected, rtol=1e-14)  # releases of numpy sum squares in other orders
    mine = wide.copy()
    scaled = in_place(model).fit_transform(mine)
    assert np.shares_memory(scaled, mine)
    assert np.array_equal(scaled, made)
    assert Standard().fit(wide).transform(wide) is not wide


def test_sparse_and_dense_blocks_side_by_side() -> None:
    counts = sparse.csr_matrix(RNG.integers(0, 3, (50, 6)).astype(float))
    blocks = [Block(4, Preprocess.STANDARD), Block(6, Preprocess.TFIDF)]
    dense = scaling(blocks).fit_transform(np.hstack([X[:50], counts.toarray()]))
    mixed = scaling(blocks).fit_transform(sparse.hstack([X[:50], counts], format="csr"))
    assert np.asarray(dense) == pytest.approx(mixed.toarray() if hasattr(mixed, "toarray") else mixed)


def test_unit_length_of_nothing_is_nothing() -> None:
    assert UnitLength().fit_transform(np.zeros((3, 2))).tolist() == [[0, 0]] * 3


def test_whitening_gives_unit_variance() -> None:
    mixed = X @ RNG.normal(size=(4, 4))
    white = scaling([Block(4, Preprocess.WHITEN)]).fit_transform(mixed)
    assert np.std(white, axis=0) == pytest.approx(np.full(white.shape[1], np.std(white[:, 0])))


def test_regularisation_is_strong_for_noise_and_weak_for_signal() -> None:
    scaled = scaling(BLOCKS).fit_transform(X)
    signal = ChosenLogistic().fit(scaled, SIDE)
    noise = ChosenLogistic().fit(scaled, RNG.permutation(SIDE))
    assert noise.C_ < signal.C_
    assert ChosenLogistic().fit(X[:3], np.array(["a", "a", "b"])).C_ == 1.0  # nobody to choose by


def test_more_columns_than_rows_give_the_same_model_in_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = np.random.default_rng(1).normal(size=(60, 200))
    side = (wide[:, :5].sum(axis=1) > 0).astype(int)
    turned = ChosenLogistic().fit(wide[:50], side[:50])
    assert turned.model_.coef_.shape == (1, 50)
    monkeypatch.setattr(chosen_logistic, "_span", lambda _: None)
    plain = ChosenLogistic().fit(wide[:50], side[:50])
    assert plain.model_.coef_.shape == (1, 200)
    assert turned.C_ == plain.C_
    assert turned.predict_proba(wide[50:]) == pytest.approx(plain.predict_proba(wide[50:]), abs=1e-3)
    assert turned.predict(wide[50:]).tolist() == plain.predict(wide[50:]).tolist()


def test_the_choice_of_c_is_that_of_a_full_grid_search() -> None:
    for strength in (0.0, 0.5, 3.0):
        side = (strength * X[:, 0] + np.random.default_rng(3).normal(size=400) > 0).astype(int)
        scaled = scaling(BLOCKS).fit_transform(X)
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        grid = {"C": [0.1, 1, 10, 100, 1000]}
        search = GridSearchCV(LogisticRegression(max_iter=2000), grid, scoring="neg_log_loss", cv=folds)
        assert search.fit(scaled, side).best_params_["C"] == ChosenLogistic(seed=0).fit(scaled, side).C_


def test_ptls_parameters_are_the_published_ones() -> None:
    assert PTLS_TREES[Kind.BINARY] | PTLS_SAME == {
        "objective": "binary", "metric": "auc", "n_estimators": 500, "learning_rate": 0.02, "subsample": 0.5,
        "subsample_freq": 1, "colsample_bytree": 0.75, "max_depth": 6, "num_leaves": 31, "reg_alpha": 1,
        "reg_lambda": 1, "min_child_samples": 50, "random_state": 42, "boosting_type": "gbdt",
    }  # fmt: skip
    age = PTLS_TREES[Kind.MULTICLASS]
    assert (age["n_estimators"], age["subsample"], age["max_depth"], age["num_leaves"]) == (1000, 0.75, 12, 50)


def test_lightgbm_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ProbeError, match=r"LightGBM is not installed: run `pip install 'llm4es\[lightgbm\]'`"):
        ESTIMATORS["lightgbm"](Kind.BINARY, BLOCKS, 0, 300)
