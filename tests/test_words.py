"""The baselines of words against scikit-learn's own vectorizer, and against counts and factors made by hand."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from llm4es import Project
from llm4es.core.errors import ProbeError
from llm4es.features.feature_set import FeatureSet, join
from llm4es.features.words import words, words_aligned
from llm4es.options import ProbeOptions
from llm4es.probe import probe
from llm4es.probe.kind_vectors import PooledKinds
from llm4es.probe.scaling import plain, scaling

TEXTS = ["green tea | good", "black tea | bad", "rice | good", "salt | bad"]
COUNTS = sparse.csr_matrix(np.array([[2, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 3]]))


def documents(rows: Any) -> list[list[str]]:
    """Each entity's events, one after the other."""
    return [[TEXTS[kind] for kind, n in enumerate(row) for _ in range(n)] for row in rows]


def test_the_probe_weighs_words_and_pairs_as_scikit_learn_does() -> None:
    features = words(["a", "b", "c"], COUNTS, TEXTS)
    weighed = scaling(features.scaled_as()).fit(features.matrix)[0].transform(features.matrix)

    def pairs_of(events: list[str]) -> list[str]:
        found = []
        for event in events:
            single = event.replace("|", " ").split()
            found += [*single, *(" ".join(pair) for pair in pairwise(single))]
        return found

    expected = TfidfVectorizer(analyzer=pairs_of).fit_transform(documents(COUNTS.toarray()))
    assert sorted(weighed.sum(axis=0).A1) == pytest.approx(sorted(expected.sum(axis=0).A1))
    assert (weighed @ weighed.T).toarray() == pytest.approx((expected @ expected.T).toarray())


def test_words_that_nobody_was_trained_on_do_not_count() -> None:
    features = words(["a", "b", "c"], COUNTS, TEXTS)
    weigh = scaling(features.scaled_as()).fit(features.matrix[:2])[0]
    last = weigh.transform(features.matrix)[2]
    known = {"rice", "good", "rice good", "bad"}  # of c's: salt and salt bad were nobody's
    assert last.nnz == len(known)
    assert last.multiply(last).sum() == pytest.approx(1)  # its length is that of what is known


def test_scripts_without_spaces_are_read_by_character() -> None:
    features = words(["a"], sparse.csr_matrix([[1]]), ["绿茶 tea"])
    assert features.width == len({"绿", "茶", "tea", "绿 茶", "茶 tea"})


def test_texts_without_a_word() -> None:
    assert words(["a", "b"], sparse.csr_matrix([[1], [2]]), ["|"]).matrix.toarray().tolist() == [[0], [0]]


def test_aligned_words_are_learnt_of_the_training_part_alone() -> None:
    aligned = words_aligned(["a", "b", "c"], COUNTS, TEXTS, np.array([0, 1, 2, 3]))
    (block,) = aligned.scaled_as()
    assert block.kinds is not None
    once = PooledKinds(block.kinds).fit(aligned.matrix[:2])
    other = sparse.vstack([aligned.matrix[:2], sparse.csr_matrix([[9.0, 9, 9, 9]])]).tocsr()
    again = PooledKinds(block.kinds).fit(other[:2])
    np.testing.assert_array_equal(once.vectors_, again.vectors_)
    assert once.transform(aligned.matrix).shape == (3, 1)  # two entities span one factor, however many are asked for


def test_factors_of_an_items_words_are_those_of_who_has_it() -> None:
    """Two groups who share no item; within a group an item's words are alike."""
    rng = np.random.default_rng(0)
    texts = [f"{side} thing{i}" for side in ("red", "blue") for i in range(6)]
    group = np.arange(40) % 2
    counts = sparse.csr_matrix(rng.poisson(3, (40, 12)) * (np.arange(12) // 6 == group[:, None]))
    aligned = words_aligned([f"u{i:02}" for i in range(40)], counts, texts, np.arange(12))
    vectors = plain(aligned.scaled_as()).fit(aligned.matrix).transform(aligned.matrix)
    logs = np.log1p(counts.toarray())
    svd = TruncatedSVD(1, random_state=0).fit_transform(logs - logs.mean(axis=0))
    first = vectors[:, np.argmax(vectors.var(axis=0))]
    assert abs(np.corrcoef(first, svd[:, 0])[0, 1]) > 0.95
    assert roc_auc_score(group, first) in (0, 1)


def test_both_stand_beside_other_features_in_every_kind_of_probe() -> None:
    ids = [f"u{i:02}" for i in range(40)]
    rng = np.random.default_rng(1)
    counts = sparse.csr_matrix(rng.poisson(1, (40, 4)) + [[1, 0, 1, 0], [0, 1, 0, 1]] * 20)
    labels = pa.table({"entity_id": ids, "label": ["yes", "no"] * 20})
    noise = FeatureSet("noise", ids, rng.normal(size=(40, 2)))
    both = join([words(ids, counts, TEXTS), words_aligned(ids, counts, TEXTS, np.arange(4)), noise])
    for estimator in ("logistic", "knn", "mlp"):
        result = probe(both, labels, "t", "binary", ProbeOptions(folds=4, repeats=1, bootstrap=20, probe=estimator))
        assert result.probes["value"][0].as_py() > 0.7
    with pytest.raises(ProbeError, match=r"features 'words.* are learnt anew in every fold of a probe: name others"):
        both.dense()


def test_a_store_counts_the_lines_of_each_user(project: Project) -> None:
    project.serialize()
    project.probe("loyal", features="words,words-aligned", folds=2, repeats=1, bootstrap=20)
    assert project.probe("loyal", features="words,words-aligned", folds=2, repeats=1, bootstrap=20)[0].computed == 0
    context = project._context()
    from llm4es.project.feature_sources import all_feature_sources

    found = {source.name: source.load() for source in all_feature_sources(context)}
    texts = {row["entity_id"]: row["text"] for row in project.sql("SELECT entity_id, text FROM texts").to_pylist()}
    assert found["words"].entity_ids == sorted(texts)
    for entity, row in zip(found["words"].entity_ids, found["words"].matrix, strict=True):
        lines = texts[entity].split("\n")[1:]
        single = [line.replace("|", " ").replace(".", " ").split() for line in lines]
        assert row.sum() == sum(2 * len(each) - 1 for each in single)  # words, and pairs of neighbours
    kinds = found["words-aligned"].scaled_as()[0].kinds
    assert kinds is not None
    assert len(set(kinds.items)) == 5  # products
    with pytest.raises(ProbeError, match="features 'words-aligned' are learnt anew in every fold of a probe"):
        project.export(features="words-aligned")
