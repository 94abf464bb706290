"""The report beside an earlier version and beside another store: values, paired differences, what came and went."""

import re
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.core.errors import OptionError, StoreError
from llm4es.options import ReportOptions
from llm4es.project.comparison_answer import answering
from llm4es.project.report import _data
from llm4es.project.report_changed import changed
from llm4es.report import render
from llm4es.report.against import Against

from . import shop
from .heard import Heard
from .test_comparison import row

QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


def beside(project: Project, other: str) -> Against:
    data = _data(project._context(), ["loyal"], ReportOptions(against=other))
    assert data.against is not None
    page = render(data)
    assert '<section id="against">' in page
    assert len(re.findall("(then and now|there and here) of", page)) <= 1  # one task's drawing
    return data.against


def values(project: Project, at: int | None = None) -> dict[str, float]:
    query = "SELECT features, value FROM probes WHERE metric = 'roc_auc' ORDER BY run_id"
    return {row["features"]: row["value"] for row in project.sql(query, at=at)}


def test_an_earlier_version_and_another_store(tmp_path: Path) -> None:
    recipe = shop.write(tmp_path / "shop", 24)
    project, elsewhere = (Project(recipe, tmp_path / name, observer=Heard()) for name in ("store", "elsewhere"))
    project.serialize()
    project.probe("loyal", features="tfidf,recency", **QUICK)
    version = project.store.record()["version"].to_pylist()[-1]
    then = values(project)
    shop.write(tmp_path / "shop", 24, changed=dict.fromkeys(range(0, 24, 2), "coffee"))
    project.serialize()
    project.probe("loyal", features="tfidf,counts", **QUICK)
    elsewhere.serialize()
    elsewhere.probe("loyal", features="tfidf,counts", **QUICK)

    found = beside(project, str(version))
    assert found.named == f"version {version}"
    rows = {row["features"]: row for row in found.probes}
    now = values(project)
    assert (rows["counts"]["then"], rows["counts"]["words"]) == (None, "added since")
    assert rows["counts"]["now"] == pytest.approx(now["counts"])
    assert (rows["recency"]["now"], rows["recency"]["words"]) == (None, "gone")
    paired = rows["tfidf"]
    assert (paired["then"], paired["now"]) == (pytest.approx(then["tfidf"]), pytest.approx(now["tfidf"]))
    assert paired["difference"] == pytest.approx(now["tfidf"] - then["tfidf"])
    assert paired["low"] <= paired["difference"] <= paired["high"]
    assert paired["n"] == 24
    (texts,) = (row for row in found.counts if row["what"] == "raw texts")
    assert texts == {"what": "raw texts", "then": 24, "now": 24, "added": 0, "gone": 0, "changed": 12}

    assert found.sentences == ("loyal: then no answer; now no answer. New: counts.",)  # no model was probed
    other = beside(project, str(tmp_path / "elsewhere"))
    assert (other.then, other.now) == ("there", "here")  # it need not be older
    same = {row["features"]: row for row in other.probes}
    assert {row["words"] for row in same.values()} == {"the same predictions"}
    assert same["tfidf"]["difference"] == 0

    labels = (tmp_path / "shop" / "customers.csv").read_text()
    (tmp_path / "shop" / "customers.csv").write_text(labels.replace("c1,yes", "c1,no"))
    elsewhere.serialize()
    elsewhere.probe("loyal", features="tfidf", **QUICK)
    relabelled = {row["features"]: row["words"] for row in beside(project, str(tmp_path / "elsewhere")).probes}
    assert relabelled["tfidf"] == "not paired: the labels of 1 of 24 entities differ"


def test_what_is_not_there_is_said(project: Project, tmp_path: Path) -> None:
    project.serialize()
    project.probe("loyal", features="counts", **QUICK)
    with pytest.raises(StoreError, match="no such version"):
        project.report("loyal", out="page.html", against=99)
    with pytest.raises(StoreError, match="no store at"):
        project.report("loyal", out="page.html", against="nowhere")
    Project(shop.write(tmp_path / "other"), tmp_path / "empty")._context()
    with pytest.raises(OptionError, match=r"--against .*empty: the store has nothing of 'shop': it has nothing"):
        project.report("loyal", out="page.html", against=str(tmp_path / "empty"))
    assert not Path("page.html").exists()


def test_the_answer_of_both_sides_is_said() -> None:
    tfidf, model = row("tfidf", 0.7, chosen=None), row("m@8", 0.75, 0.05, chosen=None, model="m")
    then = answering([model, tfidf])
    better = model | {"value": 0.8, "difference": 0.1, "p_adjusted": 0.01, "words": "better than tfidf"}
    assert changed("gender", then, [better, tfidf], ["m@1"], ("then", "now")) == (
        "gender: then no: m@8 0.750, within noise beside tfidf 0.700; now yes: m@8 0.800, better beside tfidf 0.700. "
        "The verdict is another. New: m@1."
    )
