"""What is learnt of train entities' events: whose, until when, and under which of a model's names."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer

from llm4es import Project
from llm4es.core.errors import DataError

from . import shop, tiny
from .event_reading import EVENTS, lines, plain_vectors, stored
from .heard import Heard

RARE: dict[str, Any] = {"k": 1, "by": "product", "weights": "tfidf", **EVENTS}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    return str(tiny.save(tmp_path / "model"))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def project(tmp_path: Path, model: str, heard: Heard) -> Project:
    made = Project(shop.write(tmp_path / "shop"), tmp_path / "store", observer=heard)
    made.serialize()
    return made


def test_equal_weights_under_two_names_are_two_spaces_and_no_damage(
    tmp_path: Path, project: Project, model: str
) -> None:
    again = shutil.copytree(model, tmp_path / "again")
    for each in (model, str(again)):
        assert project.embed(each, **RARE).computed == 20
        assert project.embed(each, k=1, max_length=64, layers="keep").computed == 20
    assert project.store.sql("SELECT model FROM event_fits ORDER BY 1").fetchall() == [("again",), ("model",)]
    assert project.check().to_pylist() == []
    alike = "SELECT entity_id, count(*) FROM embeddings WHERE history = 'events' GROUP BY ALL"
    assert {n for _, n in project.store.sql(alike).fetchall()} == {2}
    first, other = (stored(project, 1, history="events", model=name) for name in ("model", "again"))
    assert all(np.allclose(first[entity], other[entity], atol=1e-6) for entity in first)


def test_another_default_split_is_learnt_from_anew(tmp_path: Path, project: Project, model: str) -> None:
    project.embed(model, **RARE)
    path = tmp_path / "shop/shop.toml"
    part = "CASE WHEN substr(customer, 2)::INTEGER < 5 THEN 'train' ELSE 'test' END"
    columns = f'early = {{ table = "customers", entity = "customer", split = "{part}" }}'
    path.write_text(f'{path.read_text()}\n[splits]\ndefault = "early"\n[splits.columns]\n{columns}\n')
    other = Project(path, project.store, observer="silent")
    with pytest.raises(DataError, match=r"in split 'early' and has events: .*run `llm4es serialize shop` first"):
        other.embed(model, **RARE)
    other.serialize()
    assert other.embed(model, **RARE).computed == 20
    assert other.embed(model, **RARE).computed == 0
    n_entities = {n for (n,) in project.store.sql("SELECT n_entities FROM event_fits").fetchall()}
    assert 5 in n_entities
    assert len(n_entities) == 2
    of = {entity: [line.split(" | ")[0] for line in read] for entity, read in lines(project).items()}
    counts = np.array([[read.count(product) for product in shop.PRODUCTS] for read in of.values()])
    idf = TfidfTransformer(norm=None).fit(counts[[int(entity[1:]) < 5 for entity in of]])
    weights = idf.transform(counts).toarray()
    plain = plain_vectors(model, shop.PRODUCTS, 1, "Product\n")
    expected = weights @ np.array([plain[each] for each in shop.PRODUCTS]) / weights.sum(axis=1, keepdims=True)
    newest = "(SELECT config_id FROM embeddings e JOIN runs USING (run_id) ORDER BY version DESC LIMIT 1)"
    rows = project.store.sql(f"SELECT entity_id, vector FROM embeddings WHERE config_id = {newest}").fetchall()
    found = {entity: np.array(vector) for entity, vector in rows}
    assert np.allclose([found[entity] for entity in of], expected, atol=1e-5)


def test_what_was_learnt_of_later_events_is_told_where_histories_end_before(
    project: Project, model: str, heard: Heard
) -> None:
    told = "tfidf: learnt of train entities' events up to 2026-01-06 10:00:00, which is later than these histories end"
    project.embed(model, **RARE)
    assert "learnt of" not in heard.since()
    for time, weights, is_later in (("2026-01-03", "tfidf", True), ("2026-01-03", "sif", False)):
        project.serialize(as_of=time)
        project.embed(model, **RARE | {"weights": weights})
        assert (told in heard.since()) == is_later
    project.serialize(as_of="2026-01-05")  # tomorrow
    project.embed(model, **RARE | {"weights": "sif"})
    assert "learnt of" not in heard.since()
    assert project.store.sql("SELECT count(*) FROM event_fits").fetchall() == [(2,)]
