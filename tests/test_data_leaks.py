"""Labels that the data give away: told by every probe, comparison and report; and honest data, of which nothing is."""

import csv
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.tasks import Kind
from llm4es.probe.giveaways import Truth
from llm4es.probe.single_numbers import single_moments, single_number
from llm4es.probe.single_values import single_values

USERS = 60
QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20, "features": "majority"}

RECIPE = """
name = "bank"
[tables.events]
path = "events.csv"
[tables.labels]
path = "labels.csv"
[events]
entity = "user"
time = { from = "at" }
[[fields]]
name = "shop"
[[fields]]
name = "spent"
type = "number"
[[fields]]
name = "note"
[tasks.left]
kind = "binary"
table = "labels"
entity = "user"
label = "y"
[tasks.income]
kind = "regression"
table = "labels"
entity = "user"
label = "income"
"""

Note = Callable[[int, int], object]
"""(user, event) to what stands in the column 'note'."""


class Ears:
    """Hears warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def say(self, message: str) -> None:
        pass

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def progress(self, what: str, total: int | None, unit: str) -> Any:
        from llm4es.project.observer import Null

        return Null().progress(what, total, unit)


EARS = Ears()


def bank(folder: Path, note: Note = lambda user, event: "", last: Note = lambda user, event: event + 1) -> Project:
    """Sixty users who differ in nothing but what a test makes of ``note``, or of the day of their events."""
    folder.mkdir(exist_ok=True)
    draw = random.Random(0)
    with (folder / "events.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "at", "shop", "spent", "note"])
        for user in range(USERS):
            for event in range(4):
                day = f"2026-01-{last(user, event):02}"
                rows.writerow([user, day, f"shop {draw.randrange(9)}", draw.randrange(99), note(user, event)])
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "y", "income"])
        rows.writerows([user, user % 2, income(user)] for user in range(USERS))
    (folder / "bank.toml").write_text(RECIPE)
    project = Project(folder / "bank.toml", store=folder / "store", observer=EARS)
    project.serialize()
    heard()
    return project


def income(user: int) -> int:
    return 1000 + 37 * (user * 7 % USERS)


def heard() -> list[str]:
    """What was warned of since the last time."""
    said, EARS.warnings = EARS.warnings, []
    return said


def test_honest_data_give_nothing_away(place: Path) -> None:
    project = bank(place / "b")
    project.probe(**QUICK)
    project.compare()
    assert heard() == []
    assert project.sql("SELECT DISTINCT leaks FROM probes").to_pylist() == [{"leaks": []}]


@pytest.mark.parametrize(
    ("note", "rule"),
    [
        (lambda user, event: ["blue", "red"][user % 2], "whether a user has '"),  # the label under another name
        (lambda user, event: "closed" if user % 2 and event == 3 else f"n{event}", "whether a user has 'closed'"),
        (lambda user, event: f"reason {user}" if user % 2 else "", "whether a user has "),  # of everybody another one
    ],
)
def test_a_value_that_is_the_label(place: Path, note: Note, rule: str) -> None:
    project = bank(place / "b", note)
    project.probe("left", **QUICK)
    (warning,) = heard()
    assert warning.startswith(f"field 'note' gives the label of task 'left' away: {rule}")
    assert "scores a ROC-AUC of 1.000 out of fold" in warning
    project.probe("left", **QUICK)  # nothing to compute, and it is told all the same
    assert heard() == [warning]
    project.compare("left")
    assert heard() == [warning]
    assert warning.replace("'", "&#39;") in project.report("left", out=place / "r.html").read_text()


def test_a_number_that_is_the_label(place: Path) -> None:
    project = bank(place / "b", lambda user, event: income(user))
    recipe = place / "b/bank.toml"
    recipe.write_text(recipe.read_text().replace('name = "note"', 'name = "note"\ntype = "number"'))
    project = Project(recipe, store=place / "b/store", observer=EARS)
    project.serialize()
    project.probe("income", **QUICK)
    (warning,) = heard()
    assert warning.startswith("field 'note' gives the label of task 'income' away: its ")
    assert "alone scores R² 0.9" in warning


def test_a_label_that_is_told_by_when_histories_end(place: Path) -> None:
    """Everybody begins on the 2nd; who leaves has no event after the 5th, the others have their last on the 20th."""
    project = bank(place / "b", last=lambda user, event: 2 + event if user % 2 else 2 + 6 * event)
    project.probe("left", **QUICK)
    ends = [line for line in heard() if "told by when histories end" in line]
    assert len(ends) == 1
    assert "the time of the last event alone scores a ROC-AUC of 1.000 out of fold" in ends[0]
    project.compare("left")
    assert ends[0] in heard()
    project.serialize(as_of="2026-01-03")  # before anybody has left: nothing is told any more
    project.probe("left", **QUICK)
    assert not any("histories end" in line for line in heard())


def test_users_that_are_not_probed_are_not_counted(place: Path) -> None:
    project = bank(place / "b", lambda user, event: ["blue", "red"][user % 2])
    project = Project(place / "b/bank.toml", store=place / "b/store", observer=EARS, max_entities=40)
    project.probe("left", **QUICK)
    assert "a ROC-AUC of 1.000" in heard()[0]


def test_a_recipe_that_has_changed_since(place: Path) -> None:
    """A field, and times, that the events in the store do not have yet: what is there is looked at."""
    bank(place / "b", lambda user, event: ["blue", "red"][user % 2])
    recipe = place / "b/bank.toml"
    text = recipe.read_text()
    recipe.write_text(text.replace('time = { from = "at" }\n', ""))
    Project(recipe, store=place / "b/store", observer=EARS).serialize()
    recipe.write_text(text.replace('name = "note"', 'name = "note"\n[[fields]]\nname = "more"\nfrom = "shop"'))
    heard()
    Project(recipe, store=place / "b/store", observer=EARS).probe("left", **QUICK)
    assert any("field 'note' gives the label of task 'left' away" in line for line in heard())


def truth(labels: list[str], kind: Kind = Kind.BINARY) -> Truth:
    return Truth.of(pa.table({"entity_id": [f"u{n:03}" for n in range(len(labels))], "label": labels}), kind)


def test_one_value_is_worth_its_balanced_accuracy() -> None:
    """Of 100 of each class all ones have 'x', and 20 zeros: (1 + 0.8) / 2, whatever the folds."""
    of = truth(["1"] * 100 + ["0"] * 100)
    have = [f"u{n:03}" for n in range(120)]
    events = pa.table({"entity_id": have + [f"u{n:03}" for n in range(200)], "f": ["x"] * 120 + ["y"] * 200})
    found = single_values(events, "f", of)
    assert found.by == "'x'"
    assert found.value == pytest.approx(0.9, abs=0.02)  # the mean of folds, which are not exactly alike


def test_noise_scores_nothing_however_many_values_there_are() -> None:
    draw = np.random.default_rng(0)
    of = truth([str(n % 2) for n in range(200)])
    users, values = (draw.integers(0, 200, 4000), draw.integers(0, 900, 4000))
    events = pa.table({"entity_id": [f"u{n:03}" for n in users], "f": [f"v{n}" for n in values]})
    assert np.isnan(single_values(events, "f", of).value)
    assert np.isnan(single_number(draw.normal(size=200), of).value)
    assert (
        single_number(draw.normal(size=200), truth([str(n) for n in draw.normal(size=200)], Kind.REGRESSION)).value < 0
    )


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.MULTICLASS])
@pytest.mark.parametrize("n_rare", [0, 1, 2])
def test_a_class_of_one_tells_nothing_and_ends_nothing(n_rare: int, kind: Kind) -> None:
    """Its member lies in one fold, and the other folds have a class alone."""
    of = truth(["x"] * n_rare + ["y"] * (40 - n_rare), kind)
    events = pa.table({"entity_id": [f"u{n:03}" for n in range(40)], "f": ["ab"[n % 2] for n in range(40)]})
    assert not single_values(events, "f", of).value > 0.5
    assert not single_number(np.arange(40.0), of).value > 0.5


def test_a_class_of_many_is_enough() -> None:
    of = truth([str(n % 4) for n in range(200)], Kind.MULTICLASS)
    ids = [f"u{n:03}" for n in range(200)]
    assert single_values(pa.table({"entity_id": ids, "f": [str(n % 4 == 2) for n in range(200)]}), "f", of).value == 1
    assert single_number(np.array([n % 4 == 2 for n in range(200)], float), of).value == 1


def test_two_groups_of_numbers() -> None:
    """0 or 10 by a value, and a spread of variance 1 around it: R² = 25 / 26."""
    draw = np.random.default_rng(0)
    numbers = [10.0 * (n % 2) + draw.normal() for n in range(400)]
    of = truth([str(number) for number in numbers], Kind.REGRESSION)
    events = pa.table({"entity_id": [f"u{n:03}" for n in range(400)], "f": ["ab"[n % 2] for n in range(400)]})
    assert single_values(events, "f", of).value == pytest.approx(25 / 26, abs=0.01)


def test_the_greatest_number_tells_where_the_mean_does_not() -> None:
    of = truth([str(n % 2) for n in range(200)])
    ids = [f"u{n:03}" for n in range(200)]
    low = [-2000.0 if n % 2 else -1.0 for n in range(200)]
    table = pa.table({"entity_id": ids * 2, "f": [2000.0 if n % 2 else 1.0 for n in range(200)] + low})
    found = single_moments(table, "f", of)
    assert (found.value, found.by in ("its least value", "its greatest value")) == (1, True)
