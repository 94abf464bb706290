"""Scores of everybody: against scikit-learn on the raw table, in parts, and day after day."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from llm4es import Project
from llm4es.core.errors import StoreError
from llm4es.probe.calibration import Calibration
from llm4es.probe.written_down import from_bytes

from . import lenders
from .heard import Heard
from .scored import FEW, fits, rows


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def lender(place: Path, lender_store: Path, heard: Heard) -> Project:
    shutil.copytree(lender_store, place / "store")
    return Project("lender", place / "store", observer=heard)


def test_scores_are_what_scikit_learn_makes_of_the_raw_table(lender: Project, heard: Heard) -> None:
    done = lender.predict("left", features="tfidf", **FEW)
    events, labels = lenders.events(), lenders.labels().set_index("customer")["left"]
    shops = pd.crosstab(events["customer"], events["shop"]).astype(float)
    rarity = TfidfTransformer().fit(shops.loc[labels.index].to_numpy())
    known, x = (rarity.transform(each.to_numpy()).toarray() for each in (shops.loc[labels.index], shops))
    length = np.sqrt(np.square(known).sum() / len(known))  # to mean square length 1
    (predictor,) = rows(lender, "SELECT * FROM predictors")
    curve = Calibration.of_json(predictor["calibration"])
    assert curve.slopes[0] > 0.5  # or everybody would have one score
    strength = from_bytes(predictor["fitted"]).model[-1].C_
    model = LogisticRegression(C=strength, max_iter=2000).fit(known / length, labels)
    odds = model.decision_function(x / length)  # of stayed, the second
    by_hand = pd.Series(1 / (1 + np.exp(-(curve.slopes[0] * odds + curve.intercepts[0]))), index=shops.index)
    found = pd.Series({row["entity_id"]: row["score"][1] for row in rows(lender)}).loc[shops.index]
    np.testing.assert_allclose(found, by_hand, atol=1e-5)
    assert predictor["classes"] == ["left", "stayed"]
    assert predictor["positive"] == "left"
    assert all(row["value"] == row["score"][0] and abs(sum(row["score"]) - 1) < 1e-6 for row in rows(lender))
    assert [row["trained"] for row in rows(lender)] == [row["entity_id"] < "c060" for row in rows(lender)]
    assert {row["as_of"] for row in rows(lender)} == {None}
    said = heard.since()
    assert "v1 of tfidf is fitted on 60 labelled entities" in said
    assert "probabilities of left, stayed, in this order" in said
    assert "value is that of left" in said
    assert "80 of 80 entities have scores of v1" in said
    assert "llm4es sql" in said
    assert [row["measure"] for row in done][:3] == ["roc_auc", "brier", "calibration error"]


def test_figures_are_out_of_fold_and_those_of_a_probe(lender: Project) -> None:
    done = {row["measure"]: row for row in lender.predict("left", features="aggregates", **FEW)}
    lender.probe("left", features="aggregates", **FEW)
    (probed,) = rows(lender, "SELECT value, ci_low FROM probes WHERE metric = 'roc_auc'")
    assert done["roc_auc"]["value"] == probed["value"]
    assert done["roc_auc"]["low"] == probed["ci_low"]
    held = lender.sql("SELECT * FROM predictions ORDER BY repeat, entity_id").to_pandas()
    left = (held["y_true"] == "left").to_numpy()
    first = pd.Series([score[0] for score in held["y_score"]])
    before = float(np.mean((first - left) ** 2))
    assert f"{before:.4f} before calibration" in done["brier"]["words"]
    share = left.mean()
    assert f"{share * (1 - share):.4f} if everybody" in done["brier"]["words"]
    by_fold = [
        roc_auc_score(left[part.index], first[part.index]) for _, part in held.groupby(["repeat", "fold"]) if len(part)
    ]
    assert np.mean(by_fold) == pytest.approx(probed["value"], abs=0.02)
    assert done["lift at 20 %"]["words"].endswith(f"of the first 12 are left, of all 60 {int(left[:60].sum())}")


def test_small_batches_score_as_one(lender: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for features in ("vote(words, tfidf+recency)", "aggregates"):
        lender.predict("left", features=(features,), **FEW)
        with monkeypatch.context() as patched:
            patched.setattr("llm4es.project.predict.BATCH", 7)
            lender.predict("left", features=(features,), refit=True, **FEW)
        query = "SELECT value FROM scores WHERE features = '{}' AND model_version = {} ORDER BY entity_id"
        whole, parts = (rows(lender, query.format(features, version)) for version in (1, 2))
        assert len(whole) == len(parts) == lenders.N
        np.testing.assert_allclose([row["value"] for row in parts], [row["value"] for row in whole], atol=1e-6)


def test_columns_of_a_batch_stand_for_what_everybodys_do(lender: Project) -> None:
    from llm4es.project.feature_sources import all_feature_sources

    for source in all_feature_sources(lender._context()):
        if source.part is None:
            assert source.name == "words-aligned"
            continue
        whole, learnt = source.load(), source.columns()
        some = source.part("entity_id IN ('c005', 'c040')", learnt or dict(whole.learnt))
        at = [list(whole.entity_ids).index(entity) for entity in some.entity_ids]
        assert list(some.entity_ids) == ["c005", "c040"]
        whole_rows, some_rows = whole.matrix[at], some.matrix
        if source.name == "tfidf":
            assert list(learnt["items"]) == list(whole.learnt["items"])
        dense = [each.toarray() if hasattr(each, "toarray") else each for each in (whole_rows, some_rows)]
        np.testing.assert_allclose(dense[0], dense[1], err_msg=source.name)


def test_a_rerun_computes_nothing_and_a_day_only_what_changed(place: Path, heard: Heard) -> None:
    first = lenders.project(place, heard)
    assert first.predict("left", features="aggregates", **FEW).computed == lenders.N
    assert first.predict("left", features="aggregates", **FEW).computed == 0
    before = {row["entity_id"]: row for row in rows(first)}
    grown = lenders.project(place, heard, events=lenders.events(lenders.N + 3, more={4: 2}))
    (plan,) = grown.predict("left", features="aggregates", dry_run=True, **FEW).outcomes
    assert (plan.computed, plan.reused) == (4, 79)
    done = grown.predict("left", features="aggregates", **FEW)
    assert done.outcomes[0].reasons == {"new": 3, "text changed": 1}
    assert fits(grown) == 1
    after = {row["entity_id"]: row for row in rows(grown)}
    assert len(after) == lenders.N + 3
    assert after["c004"]["value"] != before["c004"]["value"]
    assert [e for e in before if after[e] != before[e]] == ["c004"]


def test_everybody_is_scored_again_where_recency_counts_from_a_later_event(place: Path) -> None:
    first = lenders.project(place)
    first.predict("left", features="recency", **FEW)
    grown = lenders.project(place, events=lenders.events(more={4: 1}))
    assert grown.predict("left", features="recency", **FEW).computed == lenders.N


def test_a_refit_stands_beside_and_changed_labels_are_told(place: Path, heard: Heard) -> None:
    first = lenders.project(place, heard)
    first.predict("left", features="counts", **FEW)
    other = lenders.project(place, heard, labels=lenders.labels({0: "stayed"}, n=63))
    heard.since()
    before = rows(other)
    assert other.predict("left", features="counts", **FEW).computed == 0
    assert (
        "labels have changed since v1 was fitted (1 others, 3 new); scores stay with it, --refit fits v2"
        in heard.since()
    )
    assert rows(other) == before
    assert other.predict("left", features="counts", refit=True, **FEW).computed == lenders.N
    assert rows(other, "SELECT model_version, count(*) AS n FROM scores GROUP BY ALL ORDER BY ALL") == [
        {"model_version": 1, "n": 80},
        {"model_version": 2, "n": 80},
    ]
    heard.since()
    assert other.predict("left", features="counts", **FEW).computed == 0
    assert "labels have changed" not in heard.since()
    assert fits(other) == 2


def test_classes_that_are_words_and_numbers(lender: Project, heard: Heard) -> None:
    done = lender.predict("plan", features="aggregates", **FEW)
    (predictor,) = rows(lender, "SELECT classes, positive FROM predictors")
    assert predictor == {"classes": ["basic", "gold", "silver"], "positive": None}
    assert all(len(row["score"]) == 3 and row["value"] is None for row in rows(lender))
    assert {row["measure"] for row in done} >= {"accuracy", "lift at 5 % of gold", "lift at 20 % of silver"}
    assert r"score[2] AS \"gold\"" in heard.since()  # within a shell's quotes
    numbers = lender.predict("limit", features="counts", **FEW)
    found = rows(lender, "SELECT * FROM scores WHERE task = 'limit'")
    assert all(row["score"] == [row["value"]] for row in found)
    assert len(found) == lenders.N
    assert {row["measure"] for row in numbers} == {"r2", "mae"}
    assert "numbers, as they are predicted" in heard.since()


def test_a_time(lender: Project) -> None:
    with pytest.raises(StoreError, match=r"no texts of 'lender' end at 2026-01-04: run `llm4es serialize"):
        lender.predict("left", features="aggregates", as_of="2026-01-04", **FEW)
    lender.predict("left", features="aggregates", **FEW)
    lender.serialize(as_of="2026-01-04")
    lender.predict("left", features="aggregates", as_of="2026-01-04", **FEW)
    cut = rows(lender, "SELECT * FROM scores WHERE as_of IS NOT NULL ORDER BY entity_id")
    assert fits(lender) == 1
    assert len(cut) == lenders.N
    assert {str(row["as_of"])[:10] for row in cut} == {"2026-01-04"}
    whole = rows(lender, "SELECT * FROM scores WHERE as_of IS NULL ORDER BY entity_id")
    assert [row["value"] for row in cut] != [row["value"] for row in whole]
    assert lender.predict("left", features="aggregates", as_of="2026-01-04", **FEW).computed == 0
