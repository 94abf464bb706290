"""``embed --history events``: what cannot be made of events is one line, and what is odd about them is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es import Project
from llm4es.core.errors import DataError, OptionError

from . import shop, tiny
from .event_reading import EVENTS, lines, plain_vectors, stored
from .heard import Heard


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    return str(tiny.save(tmp_path / "model"))


@pytest.fixture
def project(tmp_path: Path, model: str) -> Project:
    made = Project(shop.write(tmp_path / "shop"), tmp_path / "store", observer=Heard())
    made.serialize()
    return made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"by": "produkt"}, "--by 'produkt' is no field of 'shop': .*product"),
        ({"weights": "idf"}, "--weights 'idf' is unknown"),
        ({"weights": "amount"}, "--weights amount needs an amount"),
        ({"whiten": 500}, "--whiten 500 is wider than the data"),
        ({"groups": 9}, "--groups 9 is above the 4 layers"),
        ({"groups": 2, "k": 2}, "--groups 2 with --k 2"),
        ({"texts": "all"}, "--texts all with --history events"),
        ({"layers": "keep"}, "--layers keep with --history events"),
        ({"dims": 8}, "--dims 8 with --history events"),
        ({"history": "full", "weights": "tfidf"}, "--weights tfidf with --history full"),
    ],
)
def test_what_cannot_be_is_one_line(project: Project, model: str, words: dict[str, Any], message: str) -> None:
    with pytest.raises((OptionError, DataError), match=message):
        project.embed(model, **{**EVENTS, **words})
    assert project.store.sql("SELECT count(*) FROM embeddings").fetchall() == [(0,)]
    if "groups" in words:  # known before anything is read
        assert project.store.sql("SELECT count(*) FROM event_vectors").fetchall() == [(0,)]


def test_serialize_does_not_take_events(project: Project) -> None:
    with pytest.raises(OptionError, match="--history events is a way to embed"):
        project.serialize(history="events")


def test_events_that_are_all_distinct_are_read_on_request_only(
    project: Project, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm4es.project.event_request.DISTINCT_EVENTS", 50)
    with pytest.raises(OptionError, match=r"100% of 90 events are distinct.*--all-distinct"):
        project.embed(model, k=1, **EVENTS)
    assert project.store.sql("SELECT count(*) FROM event_vectors").fetchall() == [(0,)]
    with pytest.raises(OptionError, match="are distinct"):
        project.embed(model, k=1, dry_run=True, **EVENTS)
    assert project.embed(model, k=1, all_distinct=True, **EVENTS).computed == 20
    assert project.embed(model, k=2, **EVENTS).computed == 20  # nothing is left to read


def test_events_that_all_read_the_same_are_told(tmp_path: Path, model: str) -> None:
    path = shop.write(tmp_path / "shop")
    table = (tmp_path / "shop/events.csv").read_text()
    for product in shop.PRODUCTS:
        table = table.replace(product, "tea")
    (tmp_path / "shop/events.csv").write_text(table)
    heard = Heard()
    project = Project(path, tmp_path / "store", observer=heard)
    project.serialize()
    project.embed(model, k=1, by="product", **EVENTS)
    assert any("all 90 events read the same ('tea')" in line for line in heard.said)


def test_without_a_train_entity_nothing_can_be_learnt(tmp_path: Path, project: Project, model: str) -> None:
    with project.store.run("repair", "shop", {}, "0") as run:
        splits = project.store.sql("SELECT entity_id, 'test' AS split, name FROM splits").to_arrow_table()
        run.replace("splits", {"dataset": "shop"}, splits)
    with pytest.raises(DataError, match="learnt from train entities, and none of 'shop'"):
        project.embed(model, k=1, weights="tfidf", **EVENTS)
    assert project.embed(model, k=1, **EVENTS).computed == 20  # nothing is learnt for that


def test_amounts_weigh_and_one_that_is_no_weight_is_counted(tmp_path: Path, project: Project, model: str) -> None:
    path = tmp_path / "shop/shop.toml"
    path.write_text(path.read_text().replace('item = "product"', 'item = "product"\namount = "amount"'))
    rich = Project(path, project.store, observer="silent")
    outcome = rich.embed(model, k=1, by="product", weights="amount", **EVENTS)
    plain = plain_vectors(model, shop.PRODUCTS, 1, "Product\n")
    rows = [line.split(" | ") for line in lines(project)["c5"]]
    amounts = np.array([float(amount) for _, amount, *_ in rows])
    expected = amounts @ np.array([plain[product] for product, *_ in rows]) / amounts.sum()
    assert np.allclose(stored(project, 1)["c5"], expected, atol=1e-5)
    assert "weigh nothing" not in outcome.message
    table = (tmp_path / "shop/events.csv").read_text().splitlines()
    table[1:4] = [line.rpartition(",")[0] + ",0" for line in table[1:4]]  # all that c0 has
    (tmp_path / "shop/events.csv").write_text("\n".join(table))
    rich.serialize()
    assert (
        "events of 1 of them weigh nothing" in rich.embed(model, k=1, by="product", weights="amount", **EVENTS).message
    )
    assert not stored(project, 1)["c0"].any()
    table[1] = table[1].rpartition(",")[0] + ",-1"
    (tmp_path / "shop/events.csv").write_text("\n".join(table))
    rich.serialize()
    with pytest.raises(DataError, match="--weights amount: of 90 events 0 have no amount and 1 have a negative one"):
        rich.embed(model, k=1, by="product", weights="amount", **EVENTS)
    assert len(stored(project, 1)) == 20  # nothing was dropped for what cannot be made
