"""Who is trained on and who is scored, against ids worked out by hand."""

import random

import numpy as np
import pyarrow as pa
import pytest
from sklearn.model_selection import StratifiedKFold

from llm4es.core.errors import ProbeError
from llm4es.core.tasks import OWN_FOLDS, Kind
from llm4es.features.feature_set import FeatureSet
from llm4es.options import ProbeOptions
from llm4es.probe.cohort import Cohort, align
from llm4es.probe.cohort import everybody as whole_cohort
from llm4es.probe.common_folds import fits_of
from llm4es.probe.protocols import PROTOCOLS, Fit, fewer, protocol

OPTIONS = ProbeOptions()


def cohort(y: list[str], file_row: list[int] | None = None, classes: bool = True) -> Cohort:
    ids = tuple(sorted(str(i) for i in range(len(y))))
    return Cohort(ids, np.array(y), classes, np.array(file_row or range(len(y))))


def ids(rows: np.ndarray, given: Cohort) -> list[str]:
    return [given.entity_ids[row] for row in rows]


def test_cv_scores_everybody_once_a_repeat_and_keeps_class_shares() -> None:
    given = cohort(["a"] * 10 + ["b"] * 20)
    fits = PROTOCOLS["cv"].fits(given, OPTIONS)
    assert len(fits) == 15
    for repeat in range(3):
        tested = np.concatenate([fit.test for fit in fits if fit.repeat == repeat])
        assert sorted(tested) == list(range(30))
    assert all((given.y[fit.test] == "a").sum() == 2 for fit in fits)
    assert all(not set(fit.train) & set(fit.test) for fit in fits)
    assert fits[0].test.tolist() != fits[5].test.tolist()  # another repeat, other folds


def test_holdout_scores_a_fifth() -> None:
    given = cohort(["a"] * 10 + ["b"] * 20)
    (fit,) = PROTOCOLS["holdout"].fits(given, OPTIONS)
    assert (len(fit.train), len(fit.test)) == (24, 6)
    assert (given.y[fit.test] == "a").sum() == 2


def test_ptls_by_hand() -> None:
    # thirty ids as text, sorted ('0', '1', '10', ...), shuffled by Random(42): the last three are '0', '11', '27'
    y = ["a", "b"] * 15
    given = cohort(y, file_row=list(range(29, -1, -1)))
    fits = PROTOCOLS["ptls"].fits(given, ProbeOptions(seed=7, folds=2, repeats=1))  # read none of these
    assert [ids(fit.test, given) for fit in fits] == [["0", "11", "27"]] * 5
    # the rest in the order of the label file, which is the reverse here
    rest = [i for i in reversed(given.entity_ids) if i not in ("0", "11", "27")]
    label = dict(zip(given.entity_ids, y, strict=True))
    folds = StratifiedKFold(5, shuffle=True, random_state=42).split(rest, [label[i] for i in rest])
    for fit, (train, valid) in zip(fits, folds, strict=True):
        assert fit.validation is not None
        assert ids(fit.train, given) == [rest[i] for i in train]
        assert ids(fit.validation, given) == [rest[i] for i in valid]
    # and as they came out when this was written
    assert ids(fits[0].validation, given) == FIRST_VALIDATION  # type: ignore[arg-type]


FIRST_VALIDATION: list[str] = ["5", "4", "24", "22", "2", "14"]


def test_the_names_that_need_no_split_are_the_protocols() -> None:
    assert tuple(PROTOCOLS) == OWN_FOLDS


def test_a_split_of_the_recipe() -> None:
    given = cohort(["a", "b"] * 3)
    splits = pa.table(
        {
            "entity_id": ["0", "1", "2", "3", "4", "0"],
            "split": ["train", "train", "validation", "test", "test", "test"],
            "name": ["hash"] * 5 + ["other"],
        }
    )
    (fit,) = protocol("hash", splits).fits(given, OPTIONS)
    assert (ids(fit.train, given), ids(fit.test, given)) == (["0", "1", "2"], ["3", "4"])
    with pytest.raises(ProbeError, match="split 'other' puts no labelled entity into train: choose another --protocol"):
        protocol("other", splits).fits(given, OPTIONS)
    with pytest.raises(ProbeError, match=r"--protocol 'year' is unknown: choose one of cv, .*, new-items, hash, other"):
        protocol("year", splits)
    with pytest.raises(ProbeError, match="--protocol 'hash' is unknown: choose one of cv, holdout, ptls, new-items"):
        protocol("hash", None)


def test_a_split_without_a_class() -> None:
    splits = pa.table({"entity_id": ["0", "1", "2"], "split": ["train", "train", "test"], "name": ["hash"] * 3})
    with pytest.raises(ProbeError, match="--protocol hash leaves a part of 1 entities without class 'b': choose cv"):
        protocol("hash", splits).fits(cohort(["a", "b", "a"]), OPTIONS)


def test_too_few_for_a_protocol() -> None:
    with pytest.raises(
        ProbeError, match="class 'b' has 2 members for 5 folds: give more labels, or --protocol cv with --folds 2"
    ):
        PROTOCOLS["holdout"].fits(cohort(["a"] * 28 + ["b"] * 2), OPTIONS)
    with pytest.raises(ProbeError, match="3 labelled entities for 5 folds: give more labels, or fewer folds"):
        PROTOCOLS["cv"].fits(cohort(["1", "2", "3"], classes=False), OPTIONS)
    with pytest.raises(ProbeError, match=r"class 'b' has 1 member for 5 folds: give more labels$"):
        PROTOCOLS["cv"].fits(cohort(["a"] * 28 + ["b"]), OPTIONS)
    with pytest.raises(ProbeError, match="--protocol ptls leaves a part of 1 entities without class 'a'"):
        PROTOCOLS["ptls"].fits(cohort(["a"] * 8 + ["b"] * 7), OPTIONS)
    with pytest.raises(ProbeError, match="--protocol ptls is for classes and the task is a regression: choose cv"):
        PROTOCOLS["ptls"].fits(cohort(["1"] * 20, classes=False), OPTIONS)


def test_fewer_keeps_shares_and_nests() -> None:
    given = cohort(["a"] * 10 + ["b"] * 30)
    fit = Fit(0, 0, np.arange(40), np.array([], dtype=np.int64))
    few, more = fewer(fit, given, 8, seed=0), fewer(fit, given, 20, seed=0)
    assert [(given.y[part.train] == "a").sum() for part in (few, more)] == [2, 5]
    assert set(few.train) < set(more.train)
    assert fewer(fit, given, 40, seed=0).train.tolist() == list(range(40))


def test_sizes_that_do_not_fit() -> None:
    given, fit = cohort(["a"] * 10 + ["b"] * 30), Fit(0, 0, np.arange(40), np.array([], dtype=np.int64))
    with pytest.raises(ProbeError, match="--sizes 41 is more than the 40 entities that a fit is trained on: give less"):
        fewer(fit, given, 41, 0)
    with pytest.raises(ProbeError, match="--sizes 1 leaves a class without a member to train on: give more"):
        fewer(fit, given, 1, 0)


def test_ptls_is_the_published_split_whoever_lacks_the_features() -> None:
    everybody = [f"u{i}" for i in range(2000)]
    label = {entity: str(i % 2) for i, entity in enumerate(everybody)}
    # the published procedure by hand; u0 and u1 have labels and no events
    known = sorted(everybody[2:])
    random.Random(42).shuffle(known)
    published = known[len(known) - int(len(known) * 0.1) :]
    lacking = {published[5], known[0], known[700]}
    some = [entity for entity in everybody if entity not in lacking and entity in known]
    features = FeatureSet("few", some, np.random.default_rng(0).normal(size=(len(some), 2)))
    labels = pa.table({"entity_id": list(label), "label": list(label.values())})
    # the file's order, without the test set, in five folds; then those without features are dropped
    rest = [entity for entity in everybody if entity in set(known) - set(published)]
    folds = StratifiedKFold(5, shuffle=True, random_state=42).split(rest, [label[entity] for entity in rest])
    trained = [[rest[i] for i in train if rest[i] not in lacking] for train, _ in folds]

    cohort, _ = align(features, labels, "t", Kind.BINARY)
    whole = whole_cohort(cohort, labels, everybody[2:], "t", Kind.BINARY)
    fits = fits_of(PROTOCOLS["ptls"], cohort, whole, OPTIONS, "few")
    for fit, train in zip(fits, trained, strict=True):
        assert set(ids(fit.test, cohort)) == set(published) - lacking
        assert set(ids(fit.train, cohort)) == set(train)
    assert len(fits[0].test) == 198


def test_folds_are_those_of_everybody() -> None:
    given = cohort(["a", "b"] * 20)
    labels = pa.table({"entity_id": given.entity_ids, "label": given.y.tolist()})
    some = [entity for entity in given.entity_ids if entity not in ("3", "17")]
    few, _ = align(FeatureSet("few", some, np.zeros((38, 1))), labels, "t", Kind.BINARY)
    whole = whole_cohort(few, labels, given.entity_ids, "t", Kind.BINARY)
    assert whole_cohort(few, labels, some, "t", Kind.BINARY) is few
    for name in ("cv", "holdout"):
        all_of, few_of = PROTOCOLS[name].fits(given, OPTIONS), fits_of(PROTOCOLS[name], few, whole, OPTIONS, "few")
        for fit, dropped in zip(all_of, few_of, strict=True):
            for part in ("train", "test"):
                kept = [entity for entity in ids(getattr(fit, part), given) if entity in some]
                assert ids(getattr(dropped, part), few) == kept


def test_a_fold_that_is_left_without_a_class() -> None:
    ids_ = [f"u{i:02}" for i in range(40)]
    labels = pa.table({"entity_id": ids_, "label": ["a"] * 20 + ["b"] * 20})
    few, _ = align(FeatureSet("few", ids_[:21], np.zeros((21, 1))), labels, "t", Kind.BINARY)
    whole = whole_cohort(few, labels, ids_, "t", Kind.BINARY)
    with pytest.raises(
        ProbeError, match="19 of 40 labelled entities lack the features 'few', which leaves a fold with"
    ):
        fits_of(PROTOCOLS["cv"], few, whole, OPTIONS, "few")
