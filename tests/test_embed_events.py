"""``embed --history events``: each distinct event read once, users as weighted means, as plain libraries have it."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer

from llm4es import Project
from llm4es.core.hashing import text_hash

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


@pytest.mark.parametrize("k", [1, 3, 4])
def test_counted_alike_it_is_the_mean_of_plain_vectors_of_the_lines(project: Project, model: str, k: int) -> None:
    project.embed(model, k=k, **EVENTS)
    of = lines(project)
    plain = plain_vectors(model, sorted({line for all_of_it in of.values() for line in all_of_it}), k)
    vectors = stored(project, k)
    assert vectors.keys() == of.keys()
    for entity, read in of.items():
        expected = np.mean([plain[line] for line in read], axis=0)
        assert np.abs(vectors[entity] - expected).max() <= 1e-5 * np.abs(expected).max()


def test_each_distinct_event_is_read_once_and_every_layer_of_it_is_kept(project: Project, model: str) -> None:
    outcome = project.embed(model, k="1,2,all", by="product", **EVENTS)
    assert (outcome.computed, outcome.reused) == (60, 0)
    kept = project.store.sql("SELECT event_text, layer, event_hash, n_tokens, dataset, context FROM event_vectors")
    rows = kept.fetchall()
    each = [(product, layer) for product in sorted(shop.PRODUCTS) for layer in range(1, 5)]
    assert sorted((text, layer) for text, layer, *_ in rows) == each
    assert all(digest == text_hash(text) for text, _, digest, *_ in rows)
    assert {(dataset, context) for *_, dataset, context in rows} == {("shop", "Product\n")}
    tokens = sum(tokens for _, layer, _, tokens, *_ in rows if layer == 1)
    assert outcome.message == f"5 distinct events of 90 events ({tokens} tokens) read once; 20 entities pooled"
    assert project.embed(model, k="1,2,all", by="product", **EVENTS).computed == 0
    assert project.embed(model, k="1,2,all", by="product,product", **EVENTS).computed == 0


def test_another_k_or_weighting_reads_nothing(project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    before = project.store.sql("SELECT count(*), max(run_id) FROM event_vectors").fetchall()
    for more in ({"k": "2,all"}, {"weights": "tfidf", "k": 1}, {"groups": 2}, {"whiten": 3, "remove_components": 1}):
        outcome = project.embed(model, **{**EVENTS, **more})
        assert outcome.computed, more
        assert "none of 90 distinct events" in outcome.message, more
    assert project.store.sql("SELECT count(*), max(run_id) FROM event_vectors").fetchall() == before


def test_groups_are_means_of_neighbouring_layers_side_by_side(project: Project, model: str) -> None:
    project.embed(model, groups=2, **EVENTS)
    (entity, read), *_ = lines(project).items()
    found = stored(project, 4)[entity]
    assert found.shape == (64,)
    last = {k: np.mean(list(plain_vectors(model, read, k).values()), axis=0) for k in (2, 4)}
    assert np.allclose(found[32:], last[2], atol=1e-5)
    assert np.allclose(found[:32], 2 * last[4] - last[2], atol=1e-5)  # the first two of four layers


def test_rare_events_weigh_more_as_scikit_learn_counts_them(project: Project, model: str) -> None:
    project.embed(model, k=1, by="product", weights="tfidf", **EVENTS)
    of = {entity: Counter(line.split(" | ")[0] for line in read) for entity, read in lines(project).items()}
    counts = np.array([[of[entity][product] for product in shop.PRODUCTS] for entity in of])
    train = {e for (e,) in project.store.sql("SELECT entity_id FROM splits WHERE split = 'train'").fetchall()}
    idf = TfidfTransformer(norm=None).fit(counts[[entity in train for entity in of]])
    weights = idf.transform(counts).toarray()
    plain = plain_vectors(model, shop.PRODUCTS, 1, "Product\n")
    vectors = stored(project, 1)
    for entity, row in zip(of, weights, strict=True):
        expected = row @ np.array([plain[product] for product in shop.PRODUCTS]) / row.sum()
        assert np.allclose(vectors[entity], expected, atol=1e-5)
    ((n_entities, reading),) = project.store.sql("SELECT n_entities, reading FROM event_fits").fetchall()
    assert (n_entities, json.loads(reading)) == (len(train), {"weights": ["tfidf"]})


def test_older_events_weigh_less(project: Project, model: str) -> None:
    project.embed(model, k=1, by="product", weights="recency:1d", **EVENTS)
    plain = plain_vectors(model, shop.PRODUCTS, 1, "Product\n")
    for entity, vector in stored(project, 1).items():
        products = [line.split(" | ")[0] for line in lines(project)[entity]]  # one a day
        weights = 0.5 ** np.arange(len(products))[::-1]
        expected = weights @ np.array([plain[product] for product in products]) / weights.sum()
        assert np.allclose(vector, expected, atol=1e-5)


def test_tomorrow_a_new_event_of_a_known_kind_costs_nothing_and_lies_in_todays_space(
    tmp_path: Path, project: Project, model: str
) -> None:
    asked = {"k": 2, "by": "product", "weights": "tfidf", "whiten": 3, **EVENTS}
    project.embed(model, **asked)
    fits, before = project.store.sql("SELECT * FROM event_fits").fetchall(), stored(project, 2)
    shop.write(tmp_path / "shop", changed={3: "tea"})
    project.serialize()
    outcome = project.embed(model, **asked)
    assert (outcome.computed, outcome.reused, outcome.reasons) == (1, 19, {"text changed": 1})
    assert "none of " in outcome.message
    after = stored(project, 2)
    assert {entity for entity in after if not np.array_equal(after[entity], before[entity])} == {"c3"}
    assert project.store.sql("SELECT * FROM event_fits").fetchall() == fits
    shop.write(tmp_path / "shop", changed={3: "wine"})
    project.serialize()
    message = project.embed(model, **asked).message
    assert message == "1 distinct event of 6 events (12 tokens) read once; 1 entity pooled"
    assert project.store.sql("SELECT * FROM event_fits").fetchall() == fits
    assert np.isfinite(stored(project, 2)["c3"]).all()


def test_two_datasets_with_the_same_events_have_them_read_once(tmp_path: Path, project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    path = shop.write(tmp_path / "other")
    path.write_text(path.read_text().replace('name = "shop"', 'name = "kiosk"'))
    other = Project(path, tmp_path / "store", observer="silent")
    other.serialize()
    assert "none of 90 distinct events" in other.embed(model, k=1, **EVENTS).message
    assert other.store.sql("SELECT DISTINCT dataset FROM event_vectors").fetchall() == [("shop",)]
    both = project.store.sql("SELECT entity_id, count(DISTINCT vector) FROM embeddings GROUP BY ALL").fetchall()
    assert {n for _, n in both} == {1}


def test_vectors_are_stale_as_soon_as_the_events_are_others(tmp_path: Path, project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    assert len(project.vectors(model, 1)[0]) == 20
    shop.write(tmp_path / "shop", changed={3: "wine"})
    project.serialize()
    assert "c3" not in project.vectors(model, 1)[0].to_pylist()
    project.embed(model, k=1, **EVENTS)
    assert len(project.vectors(model, 1)[0]) == 20


def test_every_event_before_the_cut_off_counts_and_none_behind(tmp_path: Path, project: Project, model: str) -> None:
    whole = lines(project)
    project.serialize(as_of="2026-01-03", max_events=1)
    project.embed(model, k=1, **EVENTS)
    plain = plain_vectors(model, sorted({line for read in whole.values() for line in read}), 1)
    vectors = stored(project, 1)
    for entity, read in whole.items():
        assert np.allclose(vectors[entity], np.mean([plain[line] for line in read[:2]], axis=0), atol=1e-5)
    assert project.embed(model, k=1, **EVENTS).computed == 0
    assert len(project.vectors(model, 1)[0]) == 20
    project.serialize(as_of="2026-01-04")
    outcome = project.embed(model, k=1, **EVENTS)
    assert outcome.computed == 20
    assert outcome.message.startswith("20 distinct events of 60")  # the third visits alone
    assert len(project.vectors(model, 1)[0]) == 20


def test_names_and_costs_in_a_comparison_are_those_of_the_reading(tmp_path: Path, project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    project.embed(model, k=1, weights="tfidf", by="product", **EVENTS)
    project.probe("loyal", folds=3)
    rows = {row["features"]: row for row in project.compare("loyal").to_pylist()}
    plain, weighed = rows["model@1 [64 tokens, events]"], rows["model@1 [64 tokens, events, by product, tfidf]"]
    tokens = "SELECT sum(n_tokens) FROM event_vectors WHERE layer = 1 AND context"
    assert plain["tokens"] == project.store.sql(f"{tokens} LIKE '%Amount%'").fetchall()[0][0]
    assert weighed["tokens"] == project.store.sql(f"{tokens} = 'Product\n'").fetchall()[0][0]
    assert weighed["seconds"] > 0
    assert len(project.similar("c1", features="model@1 [64 tokens, events]", n=3)) == 3
    assert len(project.export(features="model@1 [64 tokens, events]")) == 20
    project.report(out=str(tmp_path / "report.html"))
    assert "events, by product, tfidf" in (tmp_path / "report.html").read_text()


def test_smaller_vectors_of_events_are_vectors_of_their_own(project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    outcome = project.embed(model, k=1, store_as="int8", **EVENTS)
    assert outcome.message.startswith("90 distinct events")
    assert "kept as int8" in outcome.message
    kinds = project.store.sql("SELECT stored_as, count(*) FROM event_vectors GROUP BY ALL ORDER BY 1").fetchall()
    assert kinds == [("int8", 360), (None, 360)]
    near = project.store.sql(
        "SELECT min(cosine(a.vector, b.vector)) FROM embeddings a JOIN embeddings b USING (entity_id, k) "
        "WHERE a.stored_as IS NULL AND b.stored_as = 'int8'"
    )
    assert near.fetchall()[0][0] > 0.999


def test_a_dry_run_says_what_is_to_be_read_and_for_whom(tmp_path: Path, project: Project, model: str) -> None:
    heard = Heard()
    project._observer = heard
    planned = project.embed(model, k=1, by="product", dry_run=True, **EVENTS)
    assert (planned.computed, planned.reasons) == (20, {"new": 20})
    assert heard.said[-1] == ("embed: 5 of 5 distinct events to be read (of 90 events), 20 entities to be pooled")
    assert project.store.sql("SELECT count(*) FROM event_vectors").fetchall() == [(0,)]
    project.embed(model, k=1, by="product", **EVENTS)
    project.embed(model, k=2, by="product", dry_run=True, **EVENTS)
    assert heard.said[-1].startswith("embed: 0 of 5 distinct events to be read")


def test_several_processes_read_events_as_one_does(tmp_path: Path, project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    one = stored(project, 1)
    again = Project(tmp_path / "shop/shop.toml", tmp_path / "again", observer="silent")
    again.serialize()
    again.embed(model, k=1, workers=2, **EVENTS)
    two = stored(again, 1)
    assert all(np.allclose(one[entity], two[entity], atol=1e-5) for entity in one)


def test_some_of_the_entities_learn_a_space_of_their_own(tmp_path: Path, project: Project, model: str) -> None:
    some = Project(tmp_path / "shop/shop.toml", project.store, max_entities=8, observer="silent")
    assert some.embed(model, k=1, weights="tfidf", **EVENTS).computed == 8
    assert project.embed(model, k=1, weights="tfidf", **EVENTS).computed == 20
    readings = project.store.sql("SELECT reading, count(*) FROM embeddings GROUP BY ALL ORDER BY 2").fetchall()
    assert readings == [("events, tfidf, of 8", 8), ("events, tfidf", 20)]


def test_several_prompts_are_counted_as_questions(tmp_path: Path, project: Project, model: str) -> None:
    (tmp_path / "two.toml").write_text("[events]\na = 'Who buys {product} is'\nb = 'For {amount} one gets'\n")
    asked = {"prompt": str(tmp_path / "two.toml"), "pooling": "last", **EVENTS}
    heard = Heard()
    Project(tmp_path / "shop/shop.toml", project.store, observer=heard).embed(model, k=1, dry_run=True, **asked)
    amounts = {line.split(" | ")[1] for read in lines(project).values() for line in read}
    questions = f"{len(shop.PRODUCTS) + len(amounts)} questions about 90 distinct events"
    assert f"embed: {questions} to be read (of 90 events), 20 entities to be pooled" in heard.said
    assert project.embed(model, k=1, **asked).message.startswith(f"{questions} of 90 events (")


def test_a_model_tuned_anew_reads_its_events_beside_the_old_one(project: Project, model: str) -> None:
    project.finetune(model, name="tuned", steps=1, max_length=64)
    project.embed("tuned", k=1, **EVENTS)
    project.finetune(model, name="tuned", steps=2, max_length=64)
    outcome = project.embed("tuned", k=1, **EVENTS)
    assert outcome.reasons == {"model changed": 20}
    for table, n in (("event_vectors", 360), ("embeddings", 20)):
        query = f"SELECT model, count(*), count(DISTINCT fingerprint) FROM {table} GROUP BY 1 ORDER BY 1"
        assert project.store.sql(query).fetchall() == [("tuned", n, 1), ("tuned@v2", n, 1)]


def test_times_are_no_part_of_what_is_read(project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    texts = project.store.sql("SELECT DISTINCT event_text FROM event_vectors").fetchall()
    assert not any(str(datetime(2026, 1, 1, tzinfo=UTC).year) in text for (text,) in texts)
