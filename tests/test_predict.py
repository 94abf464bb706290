"""Scores of everybody: against scikit-learn on the raw table, day after day, and with everything that may be wrong."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from llm4es import Project
from llm4es.core.errors import OptionError, ProbeError, StoreError
from llm4es.probe.calibration import Calibration
from llm4es.probe.written_down import from_bytes
from llm4es_store import Store

from . import lenders
from .heard import Heard
from .shell import Call

FEW: dict[str, Any] = {"folds": 3, "repeats": 2, "bootstrap": 20}


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lender's store, which every test takes a copy of."""
    folder = tmp_path_factory.mktemp("lender")
    lenders.project(folder)
    return folder / "store"


@pytest.fixture
def lender(place: Path, made: Path, heard: Heard) -> Project:
    shutil.copytree(made, place / "store")
    return Project("lender", place / "store", observer=heard)


def rows(project: Project, query: str = "SELECT * FROM scores ORDER BY entity_id") -> list[dict[str, Any]]:
    return project.sql(query).to_pylist()


def fits(project: Project) -> int:
    return int(rows(project, "SELECT count(*) AS n FROM predictors")[0]["n"])


def counted(events: pd.DataFrame) -> pd.DataFrame:
    """What ``counts`` are: logarithms of events, and of distinct shops."""
    by = events.groupby("customer")
    return np.log1p(pd.DataFrame({"n": by.size(), "shops": by["shop"].nunique()}).astype(float))


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
    assert done["lift at 20 %"]["words"].endswith(f"of the first 12.0 are left, of all 60 {int(left[:60].sum())}")


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
    assert 'score[2] AS "gold"' in heard.since()
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


def test_a_recipe_without_times_has_no_time_to_score_at(place: Path) -> None:
    frame = lenders.events().drop(columns="at")
    plain = Project.from_frame(
        frame, name="timeless", entity="customer", labels=lenders.labels(), tasks=["left"], store=place / "store",
        observer="silent",
    )  # fmt: skip
    plain.serialize()
    with pytest.raises(OptionError, match=r"--as-of needs the time of events: the recipe of 'timeless' has no"):
        plain.predict("left", features="counts", as_of="2026-01-04")


def test_bad_words(lender: Project) -> None:
    with pytest.raises(OptionError, match="--features is missing"):
        lender.predict("left")
    with pytest.raises(OptionError, match=r"names 2 feature sets, .* give one, or vote\(counts, tfidf\)"):
        lender.predict("left", features="counts,tfidf")
    with pytest.raises(OptionError, match=r"'c\*' stands for 1|stands for|fits nothing"):
        lender.predict("left", features="x*")
    with pytest.raises(OptionError, match="'coles' is not in the store: there are"):
        lender.predict("left", features="coles")
    with pytest.raises(OptionError, match="'words-aligned' is learnt anew inside every fold, and cannot be kept"):
        lender.predict("left", features="vote(words-aligned, counts)")
    with pytest.raises(OptionError, match="--task 'churn' is none of"):
        lender.predict("churn", features="counts")
    assert fits(lender) == 0
    assert rows(lender) == []


def test_labels_that_teach_nothing(place: Path, heard: Heard) -> None:
    alike = lenders.project(place, heard, labels=lenders.labels(dict.fromkeys(range(60), "stayed")))
    with pytest.raises(ProbeError, match="has one label only, 'stayed'"):
        alike.predict("left", features="counts", **FEW)
    lenders.project(place, heard)
    with Store(place / "store").run("edit", "lender", {}, "test") as run:
        run.delete("labels", {"dataset": "lender"}, "task = 'plan'")
    with pytest.raises(ProbeError, match="task 'plan' has no label of an entity that has 'counts'"):
        Project("lender", place / "store", observer=heard).predict("plan", features="counts", **FEW)
    assert fits(alike) == 0


def test_a_dry_run_writes_nothing(lender: Project, heard: Heard) -> None:
    version = rows(lender, "SELECT max(version) AS v FROM runs")
    done = lender.predict("left", features="counts", dry_run=True, **FEW)
    assert (done.computed, len(done)) == (80, 0)
    assert fits(lender) == 0
    assert "v1 of counts would be fitted on 60 labelled entities" in heard.since()
    assert rows(lender, "SELECT max(version) AS v FROM runs") == version


def test_some_entities_have_a_predictor_of_their_own(lender: Project, place: Path) -> None:
    some = Project("lender", place / "store", max_entities=30, observer="silent")
    assert some.predict("left", features="counts", **FEW).computed == 30
    assert lender.predict("left", features="counts", **FEW).computed == lenders.N
    kept = rows(lender, "SELECT model_version AS v, n FROM predictors ORDER BY v")
    assert kept == [{"v": 1, "n": 30}, {"v": 2, "n": 60}]
    assert some.predict("left", features="counts", **FEW).computed == 0


def test_one_killed_before_it_scores_is_not_fitted_again(lender: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("llm4es.project.scoring._rows", killed)
        with pytest.raises(KeyboardInterrupt):
            lender.predict("left", features="counts", **FEW)
    (kept,) = rows(lender, "SELECT run_id, fitted FROM predictors")
    assert rows(lender) == []
    assert lender.predict("left", features="counts", **FEW).computed == lenders.N
    assert rows(lender, "SELECT run_id, fitted FROM predictors") == [kept]


def test_two_at_once_keep_one_predictor(lender: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from llm4es.project import predict, predictor_fit

    real = predictor_fit.fit

    def beaten(*words: Any) -> None:
        real(*words)  # somebody else, at the same time
        real(*words)

    monkeypatch.setattr(predict, "fit", beaten)
    assert lender.predict("left", features="counts", **FEW).computed == lenders.N
    assert fits(lender) == 1


def test_imported_vectors(lender: Project, heard: Heard) -> None:
    frame = counted(lenders.events()).reset_index().rename(columns={"customer": "id"})
    lender.import_vectors(frame[frame["id"] < "c070"], name="coles")
    heard.since()
    assert lender.predict("left", features="coles", **FEW).computed == 70
    assert "70 of 80 entities have scores of v1, 10 lack the features" in heard.since()
    alike = rows(lender)
    lender.predict("left", features="counts", **FEW)
    plain = {row["entity_id"]: row["value"] for row in rows(lender, "SELECT * FROM scores WHERE features = 'counts'")}
    np.testing.assert_allclose([row["value"] for row in alike], [plain[r["entity_id"]] for r in alike], atol=1e-4)
    wider = frame.assign(more=1.0)
    lender.import_vectors(wider, name="coles")
    assert lender.predict("left", features="coles", **FEW).computed == lenders.N  # the newest, by a fit of its own
    scored = "SELECT features, count(*) FROM scores WHERE features <> 'counts' GROUP BY ALL ORDER BY ALL"
    assert lender.store.sql(scored).fetchall() == [("coles", 70), ("coles@v2", lenders.N)]


def test_vectors_of_older_texts_are_refused(place: Path, model: Path) -> None:
    first = lenders.project(place)
    first.embed(model=str(model), k=1, max_length=64)
    assert first.predict("left", features=f"{model.name}@1", **FEW).computed == lenders.N
    grown = lenders.project(place, events=lenders.events(more={4: 2}))
    stale = "vectors of 1 entities were made of texts that have changed or vanished: .*embed"
    with pytest.raises(OptionError, match=stale):
        grown.predict("left", features=f"{model.name}@1", **FEW)
    with pytest.raises(OptionError, match=stale):
        grown.predict("left", features=f"{model.name}@1+counts", refit=True, **FEW)
    grown.embed(model=str(model), k=1, max_length=64)
    assert grown.predict("left", features=f"{model.name}@1", **FEW).computed == 1


def test_the_command_says_who_where_and_what_it_is_worth(lender: Project, place: Path, llm4es: Call) -> None:
    words = ("predict", "lender", "--task", "left", "--store", place / "store", "--folds", "3", "--repeats", "1")
    code, out, err = llm4es(*words, "--features", "aggregates")
    assert code == 0
    assert out.splitlines()[0] == "task,features,model_version,measure,value,low,high,words"
    assert "lift at 5 %" in out
    query = re.search(r'llm4es sql "(.*)"', err)
    assert query is not None
    assert len(lender.sql(query[1])) == 10
    code, out, err = llm4es(*words, "--features", "counts,tfidf")
    assert (code, out) == (2, "")
    assert "--features names 2 feature sets" in err
    assert len(lender.check()) == 0
    stages = rows(lender, "SELECT status, rows_computed AS n FROM runs WHERE stage = 'predict' ORDER BY version")
    assert stages == [{"status": "done", "n": 1}, {"status": "done", "n": 80}]


def test_a_task_with_cut_offs_of_its_own_is_learnt_there_and_scored_later(place: Path) -> None:
    from .test_cutoff_own import ROWS, asked, dated

    shop = dated(place, ROWS)
    shop.serialize()
    shop.predict("churn", features="counts", **FEW)
    first = {row["entity_id"]: str(row["as_of"])[:10] for row in rows(shop)}
    assert first == {f"c{n}": asked(n) for n in range(20)}
    shop.serialize(as_of="2026-01-05")  # nobody has a label of then or later
    later = shop.predict("churn", features="counts", as_of="2026-01-05", **FEW)
    assert later.computed == 20
    assert fits(shop) == 1
    days = [str(row["as_of"])[:10] for row in rows(shop)]
    assert days.count("2026-01-05") == 20
    assert len(days) == 40
    with pytest.raises(
        ProbeError, match="task 'churn' has no label of an entity that has 'recency' and whose texts are"
    ):
        shop.predict("churn", features="recency", as_of="2026-01-05", **FEW)
