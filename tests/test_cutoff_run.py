"""A cut-off goes through every stage, stays until it is dropped, and what was made at another never stands beside."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.core.errors import DataError, Llm4esError, OptionError, ProbeError, RecipeError
from llm4es.options import ReportOptions
from llm4es.project.report import _data

from . import shop
from .shell import Shell

pytestmark = pytest.mark.usefixtures("few_folds")

FEW: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}
CUT, LATER = "2026-01-03", "2026-01-04"
QUICK = ("--k", 1, "--max-length", 64, "--variants", 0, "--finetune", "none")


def test_run_keeps_the_stored_cut_off_until_it_is_dropped(shell: Shell) -> None:
    run = ("run", shell.recipe, "--model", shell.model, *QUICK)
    shell.stage("serialize", "--as-of", CUT)
    code, out, said = shell(*run, "--dry-run", "--format", "json")
    assert code == 0
    planned = {row["stage"]: row["to compute"] for row in json.loads(out)["plan"]}
    assert list(planned) == ["serialize", "embed", "probe"]
    assert (planned["serialize"], planned["embed"]) == (0, 20)  # no text is missing
    assert f"run: the texts' cut-off {CUT} stays; --as-of none drops it" in said
    shell(*run)
    assert shell.sql("SELECT rows_computed FROM runs WHERE stage = 'probe'") == [(planned["probe"],)]
    assert shell.sql("SELECT DISTINCT left(as_of::VARCHAR, 10) FROM texts") == [(CUT,)]
    assert shell.sql("SELECT max(n_events) FROM embeddings") == [(2,)]
    shell(*run, "--as-of", LATER)
    assert shell.sql("SELECT DISTINCT n_events FROM embeddings ORDER BY 1") == [(2,), (3,)]
    code, _, said = shell(*run, "--as-of", "none")
    assert code == 0
    assert "stays" not in said
    assert shell.sql("SELECT count(*) FROM texts WHERE as_of IS NULL") == [(20,)]
    _, _, said = shell(*run)
    assert "stays" not in said
    code, out, _ = shell("compare", shell.recipe, "--format", "json")
    assert code == 0
    # the vectors of whole histories, six baselines, a vote and a choice: nothing of the others
    assert out.count('"features"') == 9


def test_each_stage_says_that_histories_are_cut(shell: Shell) -> None:
    shell.stage("serialize", "--as-of", CUT)
    _, _, said = shell("probe", shell.recipe, "--features", "counts", "--dry-run")
    assert f"probe loyal: the texts of shop are histories before {CUT}" in said
    _, _, said = shell("embed", shell.recipe, "--model", shell.model, "--max-length", 64, "--dry-run")
    assert f"embed: the texts of shop are histories before {CUT}" in said
    _, _, said = shell("serialize", shell.recipe)
    assert f"the texts before were histories before {CUT}, these are whole histories" in said


def test_probes_of_two_cut_offs_are_kept_apart(project: Project) -> None:
    project.serialize()
    project.probe("loyal", features="counts,tfidf", **FEW)
    project.serialize(as_of=CUT)
    with pytest.raises(ProbeError, match=f"no probes of 'loyal' of histories before {CUT} in the store"):
        project.compare("loyal")
    project.probe("loyal", features="counts", **FEW)
    assert project.compare("loyal").to_arrow()["features"].to_pylist() == ["counts"]
    data = _data(project._context(), ["loyal"], ReportOptions())
    assert data.predictions is not None
    assert set(data.predictions["features"].to_pylist()) == {"counts"}
    project.serialize()
    assert project.probe("loyal", features="counts,tfidf", **FEW)[0].computed == 0  # as they were
    assert sorted(project.compare("loyal").to_arrow()["features"].to_pylist()) == ["counts", "tfidf"]


def test_vectors_of_another_cut_off_do_not_stand_beside(project: Project, model: Path) -> None:
    project.serialize()
    project.embed(model=str(model), k=1, max_length=64)
    project.serialize(as_of=CUT)
    with pytest.raises(OptionError, match="is not in the store"):
        project.export(features="tinyllama@1")
    project.embed(model=str(model), k=1, max_length=64)
    cut = project.export(features="tinyllama@1").to_arrow()
    project.serialize()
    assert project.embed(model=str(model), k=1, max_length=64).computed == 0
    whole = project.export(features="tinyllama@1").to_arrow()
    assert cut.num_rows == whole.num_rows == 20
    assert not cut.equals(whole)
    data = _data(project._context(), [], ReportOptions())
    assert data.cuts is not None
    assert data.cuts.num_rows == 1


def test_a_cut_off_before_every_event_is_refused_and_changes_nothing(project: Project) -> None:
    project.serialize()
    with pytest.raises(
        DataError, match=r"^--as-of 1999-01-01 is before every event of 'shop', whose first is of 2026-01-01 10"
    ):
        project.serialize(as_of="1999-01-01")
    with pytest.raises(DataError, match=r"^--as-of 1999-01-01 is before every event"):
        project.serialize(as_of="1999-01-01", dry_run=True)
    assert project.probe("loyal", features="counts", **FEW)[0].rows == 1  # of the texts that there are


def test_a_cut_off_without_times_is_refused(project: Project, place: Path) -> None:
    recipe = place / "shop" / "shop.toml"
    recipe.write_text(recipe.read_text().replace('time = { from = "bought_at" }', ""))
    with pytest.raises(RecipeError, match=r"--as-of needs times, and recipe 'shop' has no events\.time"):
        Project(recipe, place / "store", observer="silent").serialize(as_of=CUT)


def test_a_label_that_is_constant_before_the_cut_off_is_one_line(project: Project, place: Path) -> None:
    shop.write(place / "shop", customers=20)
    events = place / "shop" / "events.csv"
    lines = events.read_text().splitlines()
    late = [re.sub("2026-01", "2026-02", line) if re.match(r"c\d*[13579],", line) else line for line in lines]
    events.write_text("\n".join(late) + "\n")
    project.serialize(as_of="2026-02-01")
    with pytest.raises(
        Llm4esError, match=r"task 'loyal' has one label only, 'no', among 10 entities \(histories before 2026-02-01\)"
    ):
        project.probe("loyal", **FEW)


def test_the_vectors_of_python_are_those_of_the_cut_off(project: Project, model: Path) -> None:
    project.serialize()
    project.embed(model=str(model), k=1, max_length=64)
    _, whole = project.vectors("tinyllama", k=1)
    project.serialize(as_of=CUT)
    project.embed(model=str(model), k=1, max_length=64)
    _, cut = project.vectors("tinyllama", k=1)  # of two configurations, those made of the texts that there are
    assert whole.shape == cut.shape
    assert (whole != cut).any()
