"""Vectors of events under new items: every fold makes its own of the kept ones, and no model is loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError
from llm4es.features.event_space import EventSpace
from llm4es.features.halves import ItemSide
from llm4es.probe.scaling import plain

from . import garden
from .garden import FEW, NEW, halved, items_of, opened, roc_auc
from .heard import Heard


@pytest.fixture
def heard() -> Heard:
    return Heard()


READINGS: list[dict[str, Any]] = [
    {"k": "1,2"},
    {"k": 1, "weights": "tfidf*recency:9d", "whiten": 4},
    {"groups": 2, "by": "name,code", "align": 3},
    {"k": 1, "prompt": "one-word", "remove_components": 1},
]


def test_event_vectors_are_pooled_anew_of_each_half(place: Path, heard: Heard, model: Path) -> None:
    """By hand: the mean of the kept vectors of the events of a side; no model is loaded."""
    project = opened(place, heard)
    project.embed(model=str(model), history="events", k=1, max_length=64)
    name = "tinyllama@1 [64 tokens, events]"
    of, items = halved(project, name), halved(project, "tfidf")
    kept = project.sql(
        "SELECT event_text, vector FROM event_vectors WHERE layer = (SELECT max(layer) FROM event_vectors)"
    )
    vector = {row["event_text"]: np.array(row["vector"]) for row in kept.to_pylist()}
    codes = sorted(f"i{item}" for item in range(garden.ITEMS))
    lines = {code: f"{garden.colour(int(code[1:]))} thing {code[1:]}" for code in codes}
    pooled = plain(of[ItemSide.LEARNT].scaled_as()).fit(of[ItemSide.LEARNT].matrix)
    for each in (ItemSide.LEARNT, ItemSide.SCORED):
        assert of[each].entity_ids == items[each].entity_ids
        for row, found in zip(items[each].matrix.toarray(), pooled.transform(of[each].matrix), strict=True):
            bought = [(vector[lines[code]], n) for code, n in zip(codes, row, strict=True) if n]
            mean = sum(v * n for v, n in bought) / sum(n for _, n in bought)
            np.testing.assert_allclose(found, mean, atol=1e-6)


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_every_reading_is_learnt_inside_the_folds(
    place: Path, heard: Heard, model: Path, reading: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = opened(place, heard)
    project.embed(model=str(model), history="events", max_length=64, **reading)
    learnt: list[set[int]] = []
    fit = EventSpace.fit.__func__  # type: ignore[attr-defined]

    def spied(cls: type[EventSpace], counts: Any, *rest: Any) -> EventSpace:
        learnt.append(set(np.flatnonzero(np.asarray(counts.sum(axis=0)).ravel()).tolist()))
        return fit(cls, counts, *rest)  # type: ignore[no-any-return]

    monkeypatch.setattr(EventSpace, "fit", classmethod(spied))
    probing = NEW | {"repeats": 1, "features": "tinyllama@*"}
    assert project.probe("red", **probing)[0].computed == (2 if reading.get("k") == "1,2" else 1)
    name = next(name for name in roc_auc(project) if name.startswith("tinyllama"))
    of, again = halved(project, name), halved(project, name)
    for each in ItemSide:  # the same to the bit, whatever order DuckDB's threads finish in
        assert of[each].entity_ids == again[each].entity_ids
        assert [a.tolist() for a in _arrays(of[each].matrix)] == [a.tolist() for a in _arrays(again[each].matrix)]
    n = of[ItemSide.LEARNT].scaled_as()[0].kinds.vectors.shape[0]
    sides = [items_of(of[each]) for each in (ItemSide.LEARNT, ItemSide.SCORED)]
    ours, others = ({kind % n for kind in side} for side in sides)
    assert ours.isdisjoint(others)
    assert all(kinds <= ours for kinds in learnt)  # nothing of a scored item's event was learnt from
    assert len(learnt) >= FEW["folds"]
    assert project.probe("red", **probing)[0].computed == 0


def test_fusions_of_event_vectors(place: Path, heard: Heard, model: Path) -> None:
    project = opened(place, heard)
    project.embed(model=str(model), history="events", max_length=64)
    asked = "vote(words, tinyllama@1),best(tinyllama@*, tfidf),tinyllama@1+words"
    assert project.probe("red", features=asked, **NEW)[0].computed == 5
    assert {"vote(words, tinyllama@1 [64 tokens, events])", "best(tinyllama@*, tfidf)"} < roc_auc(project).keys()
    rows = {row["features"]: row for row in project.compare("red", protocol="new-items").to_pylist()}
    assert "tfidf" not in rows["best(tinyllama@*, tfidf)"]["chosen"]  # it knows nothing of new items


def test_event_vectors_of_other_fields_than_now(place: Path, heard: Heard, model: Path) -> None:
    project = opened(place, heard)
    project.embed(model=str(model), history="events", k=1, max_length=64)
    recipe = place / "garden" / "garden.toml"
    recipe.write_text(recipe.read_text().replace('name = "name"', 'name = "name"\nheader = "Thing"'))
    project = Project(recipe, place / "store", observer=heard)
    with pytest.raises(OptionError, match=r"@1.*: the recipe's fields.* have changed since: `llm4es embed gard"):
        project.probe("red", features="tinyllama@1", **NEW)


def test_event_vectors_of_a_field_that_is_gone_are_left_out(place: Path, heard: Heard, model: Path) -> None:
    opened(place, heard).embed(model=str(model), history="events", by="shelf", k=1, max_length=64)
    recipe = place / "garden" / "garden.toml"
    recipe.write_text(recipe.read_text().replace('name = "shelf"', 'name = "rack"\nfrom = "shelf"'))
    project = Project(recipe, place / "store", observer=heard)
    project.serialize()
    project.probe("red", **NEW)
    assert "tinyllama@1 [64 tokens, events, by shelf]: left out, the recipe's fields" in heard.since()
    assert "words" in roc_auc(project)


def _arrays(matrix: Any) -> tuple[Any, ...]:
    return matrix.indptr, matrix.indices, matrix.data
