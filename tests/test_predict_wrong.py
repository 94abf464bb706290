"""Scores of everybody with everything that may be wrong: bad words, kills, two at once, other times and spaces."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError, ProbeError
from llm4es_store import Store

from . import lenders
from .heard import Heard
from .scored import FEW, counted, fits, rows
from .shell import Call


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def lender(place: Path, lender_store: Path, heard: Heard) -> Project:
    shutil.copytree(lender_store, place / "store")
    return Project("lender", place / "store", observer=heard)


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
