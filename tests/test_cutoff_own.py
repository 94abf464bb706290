"""Cut-offs of each entity's own: labels that are dated, and texts and baselines that end when the label is of."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es import Project
from llm4es.core.errors import DataError, OptionError
from llm4es.options import ReportOptions
from llm4es.project.feature_sources import all_feature_sources
from llm4es.project.report import _data

from . import shop

pytestmark = pytest.mark.usefixtures("few_folds")

FEW: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}
CHURN = """
[tasks.churn]
kind = "binary"
table = "churn"
entity = "customer"
label = "churn"
as_of = "asked"

[tables.churn]
path = "churn.csv"
"""


def dated(place: Path, rows: list[tuple[str, str, str]], *, alone: bool = False) -> Project:
    """A shop whose second task has dated labels; ``alone``: it is the only one."""
    recipe = shop.write(place / "shop")
    text = recipe.read_text()
    recipe.write_text((text[: text.index("[tasks.loyal]")] if alone else text) + CHURN)
    with (place / "shop" / "churn.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("customer", "churn", "asked"), *rows])
    return Project(recipe, place / "store", observer="silent")


def asked(n: int) -> str:
    return f"2026-01-0{2 + n % 2}"


ROWS = [(f"c{n}", str(n // 2 % 2), asked(n)) for n in range(20)]


def test_texts_and_baselines_end_when_each_label_is_of(place: Path) -> None:
    project = dated(place, ROWS, alone=True)
    assert project.serialize().computed == 20
    found = project.sql("SELECT entity_id, n_events, as_of::DATE::VARCHAR AS day FROM texts").to_arrow().to_pylist()
    assert {row["entity_id"]: (row["n_events"], row["day"]) for row in found} == {
        f"c{n}": (1 + n % 2, asked(n))
        for n in range(20)  # one visit a day from the first of January on
    }
    counts = next(each for each in all_feature_sources(project._context().of_task("churn")) if each.name == "counts")
    features = counts.load()
    events = dict(zip(features.entity_ids, np.expm1(features.matrix[:, 0]).round(), strict=True))
    assert events == {f"c{n}": 1 + n % 2 for n in range(20)}
    assert project.serialize().computed == 0
    assert project.probe("churn", features="counts", **FEW)[0].computed == 1
    assert project.probe("churn", features="counts", **FEW)[0].computed == 0


def test_a_task_with_its_own_cut_offs_stands_beside_one_without(place: Path, model: Path) -> None:
    project = dated(place, ROWS)
    assert project.serialize().computed == 40
    with pytest.raises(OptionError, match="the texts of 'shop' end at 2 times"):
        project.embed(model=str(model), k=1, max_length=64)
    project.embed(model=str(model), k=1, max_length=64, task="churn")
    project.probe(features="counts", **FEW)
    ended = project.sql("SELECT max(n_events) AS n FROM embeddings").to_arrow()["n"].to_pylist()
    assert ended == [2]  # nobody's label is of a day with more than two visits before it
    with pytest.raises(OptionError, match="is not in the store"):
        project.export(features="tinyllama@1", task="loyal")  # whole histories have no vectors yet
    assert project.export(features="tinyllama@1", task="churn").to_arrow().num_rows == 20
    assert project.compare().to_arrow()["task"].to_pylist() == ["loyal", "churn"]


def test_a_cut_off_that_moves_makes_another_text(place: Path) -> None:
    dated(place, ROWS, alone=True).serialize()
    moved = [("c0", "0", "2026-01-01T23:00:00"), *ROWS[1:]]  # the same event, another time
    assert dated(place, moved, alone=True).serialize().computed == 1


def test_a_label_without_a_date_is_refused_or_left_out(place: Path) -> None:
    lacking = [("c0", "0", ""), *ROWS[1:]]
    with pytest.raises(
        DataError, match=r"tasks\.churn\.as_of: entity 'c0' \(row 1.*\) has no cut-off \(1 of 20 labels\): mend"
    ):
        dated(place, lacking, alone=True).serialize()
    project = dated(place, lacking, alone=True)
    project.serialize(on_bad_row="skip")
    assert project.sql("SELECT count(*) AS n FROM texts").to_arrow()["n"].to_pylist() == [19]
    wrong = [("c0", "0", "soon"), *ROWS[1:]]
    with pytest.raises(DataError, match=r"entity 'c0' .* has 'soon', which is not a time of format 'iso'"):
        dated(place, wrong, alone=True).serialize()


def test_who_has_no_event_before_its_own_cut_off_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = [("c0", "0", "2025-12-01"), *ROWS[1:-1]]
    project = dated(place, early, alone=True)
    loud = Project(place / "shop" / "shop.toml", place / "store", observer="bar")
    loud.serialize()
    said = capsys.readouterr().err
    assert "tasks.churn: 1 entities, such as 'c0', have no event before their own cut-off, and so no text" in said
    assert "tasks.churn: 1 entities have no label, so no cut-off and no text there" in said
    assert project.sql("SELECT count(*) AS n FROM texts").to_arrow()["n"].to_pylist() == [18]
    never = [(customer, label, "2020-01-01") for customer, label, _ in ROWS]
    with pytest.raises(DataError, match="no entity of 'shop' has an event before its own cut-off"):
        dated(place, never, alone=True).serialize()


def test_labels_of_two_dates_need_a_time(place: Path) -> None:
    twice = [*ROWS, ("c1", "1", "2026-01-04")]
    with pytest.raises(
        DataError, match=r"entity 'c1' has labels of several dates \(2026-01-03 and 2026-01-04\): serialize with"
    ):
        dated(place, twice, alone=True).serialize()
    project = dated(place, twice, alone=True)
    project.serialize(as_of="2026-01-03")  # whose labels are of that day or later: the odd customers
    project.probe("churn", features="counts", **FEW)
    scored = project.sql("SELECT DISTINCT entity_id, y_true FROM predictions").to_arrow().to_pylist()
    assert {row["entity_id"]: row["y_true"] for row in scored} == {f"c{n}": str(n // 2 % 2) for n in range(1, 20, 2)}


def test_beside_an_entity_stands_the_label_that_comes_next(place: Path) -> None:
    project = dated(place, [*ROWS, *((f"c{n}", str(1 - n // 2 % 2), "2026-01-09") for n in range(20))], alone=True)
    for cut, labels in (("2026-01-04", "1100"), ("2026-01-02", "0011")):
        project.serialize(as_of=cut)
        near = project.similar("c0", features="counts", n=19)
        known = {"c0": near.labels["churn"]} | {row["entity_id"]: row["churn"] for row in near}
        assert "".join(known[f"c{n}"] for n in range(4)) == labels
        shown = _data(project._context(), ["churn"], ReportOptions()).labels
        assert shown is not None
        assert {row["entity_id"]: row["label"] for row in shown.to_pylist()} == known
        assert len(shown) == 20


def test_a_dry_run_plans_vectors_of_texts_that_will_be_others(place: Path, model: Path) -> None:
    project = dated(place, ROWS, alone=True)
    project.serialize(as_of="2026-01-02")
    plan: dict[str, Any] = {"model": str(model), "k": 1, "max_length": 64, "finetune": "none", "variants": 0}
    others: list[dict[str, Any]] = [{}, {"as_of": "none"}]
    for words in others:
        planned = project.run(**plan, **words, dry_run=True)
        done = project.run(**plan, **words)
        assert [(each.stage, each.computed, each.why) for each in planned.outcomes] == [
            (each.stage, each.computed, each.why) for each in done.outcomes
        ]
