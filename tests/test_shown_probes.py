"""Which probes a comparison shows: everybody's before a part's, and what makes them anew is a command that there is."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import ProbeError
from llm4es.core.tasks import OF_NUMBERS, Kind
from llm4es.probe.metrics import METRICS

from . import shop
from .heard import Heard
from .shell import invoke

FEW: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


def opened(place: Path, **options: Any) -> Project:
    return Project(place / "shop/shop.toml", place / "store", observer=options.pop("observer", "silent"), **options)


@pytest.fixture
def project(place: Path) -> Project:
    shop.write(place / "shop")
    made = opened(place)
    made.serialize()
    return made


def scored(project: Project, **options: Any) -> dict[str, int]:
    return {row["features"]: row["n"] for row in project.compare("loyal", **options)}


def test_a_quick_look_at_a_few_hides_nobody(place: Path, project: Project) -> None:
    project.probe("loyal", features="counts,tfidf", **FEW)
    for n in (12, 16):
        opened(place, max_entities=n).probe("loyal", features="counts", **FEW)
    assert scored(project) == {"counts": 20, "tfidf": 20}
    assert scored(opened(place, max_entities=12)) == {"counts": 12}
    with pytest.raises(ProbeError, match="of 14 entities in the store: run `llm4es probe shop --task loyal --max-ent"):
        scored(opened(place, max_entities=14))


def test_of_several_parts_the_largest_is_shown(place: Path, project: Project) -> None:
    for n in (16, 12):
        opened(place, max_entities=n).probe("loyal", features="counts", **FEW)
    assert scored(project) == {"counts": 16}


def test_a_part_that_holds_is_shown_where_the_whole_does_not(place: Path, project: Project) -> None:
    project.probe("loyal", features="counts", **FEW)
    (place / "shop/customers.csv").write_text(
        "\n".join(["customer,loyal", *(f"c{i},{'no' if i < 10 else 'yes'}" for i in range(20))])
    )
    project.serialize()
    opened(place, max_entities=16).probe("loyal", features="counts", **FEW)
    assert scored(project) == {"counts": 16}


def test_the_command_that_makes_a_stale_probe_anew_runs_as_it_stands(place: Path, project: Project) -> None:
    heard, recipe = Heard(), place / "shop/shop.toml"
    sized = {**FEW, "sizes": 6, "probe": "knn"}
    project.probe("loyal", features="counts,tfidf", **sized)
    changed = (place / "shop/customers.csv").read_text().replace("c0,no", "c0,yes")
    (place / "shop/customers.csv").write_text(changed)
    project.serialize()
    project.probe("loyal", features="counts", **sized)
    assert scored(opened(place, observer=heard), protocol="cv@6") == {"counts": 20}
    (command,) = re.findall("`llm4es (probe .*)`", heard.since())
    assert command.endswith("--probe knn --folds 2 --repeats 1 --bootstrap 20 --sizes 6")
    invoke(*shlex.split(command), "--store", place / "store")
    assert {"counts", "tfidf"} < set(scored(project, protocol="cv@6"))
    assert recipe.exists()


def test_counts_are_of_the_categories_that_the_recipe_has(place: Path, project: Project) -> None:
    recipe = place / "shop/shop.toml"
    project.probe("loyal", features="counts", **FEW)
    recipe.write_text(shop.RECIPE + "\n[categories]\nproduct = 10\n")
    other = opened(place)
    other.serialize()
    assert other.probe("loyal", features="counts", **FEW)[0].computed == 1
    assert other.probe("loyal", features="counts", **FEW)[0].computed == 0
    recipe.write_text(shop.RECIPE)
    again = opened(place)
    again.serialize()
    assert again.probe("loyal", features="counts", **FEW)[0].computed == 1


def test_one_moment_is_one_cut_off(place: Path, project: Project) -> None:
    assert project.serialize(as_of="2026-01-03").computed == 20
    assert project.serialize(as_of="2026-01-03T05:00:00+05:00").computed == 0
    assert project.serialize(as_of="2026-01-02T22:00:00-02:00").computed == 0


def test_features_that_score_alike_have_no_smallest_difference(project: Project) -> None:
    one = pa.table({"id": [f"c{i}" for i in range(20)], "x": [float(i % 2) for i in range(20)]})
    project.import_vectors(one, name="told")
    project.import_vectors(one, name="retold")
    project.probe("loyal", features="told,retold", **FEW)
    table = project.compare("loyal", reference="told")
    (other,) = [row for row in table if row["features"] == "retold"]
    assert (other["difference"], other["detectable"], other["words"]) == (0.0, 0.0, "as told in every resample")
    assert "smallest difference" not in repr(table)


def test_data_for_machines_come_with_the_cautions_beside_them(place: Path, project: Project) -> None:
    project.probe("loyal", features="counts", **FEW)
    done = invoke("compare", "shop", "--format", "json", "--store", place / "store")
    assert [row["n"] for row in json.loads(done.stdout)] == [20]
    assert "loyal: few of a class" in done.stderr


def test_a_task_that_became_a_regression_is_probed_anew(place: Path, project: Project) -> None:
    project.probe("loyal", features="counts", **FEW)
    numbers = shop.RECIPE.replace('"binary"', '"regression"').replace('"loyal"\n', "\"if(loyal = 'yes', 1, 0)\"\n")
    assert numbers.count("if(loyal") == 1
    (place / "shop/shop.toml").write_text(shop.RECIPE.replace('"loyal"\n', "\"if(loyal = 'yes', 1, 0)\"\n"))
    opened(place).serialize()
    opened(place).probe("loyal", features="counts", **FEW)  # the same labels, as classes
    (place / "shop/shop.toml").write_text(numbers)
    other = opened(place)
    other.serialize()
    with pytest.raises(ProbeError, match="1 feature stale: counts: the task's kind changed: run `llm4es probe shop"):
        scored(other)
    assert [other.probe("loyal", features="counts", **FEW)[0].computed for _ in range(2)] == [1, 0]
    assert {row["metric"] for row in other.compare("loyal")} == {"r2"}
    assert {name for name, metric in METRICS.items() if metric.kinds == {Kind.REGRESSION}} == set(OF_NUMBERS)


def test_what_was_never_probed_so_is_told_with_the_command_that_does(place: Path, project: Project) -> None:
    for options, words in (
        ({"protocol": "cv@6"}, "--sizes 6"),
        ({"protocol": "holdout", "probe": "knn"}, "--protocol holdout --probe knn"),
    ):
        with pytest.raises(ProbeError, match=f"run `llm4es probe shop --task loyal {words}` first"):
            project.compare("loyal", **options)
