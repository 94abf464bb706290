"""Predictors against scikit-learn by hand, and written down without pickle."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

from llm4es.core.errors import ProbeError
from llm4es.core.tasks import Kind
from llm4es.features.combined import CombinedFeatures
from llm4es.features.expressions import Combination
from llm4es.features.feature_set import FeatureSet, Preprocess, join
from llm4es.probe.predictor import Fitted, fit_on_all
from llm4es.probe.written_down import TRUSTED, from_bytes, to_bytes

N = 90
IDS = [f"u{i:03}" for i in range(N)]
RNG = np.random.default_rng(3)
DENSE = RNG.normal(size=(N, 6)) * np.arange(1, 7)
COUNTS = RNG.poisson(0.7, size=(N, 9)).astype(float)
SIGNAL = DENSE[:, 0] + COUNTS[:, 1] + RNG.normal(size=N)
NAMES = np.array(["no", "yes"])[(np.median(SIGNAL) < SIGNAL).astype(int)]
THIRDS = np.array(["gold", "basic", "silver"])[np.digitize(SIGNAL, np.quantile(SIGNAL, [1 / 3, 2 / 3]))]

VECTORS = FeatureSet("m@1", IDS, DENSE)
ITEMS = FeatureSet("tfidf", IDS, sparse.csr_matrix(COUNTS), preprocess=Preprocess.TFIDF)


def labels(values: Any) -> pa.Table:
    return pa.table({"entity_id": IDS, "label": list(map(str, values))})


def fitted(features: Any, values: Any, kind: Kind = Kind.BINARY, probe: str = "logistic") -> Fitted:
    metric = "r2" if kind is Kind.REGRESSION else "roc_auc"
    return fit_on_all(features, labels(values), "task", kind, probe, 0, metric)[0]


def unit(x: Any) -> Any:
    """To mean square length 1."""
    return x / np.sqrt(np.square(x).sum() / len(x))


def test_coefficients_and_probabilities_are_scikit_learns() -> None:
    found = fitted(VECTORS, NAMES)
    chosen = found.model[-1]
    x = unit(StandardScaler().fit_transform(DENSE))
    by_hand = LogisticRegression(C=chosen.C_, max_iter=2000).fit(x, NAMES)
    np.testing.assert_allclose(chosen.model_.coef_, by_hand.coef_, atol=1e-6)
    scores = found.scores({"m@1": DENSE}, Kind.BINARY, np.array(["no", "yes"]))
    np.testing.assert_allclose(scores, by_hand.predict_proba(x), atol=1e-6)


def test_blocks_side_by_side_are_scaled_each() -> None:
    both = join([VECTORS, ITEMS])
    found = fitted(both, NAMES)
    items = TfidfTransformer().fit_transform(COUNTS).toarray()
    x = np.hstack([unit(StandardScaler().fit_transform(DENSE)), unit(items)])
    by_hand = LogisticRegression(C=found.model[-1].C_, max_iter=2000).fit(x, NAMES)
    scores = found.scores({both.name: both.matrix}, Kind.BINARY, np.array(["no", "yes"]))
    np.testing.assert_allclose(scores, by_hand.predict_proba(x), atol=1e-5)


def test_numbers_are_ridge_regressions() -> None:
    found = fitted(VECTORS, SIGNAL, Kind.REGRESSION)
    x = unit(StandardScaler().fit_transform(DENSE))
    by_hand = RidgeCV(alphas=[1 / c for c in (0.1, 1, 10, 100, 1000)]).fit(x, SIGNAL)
    scores = found.scores({"m@1": DENSE}, Kind.REGRESSION, np.array([]))
    np.testing.assert_allclose(scores[:, 0], by_hand.predict(x))


def test_a_vote_is_the_mean_of_log_odds_and_a_choice_one_of_its_parts() -> None:
    classes, numbers = np.array(["no", "yes"]), {"m@1": DENSE, "tfidf": ITEMS.matrix}
    apart = [fitted(part, NAMES).scores(numbers, Kind.BINARY, classes) for part in (VECTORS, ITEMS)]
    vote = fitted(CombinedFeatures(Combination.VOTE, (VECTORS, ITEMS)), NAMES)
    odds = np.mean([np.log(p[:, 1] / p[:, 0]) for p in apart], axis=0)
    np.testing.assert_allclose(vote.scores(numbers, Kind.BINARY, classes)[:, 1], 1 / (1 + np.exp(-odds)), atol=1e-5)
    assert vote.leaves == ["m@1", "tfidf"]
    noise = FeatureSet("noise", IDS, RNG.normal(size=(N, 3)))
    best = fitted(CombinedFeatures(Combination.BEST, (noise, VECTORS)), NAMES)
    assert (best.name, best.how, best.leaves) == ("m@1", None, ["m@1"])
    np.testing.assert_allclose(best.scores(numbers, Kind.BINARY, classes), apart[0])


def test_a_stack_learns_of_scores_that_were_made_out_of_fold() -> None:
    from sklearn.model_selection import StratifiedKFold

    classes, numbers = np.array(["no", "yes"]), {"m@1": DENSE, "tfidf": ITEMS.matrix}
    stack = fitted(CombinedFeatures(Combination.STACK, (VECTORS, ITEMS)), NAMES)
    held = np.empty((N, 2))
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(NAMES, NAMES):
        for column, part in enumerate((VECTORS, ITEMS)):
            some = FeatureSet(part.name, [IDS[i] for i in train], part.matrix[train], preprocess=part.preprocess)
            p = fitted(some, NAMES).scores({part.name: part.matrix[test]}, Kind.BINARY, classes)
            held[test, column] = np.log(p[:, 1] / p[:, 0])
    small = LogisticRegression(max_iter=2000).fit(held, NAMES)
    np.testing.assert_allclose(stack.model.coef_, small.coef_, atol=1e-4)
    whole = [fitted(part, NAMES).scores(numbers, Kind.BINARY, classes) for part in (VECTORS, ITEMS)]
    odds = np.stack([np.log(p[:, 1] / p[:, 0]) for p in whole], axis=1)
    np.testing.assert_allclose(stack.scores(numbers, Kind.BINARY, classes), small.predict_proba(odds), atol=1e-4)


@pytest.mark.parametrize("probe", ["logistic", "lightgbm", "knn", "mlp", "ptls"])
@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_written_down_scores_alike(probe: str, kind: Kind) -> None:
    if probe == "lightgbm" or probe == "ptls":
        pytest.importorskip("lightgbm")
    if probe == "ptls" and kind is Kind.REGRESSION:
        pytest.skip("the published trees are of classes")
    values = {Kind.BINARY: NAMES, Kind.MULTICLASS: THIRDS, Kind.REGRESSION: SIGNAL}[kind]
    both = join([VECTORS, ITEMS])
    stack = CombinedFeatures(Combination.STACK, (both, VECTORS))
    found = fitted(stack, values, kind, probe)
    again = from_bytes(to_bytes(found))
    assert again.leaves == found.leaves == [both.name, "m@1"]
    numbers, classes = {both.name: both.matrix, "m@1": DENSE}, np.unique(values)
    np.testing.assert_array_equal(found.scores(numbers, kind, classes), again.scores(numbers, kind, classes))


def test_what_we_never_fit_is_not_read() -> None:
    import skops.io

    class Other(TfidfTransformer):  # type: ignore[misc]  # scikit-learn ships no types
        """Of a type that nobody has named."""

    Other.__module__, Other.__qualname__ = "tests.test_predictor", "Other"
    globals()["Other"] = Other
    content = bytes(skops.io.dumps({"name": "x", "how": None, "model": Other().fit(COUNTS), "parts": []}))
    with pytest.raises(ProbeError, match=r"holds tests\.test_predictor\.Other, which llm4es never writes"):
        from_bytes(content)
    forest = bytes(skops.io.dumps({"name": "x", "how": None, "model": RandomForestClassifier(2), "parts": []}))
    assert from_bytes(forest).name == "x"  # scikit-learn's own types are skops' to trust
    assert not any(name.startswith(("os.", "builtins.", "subprocess.")) for name in TRUSTED)
