"""What a plan says of work that this machine has not done: rough figures, and what they go by."""

from pathlib import Path

import pytest

from llm4es.models.resolve import resolve
from llm4es.options import LoadOptions
from llm4es.project import doctor as machine
from llm4es.project.costs import Amount, estimate, like_model
from llm4es.project.doctor import doctor
from llm4es.project.observer import Null
from llm4es.project.rough_costs import LOADING, ROWS_FITTED, TUNING
from llm4es_store import Store

from . import tiny

LIKE = {"layers": 30, "dim": 576, "context": 8192, "load_in": "none", "dtype": "float32", "device": "cpu"}


@pytest.fixture
def store(place: Path) -> Store:
    return Store(place / "store", create=True)


def test_a_matrix_product_tells_roughly_how_fast_a_model_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = 30 * (4 * 576**2 + 8 * 576**2)  # four of attention; two of a feed-forward layer four times as wide
    monkeypatch.setattr("llm4es.project.rough_costs._products_a_second", lambda: 100.0 * weights)
    read = estimate(store, "embed", LIKE, Amount(5_000))
    assert read.rough
    assert read.seconds == pytest.approx(LOADING + 50)
    tuned = estimate(store, "finetune", LIKE | {"method": "lora"}, Amount(5_000))
    assert tuned.seconds == pytest.approx(LOADING + 50 * TUNING)
    assert estimate(store, "probe", {}, Amount(2_000, ROWS_FITTED)).rough
    for like in (LIKE | {"device": "cuda"}, LIKE | {"load_in": "4bit"}, {"by": "server"}):
        assert estimate(store, "embed", like, Amount(5_000)).seconds is None  # nothing tells it


def test_what_a_model_of_the_same_shape_read_otherwise_tells_more(store: Store) -> None:
    with store.run("embed", "shop", {}, "0") as run:
        run.record.working = 4.0
        run.record.cost = Amount(1_000).recorded(LIKE | {"reads": "events"})
        run.begin()
    texts = estimate(store, "embed", LIKE | {"reads": "texts"}, Amount(500))
    assert texts.rough
    assert texts.seconds == pytest.approx(LOADING + 2.0)


def test_what_doctor_tried_is_what_plans_of_any_store_go_by(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SECONDS", 0.01)
    folder = tiny.save(place / "tiny")
    (found,) = (row["found"] for row in doctor("none", str(folder), Null()).to_pylist() if "speed" in row["what"])
    tokens_a_second = int(found.removesuffix(" tokens/s").replace(",", ""))
    like = like_model(resolve(str(folder)), LoadOptions(), reads="texts")
    planned = estimate(Store(place / "store", create=True), "embed", like, Amount(10 * tokens_a_second))
    assert planned.seconds == pytest.approx(LOADING + 10, rel=0.01)
    (place / "cache/speeds.json").write_text("torn")
    assert estimate(Store(place / "store"), "embed", like, Amount(1)).seconds is not None  # by a matrix product
