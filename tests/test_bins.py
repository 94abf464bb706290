"""Numbers as words in a store: the same words tomorrow, other words under another configuration, and what is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import llm4es
from llm4es import Project
from llm4es.core.schemas import BINS
from llm4es.project.bins import fitted, unfitted

from . import shop, tiny
from .heard import Heard


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Project]:
    """The shop's project; its amounts in so many bins."""

    def at(bins: str = "5", more: str = "", customers: int = 20) -> Project:
        recipe = shop.write(tmp_path / "shop", customers)
        plain = recipe.read_text()
        recipe.write_text(
            plain.replace("decimals = 2", f"decimals = 2\nbins = {bins}" if bins else "decimals = 2") + more
        )
        return Project(recipe, tmp_path / "store", observer=Heard())

    return at


def said(project: Project) -> str:
    observer = project._context().observer
    assert isinstance(observer, Heard)
    return observer.since()


def texts(project: Project) -> dict[str, str]:
    query = "SELECT entity_id, text, config_id FROM texts WHERE variant = 'raw'"
    config = project._context().cutoff.config_id
    return {entity: text for entity, text, made in project.store.sql(query).fetchall() if made == config}


def edges(project: Project) -> dict[int, list[float]]:
    return dict(project.store.sql("SELECT n_bins, edges FROM bins").fetchall())


def add(project: Project, row: str) -> None:
    with (Path(str(project.recipe.folder)) / "events.csv").open("a") as file:
        file.write(row + "\n")


def test_what_was_large_yesterday_is_large_tomorrow(opened: Callable[..., Project]) -> None:
    project = opened()
    assert project.serialize().computed == 20
    first = said(project)
    assert "serialize: amount: very small < 5 <= small < 9 <= medium < 13.5 <= large < 17.5 <= very large" in first
    assert "fitted on 16 entities" in first
    assert texts(project)["c19"].split("\n")[1:4] == ["salt | very large", "tea | very large", "milk | very large"]
    numbers = project.store.sql("SELECT amount FROM events_shop WHERE entity_id = 'c19' ORDER BY position").fetchall()
    assert numbers[:2] == [(19.0,), (19.5,)]  # the facts keep the number
    before = edges(project)
    for customer in range(100):
        add(project, f"new{customer},2026-03-01 10:00:00,tea,{1000 + customer}")
    add(project, "c0,2026-03-01 10:00:00,tea,6")
    outcome = project.serialize()
    assert (outcome.computed, outcome.reused) == (101, 19)
    assert edges(project) == before
    assert texts(project)["new7"] == "Product | Amount\ntea | very large"
    assert texts(project)["c0"].endswith("\ntea | small")
    assert "fitted on" not in said(project)
    assert project.serialize().computed == 0


def test_other_bins_are_another_configuration_and_the_first_come_back(opened: Callable[..., Project]) -> None:
    five = opened()
    five.serialize()
    first = texts(five)
    three = opened("3")
    planned = three.serialize(dry_run=True)
    assert (planned.computed, dict(planned.reasons)) == (20, {"other settings": 20})
    assert edges(three).keys() == {5}  # a dry run keeps nothing
    three.serialize()
    assert edges(three) == {5: [5.0, 9.0, 13.5, 17.5], 3: [8.0, 15.0]}
    assert "large" in texts(three)["c19"]
    assert opened("[8, 15]").serialize().computed == 20  # the same words, but nobody fitted them
    again = opened()
    add(again, "c0,2026-03-01 10:00:00,tea,1000")
    assert again.serialize().computed == 1
    assert {entity: text for entity, text in texts(again).items() if entity != "c0"} == {
        entity: text for entity, text in first.items() if entity != "c0"
    }
    assert "fitted on" not in said(again)


def test_other_values_of_the_field_have_other_edges(opened: Callable[..., Project], tmp_path: Path) -> None:
    opened().serialize()
    recipe = tmp_path / "shop" / "shop.toml"
    recipe.write_text(recipe.read_text().replace('name = "amount"', 'name = "amount"\nfrom = "amount::DOUBLE * 100"'))
    cents = Project(recipe, tmp_path / "store", observer=Heard())
    cents.serialize()
    found = sorted(edges for (edges,) in cents.store.sql("SELECT edges FROM bins").fetchall())
    assert found == [[5.0, 9.0, 13.5, 17.5], [500.0, 900.0, 1350.0, 1750.0]]
    assert said(cents).count("fitted on") == 1


def test_a_cut_moves_no_edge(opened: Callable[..., Project]) -> None:
    project = opened()
    project.serialize(as_of="2026-01-02")
    assert edges(project) == {5: [5.0, 9.0, 13.5, 17.5]}
    assert texts(project)["c19"] == "Product | Amount\nsalt | very large"
    assert "20 distinct events of 20 (100 %), by product" in said(project)  # as many as the texts know


def test_edges_that_are_gone_are_fitted_before_it_is_said_that_all_is_there(opened: Callable[..., Project]) -> None:
    project = opened()
    project.serialize()
    with project._context().run("import", {}) as run:
        run.replace("bins", {"dataset": "shop"}, BINS.empty_table())
    assert [field.name for field in unfitted(project.store, project.recipe)] == ["amount"]
    project.serialize()
    assert not unfitted(project.store, project.recipe)
    assert fitted(project.store, project.recipe).fields[1].bins == (5.0, 9.0, 13.5, 17.5)


def test_hidden_fields_are_fitted_for_whoever_reads_by_them(opened: Callable[..., Project]) -> None:
    hidden = '[[fields]]\nname = "size"\nfrom = "amount"\ntype = "number"\nbins = 2\nin_text = false\n'
    project = opened("", hidden)
    project.serialize()
    assert edges(project) == {2: [12.0]}
    assert opened("").serialize().computed == 0  # texts do not show it


def test_rewritings_keep_the_words(opened: Callable[..., Project]) -> None:
    project = opened()
    project.serialize()
    project.enrich(by="rules", formats="json", variants=1)
    rows = project.store.sql("SELECT text, fidelity FROM texts WHERE variant <> 'raw' AND entity_id = 'c19'").fetchall()
    assert json.loads(rows[0][0])[0] == {"Product": "salt", "Amount": "very large"}


@pytest.mark.parametrize(
    ("bins", "more", "told"),
    [
        ("", "", "90 distinct events of 90 (100 %), by amount above all (without it 5): bins = 5 or fewer decimals in "
         "its [[fields]], or embed --history events --by product lets them repeat"),
        ("5", "", "25 distinct events of 90 (27.8 %): embed --history events reads each once"),
        ("", '[texts]\nby = ["product"]', "5 distinct events of 90 (5.56 %): embed --history events reads each once"),
        ("", '[texts]\nby = ["amount"]', "44 distinct events of 90 (48.9 %): embed --history events reads each once; "
         "distinct by amount: bins = 5 or fewer decimals in its [[fields]], or embed --history events --by FIELD lets "
         "them repeat"),
    ],
)  # fmt: skip
def test_the_share_of_distinct_events_is_told(opened: Callable[..., Project], bins: str, more: str, told: str) -> None:
    project = opened(bins, more)
    project.serialize()
    assert f"serialize: {told}" in said(project).split("\n")
    project.serialize()
    assert "distinct" not in said(project)  # no text was written


def test_by_is_taken_over_without_reading_anything_anew(opened: Callable[..., Project], tmp_path: Path) -> None:
    opened("").serialize()
    heard = Heard()
    changed = opened("", '[texts]\nby = ["product"]')
    Project("shop", tmp_path / "store", observer=heard)
    assert "shop.toml has changed since 'shop' was serialized" in heard.since()
    outcome = changed.serialize()
    assert (outcome.computed, outcome.reused) == (0, 20)
    assert Project("shop", tmp_path / "store", observer=heard).recipe.texts.by == ("product",)
    assert heard.since() == ""


def test_a_frame_without_a_store_is_read_by_words_too(tmp_path: Path) -> None:
    model = str(tiny.save(tmp_path / "model"))
    events = {"who": ["a", "b", "c", "d"], "amount": [1.0, 2.0, 900.0, 1000.0]}
    found = []
    for more in ({}, {"bins": 2}):
        rows = llm4es.encode(
            pa.table(events),
            model=model,
            entity="who",
            fields=[{"name": "amount", "type": "number", **more}],
            k=1,
            max_length=64,
            observer="silent",
        )
        found.append(dict(zip(rows["entity_id"].to_pylist(), rows["vector"].to_pylist(), strict=True)))
    plain, words = found
    assert plain["a"] != plain["b"]
    assert words["a"] == words["b"]
