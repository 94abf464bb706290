"""``diff`` credits vectors with what they gained, never with labels, entities or splits that have changed."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError

from . import shop

CUSTOMERS = 20
DIFFER = "not compared: the labels of those who have the vectors differ too"
QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


def vectors(scale: float = 1.0, customers: int = CUSTOMERS) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [f"c{i}" for i in range(customers)], "x": [scale * (i * 7 % 5) for i in range(customers)]}
    )


def version(project: Project) -> int:
    return int(project.sql("SELECT max(version) FROM runs").to_arrow()[0][0].as_py())


def probe_rows(project: Project, before: int) -> list[dict[str, Any]]:
    rows = project.diff(f"v:{before}", "v").to_pylist()
    return [row for row in rows if row["measure"].startswith("loyal ")]


@pytest.fixture
def probed(project: Project) -> Project:
    project.serialize()
    project.import_vectors(vectors(), name="v")
    project.probe("loyal", features="v", **QUICK)
    return project


def label(project: Project, place: Path, **labels: str) -> None:
    known = {f"c{i}": ["no", "yes"][i % 2] for i in range(CUSTOMERS)} | labels
    lines = [f"{customer},{word}" for customer, word in known.items() if word]
    (place / "shop/customers.csv").write_text("\n".join(["customer,loyal", *lines]) + "\n")
    project.serialize()


def test_other_vectors_alone_are_compared(probed: Project) -> None:
    before = version(probed)
    some = vectors().assign(x=lambda rows: rows["x"].where(rows["x"] > 0, 9.0))  # of four of twenty
    probed.import_vectors(some, name="v")
    (row,) = probe_rows(probed, before)
    assert (row["measure"], row["value"]) == ("loyal probe", None)
    assert row["words"] == "not compared: the probe after is older than its vectors; probe both on the same"
    probed.import_vectors(vectors(-3.0), name="v")  # of everybody: a version of its own, which nobody has probed
    assert probe_rows(probed, before) == []
    probed.probe("loyal", features="v", **QUICK)
    (row,) = probe_rows(probed, before)
    assert row["measure"] == "loyal roc_auc"
    assert row["value"] == pytest.approx(0.0, abs=1e-6)  # the same numbers on another scale


def test_labels_that_changed_or_grew_are_no_gain_of_vectors(probed: Project, place: Path) -> None:
    before = version(probed)
    label(probed, place, c0="yes", c1="no", c19="")
    (row,) = probe_rows(probed, before)
    assert row["words"].startswith(f"{DIFFER} (2 changed, 1 gone)")
    probed.probe("loyal", features="v", **QUICK)
    (row,) = probe_rows(probed, before)
    assert (row["value"], row["words"][:12]) == (None, "not compared")
    between = version(probed)
    label(probed, place, c0="yes", c1="no")
    probed.probe("loyal", features="v", **QUICK)
    (row,) = probe_rows(probed, between)
    assert row["words"].startswith(f"{DIFFER} (1 added)")


def test_more_people_are_no_gain_of_vectors(probed: Project, place: Path) -> None:
    before = version(probed)
    shop.write(place / "shop", CUSTOMERS + 10)
    probed.serialize()
    probed.import_vectors(vectors(customers=CUSTOMERS + 10), name="v")
    probed.probe("loyal", features="v", **QUICK)
    (row,) = probe_rows(probed, before)
    assert row["words"].startswith(f"{DIFFER} (10 added)")


def test_stale_vectors_of_now_are_left_out(probed: Project, place: Path, model: Path) -> None:
    probed.embed(model=str(model), k=(1, 2), max_length=64)
    shop.write(place / "shop", CUSTOMERS, {3: "coffee"})
    probed.serialize()
    rows = probed.diff("tinyllama@1 [64 tokens]", "tinyllama@2 [64 tokens]").to_pylist()
    stale = [(row["value"], row["words"].partition(",")[0]) for row in rows if row["measure"] == "stale"]
    assert stale == [(1, "before: left out"), (1, "after: left out")]
    counts = {row["measure"]: row["value"] for row in rows}
    assert (counts["entities before"], counts["entities after"]) == (CUSTOMERS - 1, CUSTOMERS - 1)


@pytest.mark.parametrize("name", ["vote(v,counts)", "tfidf"])
def test_what_has_no_vectors_is_told_where_it_is_compared(probed: Project, name: str) -> None:
    with pytest.raises(OptionError, match="has no vectors that are kept: `llm4es compare --reference`"):
        probed.diff("v", name)
