"""The store at a glance, and the machine: what is there, what is out of date, and what mends it."""

import json
import tomllib
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.project import doctor as machine
from llm4es.project.doctor import doctor
from llm4es.project.mends import AS_THEY_ARE
from llm4es.project.observer import Null
from llm4es.project.status import status

from . import shop, tiny
from .shell import Call

Glance = dict[tuple[str, str], tuple[int | None, str, str]]


def glance(project: Project) -> Glance:
    rows = status(project.store, Null())
    return {(row["what"], row["name"]): (row["rows"], row["state"], row["mend"]) for row in rows}


def test_what_is_there_and_what_is_out_of_date(place: Path) -> None:
    recipe, model = shop.write(place / "shop"), str(tiny.save(place / "tiny"))
    project = Project(recipe, place / "store", observer="silent")
    project.serialize()
    project.embed(model, k=1, max_length=64)
    project.probe("loyal", features="tfidf,counts", folds=2, repeats=1, bootstrap=20)
    now = glance(project)
    assert now["entities", "shop"] == (20, AS_THEY_ARE, "")
    assert now["events", "shop"][0] == len((place / "shop/events.csv").read_text().splitlines()) - 1
    assert now["texts", "shop raw"][0] == now["labels", "shop loyal"][0] == 20
    assert now["vectors", "shop tiny@1 [64 tokens]"] == (20, AS_THEY_ARE, "")
    assert now["probes", "shop loyal"] == (2, AS_THEY_ARE, "")
    assert now["run", "embed shop"][0] == 20
    project.predict("loyal", features="counts")
    assert glance(project)["scores", "shop loyal by counts"] == (20, "", "")

    shop.write(place / "shop", changed={3: "salt and pepper"})
    mend = f"llm4es serialize shop --store {place / 'store'}"
    assert glance(project)["entities", "shop"] == (20, "files have changed", mend)
    project.serialize()
    now = glance(project)
    assert now["entities", "shop"] == (20, AS_THEY_ARE, "")
    mend = f"llm4es embed shop --model {model} --k 1 --max-length 64 --store {place / 'store'}"
    assert now["vectors", "shop tiny@1 [64 tokens]"] == (19, "1 of texts that have changed", mend)
    mend = "llm4es probe shop --task loyal --folds 2 --repeats 1 --bootstrap 20 --features counts,tfidf"
    assert now["probes", "shop loyal"] == (0, "2 of what is no more", f"{mend} --store {place / 'store'}")

    (place / "shop/events.csv").unlink()
    _, state, mend = glance(project)["entities", "shop"]
    assert "events" in state
    assert mend == ""  # no command brings the file back: which one it is, the state says


def test_a_serialize_that_failed_is_not_up_to_date(place: Path) -> None:
    project = Project(shop.write(place / "shop"), place / "store", observer="silent")
    project.serialize()
    config = json.loads(project.sql("SELECT config FROM runs").to_arrow()["config"][0].as_py())
    with suppress(ZeroDivisionError), project.store.run("serialize", "shop", config, "0") as run:
        run.begin()
        raise ZeroDivisionError("by nought")
    newest = next(row["state"] for row in status(project.store, Null()) if row["what"] == "run")
    assert newest.endswith(": ZeroDivisionError: by nought")
    mend = f"llm4es serialize shop --store {place / 'store'}"
    assert glance(project)["entities", "shop"] == (20, "the last serialize: failed", mend)


def test_what_nobody_looked_at_is_not_called_up_to_date(place: Path) -> None:
    project = Project(shop.write(place / "shop"), place / "store", observer="silent")
    project.serialize()
    with project.store.run("serialize", "shop", {}, "0") as run:  # as of a version that kept no recipes
        run.delete("recipes", {"dataset": "shop"}, "true")
    assert glance(project)["entities", "shop"] == (20, "", "")


def test_vectors_of_a_dataset_that_nobody_serialized(llm4es: Call, place: Path) -> None:
    (place / "vectors.csv").write_text("entity_id,a,b\nx,1,2\n")
    imported = ("import", str(place / "vectors.csv"), "--name", "coles", "--dataset", "elsewhere")
    assert llm4es(*imported, "--store", str(place / "store"))[0] == 0
    code, said, _ = llm4es("status", "--format", "json", "--store", str(place / "store"))
    assert code == 0
    (state,) = [row["state"] for row in json.loads(said) if row["what"] == "vectors"]
    assert "no recipe of it" in state


def test_the_machine_is_described_and_tried(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SECONDS", 0.01)
    rows = {row["what"]: row for row in doctor(place / "store", str(tiny.save(place / "tiny")), Null())}
    assert rows["pyarrow"]["found"] == pa.__version__
    said = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    told = rows["extras"]["found"] + rows["extras"]["note"]
    for extra, packages in said["optional-dependencies"].items():
        assert extra == "all" or all(package.partition(">")[0] in told for package in packages)
    assert rows["store"]["note"].startswith("not there yet, ")
    (speed,) = (row for what, row in rows.items() if what.startswith("speed of "))
    assert speed["found"].endswith(" tokens/s")


def test_a_model_that_is_not_there_is_told_and_the_rest_shown(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "requires", lambda _: ["numpy>=2", "no-such-thing[x]<2,>=1; extra == 'dream'"])
    rows = {row["what"]: row for row in doctor(place / "store", "./nowhere", Null())}
    assert rows["speed of ./nowhere"]["found"] == "not tried"
    assert rows["device"]["found"]
    assert (rows["extras"]["found"], rows["extras"]["note"]) == ("none", "not installed: no-such-thing (extra dream)")
