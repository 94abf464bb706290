"""What stands beside texts that were cut at a time knows nothing of later events."""

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np

from llm4es import Project
from llm4es.options import ReportOptions
from llm4es.project.feature_source import FeatureSource
from llm4es.project.feature_sources import all_feature_sources
from llm4es.project.report import _data

from . import shop

CUT = "2026-01-03"
"""Customer n has 3 + n % 4 visits, one a day from the first of January 2026 on: two of them are before it."""


def sources(project: Project) -> dict[str, FeatureSource]:
    return {source.name: source for source in all_feature_sources(project._context())}


def purchases(place: Path) -> list[dict[str, str]]:
    """The raw table before the cut-off, read without llm4es."""
    with (place / "shop" / "events.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if datetime.fromisoformat(row["bought_at"]) < datetime.fromisoformat(CUT)]


def add(place: Path, customer: str, bought_at: str) -> None:
    with (place / "shop" / "events.csv").open("a", newline="") as file:
        csv.writer(file).writerow([customer, bought_at, "caviar", 99])


def test_baselines_know_no_event_after_the_cut_off(project: Project, place: Path) -> None:
    recipe = place / "shop" / "shop.toml"
    recipe.write_text(
        recipe.read_text().replace('item = "product"', 'item = "product"\namount = "amount"\ncategories = {product=9}')
    )
    project = Project(recipe, place / "store", observer="silent")
    project.serialize(as_of=CUT)
    before = purchases(place)
    found = {name: source.load() for name, source in sources(project).items()}
    ids = sorted({row["customer"] for row in before})
    events = Counter(row["customer"] for row in before)
    spent = [sum(float(row["amount"]) for row in before if row["customer"] == each) for each in ids]
    assert all(features.entity_ids == ids for features in found.values())
    assert found["tfidf"].dense().sum(axis=1).tolist() == [events[each] for each in ids]
    assert found["aggregates"].matrix[:, 0].tolist() == [events[each] for each in ids]
    np.testing.assert_allclose(found["aggregates"].matrix[:, 1], spent)
    np.testing.assert_allclose(np.expm1(found["counts"].matrix[:, 0]), [events[each] for each in ids])


def test_who_came_after_the_cut_off_is_in_no_cohort(project: Project, place: Path) -> None:
    add(place, "late", "2026-02-01 10:00:00")
    project.serialize(as_of=CUT)
    found = {name: source.load() for name, source in sources(project).items()}
    assert all("late" not in features.entity_ids for features in found.values())
    assert found["tfidf"].width == len({row["product"] for row in purchases(place)})  # nobody's caviar among the items


def test_later_events_make_nothing_stale(project: Project, place: Path) -> None:
    project.serialize(as_of=CUT)
    project.probe("loyal", features="tfidf,counts,majority", folds=2, repeats=1, bootstrap=20)
    add(place, "c1", "2026-02-01 10:00:00")
    assert project.serialize(as_of=CUT).computed == 0
    assert project.probe("loyal", features="tfidf,counts,majority", folds=2, repeats=1, bootstrap=20)[0].computed == 0
    add(place, "c1", "2026-01-02 11:00:00")  # but one before it does
    assert project.serialize(as_of=CUT).computed == 1
    assert project.probe("loyal", features="tfidf,counts,majority", folds=2, repeats=1, bootstrap=20)[0].computed == 3


def test_a_whole_history_is_hashed_as_it_always_was(project: Project) -> None:
    """The content of baselines without a cut-off: a store of an older version is not probed anew."""
    project.serialize()
    whole = {name: source.source_hash for name, source in sources(project).items()}
    query = "SELECT sha256(string_agg(entity_id || ':' || source_hash, chr(10) ORDER BY entity_id)) FROM events_shop"
    ((content,),) = project.store.sql(f"{query} WHERE position = 0").fetchall()
    assert all(of_source.startswith(content) for of_source in whole.values())


def test_neighbours_share_no_later_event(project: Project, place: Path) -> None:
    project.serialize(as_of=CUT)
    bought = {row["customer"]: set[str]() for row in purchases(place)}
    for row in purchases(place):
        bought[row["customer"]].add(row["product"])
    for row in project.similar("c1", features="tfidf", n=5).to_arrow().to_pylist():
        assert {event["value"] for event in row["rarest shared"]} == bought["c1"] & bought[row["entity_id"]]


def test_the_report_counts_no_later_event(project: Project) -> None:
    project.serialize(as_of=CUT)
    users = _data(project._context(), [], ReportOptions()).users
    assert users is not None
    assert users["n_events"].to_pylist() == [2] * len(shop.PRODUCTS) * 4
    assert users["days"].to_pylist() == [1.0] * 20
