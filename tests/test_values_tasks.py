"""Labels that belong to few of the events' entities are told of, and one task that cannot be probed stops no other."""

from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.core.errors import ProbeError

from . import shop, tiny
from .heard import Heard

pytestmark = pytest.mark.usefixtures("few_folds")

MORE = '\n[tasks.{0}]\nkind = "{1}"\ntable = "customers"\nentity = "customer"\nlabel = "{2}"\n'


def _project(folder: Path, tasks: str = "", customers: str | None = None) -> tuple[Project, Heard]:
    recipe = shop.write(folder / "shop")
    recipe.write_text(recipe.read_text() + tasks)
    if customers is not None:
        (folder / "shop" / "customers.csv").write_text(customers)
    ears = Heard()
    return Project(recipe, folder / "store", observer=ears), ears


RARE = MORE.format("rare", "multiclass", "CASE customer WHEN 'c0' THEN 'one' ELSE loyal END")
ALONE = MORE.format("alone", "binary", "'same'")


def test_a_rare_class_and_a_bad_task_stop_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    model = str(tiny.save(tmp_path / "model"))
    project, ears = _project(tmp_path, ALONE + RARE)
    ran = project.run(model=model, k=1, max_length=64, finetune="none")
    done = {outcome.what for outcome in ran.outcomes if outcome.stage == "probe"}
    said = ears.since()
    assert "loyal" in done
    for task in {"rare", "alone"} - done:
        assert f"task '{task}' is left out: " in said
    assert "alone" not in done
    probed = {task for (task,) in project.store.sql("SELECT DISTINCT task FROM probes").fetchall()}
    assert probed == done
    assert ran.comparison is not None
    assert set(ran.comparison.to_arrow()["task"].to_pylist()) == done
    assert project.run(model=model, k=1, max_length=64, finetune="none").comparison is not None
    with pytest.raises(ProbeError, match="alone"):
        project.run("alone", model=model, k=1, max_length=64, finetune="none")


@pytest.mark.parametrize("features", [None, "counts,vote(tfidf, counts)"])
def test_several_tasks_are_probed_but_for_those_that_cannot_be(tmp_path: Path, features: str | None) -> None:
    project, ears = _project(tmp_path, ALONE + RARE)
    project.serialize()
    options: dict[str, Any] = {"folds": 3, "repeats": 1, "bootstrap": 20, "features": features}
    assert [outcome.what for outcome in project.probe(**options)] == ["loyal"]
    assert "task 'rare' is left out: class 'one' has 1 member for 3 folds" in (said := ears.since())
    assert "task 'alone' is left out: task 'alone' has one label only" in said
    assert said.count("class 'one'") == 1  # not once a feature set besides
    with pytest.raises(ProbeError, match="class 'one' has 1 member for 3 folds"):
        project.probe("rare", **options)


def test_labels_of_other_ids_are_told_with_both_sides(tmp_path: Path) -> None:
    lines = "".join(f"{i},{['no', 'yes'][i % 2]}\n" for i in range(20))
    project, ears = _project(tmp_path, customers="customer,loyal\n" + lines)
    project.serialize()
    said = "20 entities have labels and no events: nothing can be told of them (100 % of the labels', such as '0'; the "
    assert f"{said}events have ids such as 'c0')" in ears.since()
    sampled = Project(tmp_path / "shop" / "shop.toml", tmp_path / "other", observer=ears, max_entities=5)
    sampled.serialize()
    assert "20 entities have labels and no events" in ears.since()


def test_few_labels_of_others_are_counted_only(tmp_path: Path) -> None:
    lines = "".join(f"c{i},{['no', 'yes'][i % 2]}\n" for i in range(22))
    project, ears = _project(tmp_path, customers="customer,loyal\n" + lines)
    project.serialize()
    assert "2 entities have labels and no events: nothing can be told of them\n" in ears.since()
