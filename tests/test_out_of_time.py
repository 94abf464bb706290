"""Probes that learn at one time and are scored at a later one, against scikit-learn on the raw table."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from llm4es import Project
from llm4es.core.errors import OptionError, ProbeError, StoreError
from llm4es.options import ReportOptions
from llm4es.project.feature_sources import all_feature_sources
from llm4es.project.report import _data

from . import drifting
from .drifting import TEST, TRAIN

TIMES: dict[str, Any] = {"train_as_of": "2024-03-01", "test_as_of": "2024-05-01"}
FEW: dict[str, Any] = {"folds": 3, "repeats": 1, "bootstrap": 20}
NAMED = "cv, trained at 2024-03-01, scored at 2024-05-01"


def drift(place: Path, recipe: str = drifting.RECIPE) -> Project:
    project = Project(drifting.write(place / "service", recipe), place / "store", observer="silent")
    project.serialize(as_of="2024-03-01")
    project.serialize(as_of="2024-05-01")
    return project


def recency(moment: datetime) -> dict[str, list[float]]:
    """The baseline's three numbers, from the raw table."""
    times: dict[str, list[float]] = {}
    for user, at, _ in drifting.events():
        if at < moment:
            times.setdefault(user, []).append((moment - at).total_seconds() / 86400)
    return {u: [np.log1p(min(d)), np.log1p(max(d)), np.log1p(len(d) / max(max(d), 1))] for u, d in times.items()}


def by_hand(
    past: dict[str, list[float]], now: dict[str, list[float]], learnt: dict[str, str], scored: dict[str, str]
) -> dict[str, float]:
    """User -> score for 'yes', by plain scikit-learn: folds of everybody, fitted at one time, scored at the other."""
    everybody = sorted((past.keys() & learnt.keys()) | (now.keys() & scored.keys()))
    y = [scored[u] if u in now and u in scored else learnt[u] for u in everybody]
    found: dict[str, float] = {}
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(everybody, y):
        a = [everybody[row] for row in train if everybody[row] in past and everybody[row] in learnt]
        b = [everybody[row] for row in test if everybody[row] in now and everybody[row] in scored]
        model = make_pipeline(StandardScaler(), Normalizer(), KNeighborsClassifier(15, weights="distance"))
        model.fit([past[u] for u in a], [learnt[u] for u in a])
        found |= dict(zip(b, model.predict_proba([now[u] for u in b])[:, 1], strict=True))
    return found


def predictions(project: Project, features: str, protocol: str) -> dict[str, tuple[str, float]]:
    query = f"""SELECT entity_id, y_true, y_score[2] AS score FROM predictions
        WHERE features = '{features}' AND protocol = '{protocol}'"""
    return {row["entity_id"]: (row["y_true"], row["score"]) for row in project.sql(query).to_arrow().to_pylist()}


def test_it_is_what_scikit_learn_makes_of_the_raw_table(place: Path) -> None:
    project = drift(place)
    probing: dict[str, Any] = {"features": "recency", "probe": "knn", **FEW}
    assert project.probe("left", **probing, **TIMES)[0].computed == 1
    later = datetime(2100, 1, 1, tzinfo=UTC)
    learnt, scored = drifting.first_labels(TRAIN, TEST), drifting.first_labels(TEST, later)
    assert learnt.keys() - scored.keys()  # some are learnt from alone
    assert scored.keys() - learnt.keys()  # and some are scored alone
    expected = by_hand(recency(TRAIN), recency(TEST), learnt, scored)
    found = predictions(project, "recency", NAMED)
    assert {user: truth for user, (truth, _) in found.items()} == {user: scored[user] for user in expected}
    assert {u: score for u, (_, score) in found.items()} == pytest.approx(expected, abs=1e-6)
    # What was true at the first time is wrong at the second: scored at its own time the same baseline is good.
    users = sorted(expected)
    assert roc_auc_score([scored[u] for u in users], [expected[u] for u in users]) < 0.3
    project.probe("left", **probing)
    own = predictions(project, "recency", "cv")
    assert roc_auc_score([own[u][0] for u in users], [own[u][1] for u in users]) > 0.7


def test_a_baselines_columns_are_the_same_at_both_times(place: Path) -> None:
    project = drift(place)
    context = project._context().at(TRAIN, TEST).of_task("left")
    sources = {source.name: source for source in all_feature_sources(context)}
    assert list(sources) == ["tfidf", "words", "words-aligned", "counts", "recency", "majority"]
    pages = sorted({page for _, at, page in drifting.events() if at < TEST})
    assert sources["tfidf"].dimensions == len(pages) == 8
    for moment, load in ((TRAIN, sources["tfidf"].earlier), (TEST, sources["tfidf"].load)):
        assert load is not None
        features = load()
        seen = Counter((user, page) for user, at, page in drifting.events() if at < moment)
        assert features.entity_ids == sorted({user for user, _ in seen})
        assert features.dense().tolist() == [[seen[user, page] for page in pages] for user in features.entity_ids]
    majority = sources["majority"]
    assert majority.earlier is not None
    assert list(majority.earlier().entity_ids) == sorted(recency(TRAIN))


def test_a_second_probe_computes_nothing_and_a_changed_label_all(place: Path) -> None:
    project = drift(place)
    assert [each.computed for each in project.probe("left", **FEW, **TIMES)] == [6]
    assert [each.computed for each in project.probe("left", **FEW, **TIMES)] == [0]
    asked = place / "service" / "asked.csv"
    rows = asked.read_text().splitlines()
    at = next(n for n, row in enumerate(rows) if TRAIN.isoformat() in row)
    rows[at] = rows[at].replace(",yes,", ",?,").replace(",no,", ",yes,").replace(",?,", ",no,")
    asked.write_text("\n".join(rows) + "\n")
    project.serialize(as_of="2024-05-01")
    with pytest.raises(
        ProbeError, match=r"nothing to compare, 6 features stale.*--train-as-of 2024-03-01 --test-as-of"
    ):
        project.compare("left", **TIMES)
    assert [each.computed for each in project.probe("left", **FEW, **TIMES)] == [6]  # it is learnt from


def test_it_stands_beside_nothing_else(place: Path) -> None:
    project = drift(place)
    with pytest.raises(ProbeError, match="run `llm4es probe service --task left --train-as-of 2024-03-01 --test-as-of"):
        project.compare("left", **TIMES)
    project.probe("left", features="counts,tfidf", **FEW)
    before = project.compare("left").to_arrow()
    project.probe("left", features="recency,majority", **FEW, **TIMES)
    assert project.compare("left").to_arrow().equals(before)
    assert sorted(project.compare("left", **TIMES).to_arrow()["features"].to_pylist()) == ["majority", "recency"]
    assert project.sql("SELECT DISTINCT protocol FROM probes ORDER BY 1").to_arrow()["protocol"].to_pylist() == [
        "cv",
        NAMED,
    ]
    with pytest.raises(ProbeError, match="no probes of 'left'"):
        project.compare("left", train_as_of="2024-03-01", test_as_of="2024-05-01", probe="knn")


def test_the_report_shows_them_alone(place: Path) -> None:
    project = drift(place)
    project.probe("left", features="counts,tfidf", **FEW)
    project.probe("left", features="recency,majority", **FEW, **TIMES)
    data = _data(project._context(), ["left"], ReportOptions.of(**TIMES))
    assert data.predictions is not None
    assert set(data.predictions["features"].to_pylist()) == {"majority", "recency"}
    assert set(data.predictions["protocol"].to_pylist()) == {NAMED}
    assert data.warnings[0].text == (
        "Out of time: histories before 2024-03-01 to learn from, before 2024-05-01 to score, and other users."
    )
    assert data.users is not None
    assert data.users.num_rows == len(recency(TEST))


def test_vectors_are_those_of_each_time(place: Path, model: Path) -> None:
    project = drift(place)
    embedding: dict[str, Any] = {"model": str(model), "k": 1, "max_length": 64}
    project.embed(**embedding)
    with pytest.raises(
        OptionError,
        match=r"no such vectors of histories before 2024-03-01: `llm4es serialize service --as-of 2024-03-01`",
    ):
        project.probe("left", features="tinyllama@1", **FEW, **TIMES)
    assert project.probe("left", **FEW, **TIMES)[0].rows == 6  # the baselines alone, and it is said
    project.serialize(as_of="2024-03-01")
    project.embed(**embedding)
    assert project.probe("left", features="tinyllama@1,tinyllama@1+tfidf", **FEW, **TIMES)[0].computed == 2
    source = all_feature_sources(project._context().at(TRAIN, TEST))[0]
    assert source.earlier is not None
    _, past = project.vectors("tinyllama", k=1)  # the newest texts are those of the earlier time
    np.testing.assert_array_equal(source.earlier().matrix, past)
    assert not np.array_equal(source.load().matrix[: len(past)], past)
    project.embed(**embedding | {"max_length": 32})  # other settings are no twin of these
    assert len([each for each in all_feature_sources(project._context().at(TRAIN, TEST)) if each.lacking]) == 1
    assert project.probe("left", features="tinyllama@1 [64 tokens]", **FEW, **TIMES)[0].rows == 1


def test_undated_labels_are_the_same_at_both_times(place: Path) -> None:
    project = drift(place, drifting.UNDATED)
    project.probe("left", features="recency", probe="knn", **FEW, **TIMES)
    labels = drifting.first_labels(TRAIN, TEST)
    expected = by_hand(recency(TRAIN), recency(TEST), labels, labels)
    found = predictions(project, "recency", NAMED)
    assert {u: score for u, (_, score) in found.items()} == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"train_as_of": "2024-03-01"}, "--train-as-of 2024-03-01 needs --test-as-of too: give both times or neither"),
        ({"test_as_of": "2024-03-01"}, "--test-as-of 2024-03-01 needs --train-as-of too: give both times or neither"),
        (
            {"train_as_of": "2024-05-01", "test_as_of": "2024-05-01"},
            "--train-as-of 2024-05-01 is not before --test-as-of 2024-05-01: train on the earlier",
        ),
        ({**TIMES, "protocol": "ptls"}, "--protocol ptls is a published split of one time"),
        ({"train_as_of": "soon", "test_as_of": "2024-05-01"}, "--train-as-of 'soon'"),
    ],
)
def test_times_that_cannot_be(project: Project, options: dict[str, Any], line: str) -> None:
    project.serialize()
    with pytest.raises(OptionError) as raised:
        project.probe("loyal", **options)
    assert line in str(raised.value)
    if "protocol" not in options:
        with pytest.raises(OptionError, match=line.partition(" ")[0]):
            project.compare("loyal", **options)


def test_texts_and_labels_that_are_not_there(place: Path) -> None:
    project = drift(place)
    with pytest.raises(
        StoreError, match="no texts of 'service' end at 2024-02-01: run `llm4es serialize service --as-of"
    ):
        project.probe("left", train_as_of="2024-02-01", test_as_of="2024-05-01", **FEW)
    project.serialize(as_of=(TRAIN + timedelta(days=30)).isoformat())
    project.serialize(as_of=(TRAIN + timedelta(days=31)).isoformat())
    with pytest.raises(ProbeError, match="task 'left' has no label from 2024-03-31 to 2024-04-01 to learn from"):
        project.probe("left", train_as_of="2024-03-31", test_as_of="2024-04-01", **FEW)
