"""Who was met before: told by what was read, whatever the data and the people are called."""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import DataError, OptionError, ProbeError
from llm4es.project.seen import Seen, seen_by

from . import shop
from .heard import Heard
from .test_old_store import ARCHIVE

CUSTOMERS = 20
MET = {"c0", "c3", "c4", "c7"}
Other = Callable[..., Project]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def shop_seen(place: Path, heard: Heard) -> Project:
    """A shop of which a model 'm' has read some texts, c7's to know when to stop."""
    project = Project(shop.write(place / "shop", CUSTOMERS), place / "store", observer=heard)
    project.serialize()
    rows = project.sql("SELECT entity_id, [text_hash] AS text_hashes FROM texts ORDER BY entity_id").to_arrow()
    rows = rows.filter(pa.array([entity in MET for entity in rows["entity_id"].to_pylist()]))
    roles = ["validation" if entity == "c7" else None for entity in rows["entity_id"].to_pylist()]  # null: of 0.1
    with project.store.run("finetune", "shop", {"model_name": "m"}, "0.1") as run:
        run.replace("exposures", {"model": "m", "dataset": "shop"}, rows.append_column("role", pa.array(roles, "str")))
    return project


@pytest.fixture
def other(shop_seen: Project, place: Path) -> Other:
    """The shop's recipe and files under another name, in another folder."""

    def make(events: Callable[[str], str] = str, recipe: Callable[[str], str] = str) -> Project:
        toml = shop.write(place / "other", CUSTOMERS)
        toml.write_text(recipe(toml.read_text().replace('name = "shop"', 'name = "other"')))
        lines = (place / "other/events.csv").read_text()
        (place / "other/events.csv").write_text(events(lines))
        project = Project(toml, place / "store", observer="silent")
        project.serialize()
        return project

    return make


def by_m(project: Project) -> Seen:
    return seen_by(project.store, project.recipe.name, ["m"])


EXPECTED = Seen(frozenset(MET - {"c7"}), frozenset({"c7"}), frozenset({"c7"}))


def test_the_model_s_own_dataset(shop_seen: Project) -> None:
    assert by_m(shop_seen) == EXPECTED
    assert seen_by(shop_seen.store, "shop", ["another"]) == Seen()


def test_the_same_people_under_another_recipe_s_name(other: Other) -> None:
    found = by_m(other())
    assert (found.train, found.validation) == (EXPECTED.train, EXPECTED.validation)
    assert found.beyond == frozenset(MET)


def test_the_same_file_of_which_other_fields_are_shown(other: Other) -> None:
    def only_amounts(recipe: str) -> str:
        return recipe.replace('item = "product"\n', "").replace('[[fields]]\nname = "product"\n', "")

    assert by_m(other(recipe=only_amounts)).everybody == MET


def test_a_file_that_has_grown_since(other: Other) -> None:
    def grown(events: str) -> str:
        return events + "".join(f"c{i},2026-03-01 10:00:00,tea,1.5\n" for i in range(CUSTOMERS))

    assert by_m(other(events=grown)).everybody == MET


def test_the_same_texts_under_other_ids(other: Other) -> None:
    renamed = other(events=lambda events: events.replace("\nc", "\nclient-"))
    assert by_m(renamed).everybody == {entity.replace("c", "client-") for entity in MET}


def test_the_same_ids_of_other_people(other: Other) -> None:
    strangers = other(
        events=lambda events: events.replace("tea", "oil").replace("milk", "soap").replace("rice", "nuts")
    )
    assert by_m(strangers) == Seen()


def vectors() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"c{i}" for i in range(CUSTOMERS)], "x": range(CUSTOMERS), "y": 1.0})


def seen_of(project: Project, **options: Any) -> dict[str, int]:
    return {row["features"]: row["n_seen"] for row in project.compare("loyal", **options)}


def test_import_declares_who_was_seen(place: Path, heard: Heard) -> None:
    project = Project(shop.write(place / "shop", CUSTOMERS), place / "store", observer=heard)
    project.serialize()
    project.import_vectors(vectors(), name="coles")
    project.probe("loyal", features="coles,counts", folds=2)
    assert seen_of(project) == {"coles": 0, "counts": 0}
    ids = place / "ids.txt"
    ids.write_text("c1\nc2\nc5\nstranger\nc999\n")
    heard.since()
    assert project.import_vectors(vectors(), name="coles", seen=str(ids)).computed == 0
    assert f"--seen {ids}: 2 of 5 ids are unknown in 'shop': c999, stranger; see that" in heard.since()
    line = "3 of 20 scored entities were seen by what made the vectors, as was declared: compare with --unseen-only"
    assert seen_of(project) == {"coles": 3, "counts": 0}  # at once: no probe has to be made again
    assert f"loyal: {line} (coles)" in heard.since()
    assert {row["n"] for row in project.compare("loyal", unseen_only=True)} == {CUSTOMERS - 3}
    heard.since()
    assert project.probe("loyal", features="coles,counts", folds=2)[0].computed == 0
    assert line in heard.since()
    page = project.report("loyal", out=place / "page.html").read_text()
    assert "3 of 20 scored entities were seen by what made the vectors, as was declared" in page
    # who is left out of a probe decides its figures
    unseen: dict[str, Any] = {"features": "coles", "folds": 2, "unseen_only": True}
    assert project.probe("loyal", **unseen)[0].computed == 1
    project.import_vectors(vectors(), name="coles", seen="train")
    split = project.sql("SELECT entity_id FROM splits WHERE split = 'train'").to_arrow()["entity_id"].to_pylist()
    assert seen_by(project.store, "shop", ["coles"]).train == set(split)
    assert {row["n"] for row in project.compare("loyal")} == {CUSTOMERS}  # the probe of the others is stale, not this
    project.import_vectors(vectors(), name="coles", seen="all")
    assert len(seen_by(project.store, "shop", ["coles"]).train) == CUSTOMERS
    with pytest.raises(ProbeError, match=r"all 20 entities were seen|seen in tuning, and the rest cannot"):
        project.probe("loyal", **unseen)
    project.import_vectors(vectors(), name="coles", seen="none")
    assert seen_by(project.store, "shop", ["coles"]) == Seen()


def test_a_file_of_ids_has_lines_or_a_column(place: Path) -> None:
    project = Project(shop.write(place / "shop", CUSTOMERS), place / "store", observer="silent")
    project.serialize()
    for name, content in {
        "lines.txt": "c1\n\nc2\n",
        "headed.csv": "\ufeffentity_id\nc1\nc2\n",
        "columns.csv": "name,id\nAnn,c2\nBob,c1\n",
    }.items():
        (place / name).write_text(content)
        project.import_vectors(vectors(), name="v", seen=str(place / name))
        assert seen_by(project.store, "shop", ["v"]).declared == {"c1", "c2"}, name
        project.import_vectors(vectors(), name="v", seen="none")
    pd.DataFrame({"id": ["c1", "c2"], "x": [1, 2]}).to_parquet(place / "ids.parquet")
    project.import_vectors(vectors(), name="v", seen=str(place / "ids.parquet"))
    assert seen_by(project.store, "shop", ["v"]).declared == {"c1", "c2"}
    with pytest.raises(OptionError, match="--seen 'everybody' is no file: give a file of ids, all, train, or none"):
        project.import_vectors(vectors(), name="v", seen="everybody")
    (place / "lines.txt").write_text("\n")
    with pytest.raises(DataError, match="holds no id: give one a line, or `--seen none`"):
        project.import_vectors(vectors(), name="v", seen=str(place / "lines.txt"))
    assert project.import_vectors(vectors(), name="v").computed == 0
    assert seen_by(project.store, "shop", ["v"]).declared == {"c1", "c2"}  # what was declared stays


def test_an_old_store_takes_declarations(place: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    project = Project(place / "shop/shop.toml", place / "store", observer="silent")
    assert len(seen_by(project.store, "shop", ["tiny-shop"]).train) == 16
    assert not seen_by(project.store, "shop", ["tiny-shop"]).beyond
    project.import_vectors(vectors(), name="v", seen="train")
    assert len(seen_by(project.store, "shop", ["v"]).declared) == 16
    assert len(seen_by(project.store, "shop", ["tiny-shop"]).train) == 16
