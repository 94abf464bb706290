"""Baselines against counts made by hand."""

import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from llm4es.core.errors import ProbeError
from llm4es.features.aggregates import counts
from llm4es.features.baselines import majority, tfidf
from llm4es.features.feature_set import Preprocess
from llm4es.probe.scaling import scaling


def events() -> list[pa.RecordBatch]:
    table = pa.table({"entity_id": ["u2", "u1", "u1", "u1", "u3"], "item": ["a", "b", "a", "b", None], "x": [1] * 5})
    return list(table.to_batches(max_chunksize=2))


def test_tfidf_counts_items_an_entity() -> None:
    features = tfidf(events(), "item")
    assert list(features.entity_ids) == ["u1", "u2", "u3"]
    # columns: nothing, a, b; an entity whose items are all null stays, with zeros
    assert features.matrix.toarray().tolist() == [[0, 1, 2], [0, 1, 0], [0, 0, 0]]
    assert (features.name, features.model, features.preprocess) == ("tfidf", None, Preprocess.TFIDF)


def test_probes_weigh_the_counts_as_scikit_learn_weighs_words() -> None:
    table = pa.table({"entity_id": ["a", "a", "a", "b", "c", "c"], "item": ["x", "y", "y", "x", "z", "x"]})
    features = tfidf(table, "item")
    weighed = scaling(features.scaled_as()).fit(features.matrix)[0].transform(features.matrix)  # before one length
    expected = TfidfVectorizer(token_pattern=r"\w").fit_transform(["x y y", "x", "z x"])
    assert weighed.toarray() == pytest.approx(expected.toarray())


def test_events_of_an_entity_may_stand_apart() -> None:
    apart, together = events(), [pa.Table.from_batches(events()).sort_by("entity_id").combine_chunks().to_batches()[0]]
    for one, two in ((tfidf(apart, "item"), tfidf(together, "item")), (counts(apart, ["x"]), counts(together, ["x"]))):
        assert (one.entity_ids, one.source_hash) == (two.entity_ids, two.source_hash)
        assert (one.matrix != two.matrix).sum() == 0


def test_tfidf_takes_columns_of_any_type_and_name() -> None:
    table = pa.table({"entity_id": ["a", "a"], 'odd "name"': [3, 3]})
    assert tfidf(table.to_batches(), 'odd "name"').matrix.toarray().tolist() == [[2]]


def test_tfidf_hash_follows_content_and_not_batching() -> None:
    whole = pa.Table.from_batches(events()).combine_chunks().to_batches()
    assert tfidf(whole, "item").source_hash == tfidf(events(), "item").source_hash
    empty = pa.RecordBatch.from_pylist([], schema=whole[0].schema)
    assert tfidf([empty, *whole, empty], "item").source_hash == tfidf(whole, "item").source_hash
    assert tfidf(pa.table(whole[0]), "item").source_hash == tfidf(whole, "item").source_hash
    assert tfidf([whole[0].slice(1)], "item").source_hash != tfidf(whole, "item").source_hash
    assert tfidf(whole, "x").source_hash != tfidf(whole, "item").source_hash


def test_tfidf_without_events_or_column() -> None:
    with pytest.raises(ProbeError, match="there are no events to count: run `llm4es serialize` first"):
        tfidf([], "item")
    with pytest.raises(ProbeError, match="events have no column 'mcc': choose one of entity_id, item, x"):
        tfidf(events(), "mcc")
    with pytest.raises(ProbeError, match="events have no column 'entity_id': choose one of user, item"):
        tfidf(pa.table({"user": ["a"], "item": ["x"]}), "item")
    with pytest.raises(ProbeError, match="events have a row without an entity_id: give each event its entity"):
        tfidf(pa.table({"entity_id": ["a", None], "item": ["x", "y"]}), "item")
    with pytest.raises(ProbeError, match="events hold list, not rows: give a pyarrow table or record batches"):
        tfidf([["a", "x"]], "item")


def test_ids_become_text() -> None:
    assert tfidf(pa.table({"entity_id": [2, 1], "item": ["x", "x"]}), "item").entity_ids == ["1", "2"]
    assert counts(pa.table({"entity_id": [2, 1]}), []).entity_ids == ["1", "2"]


def test_majority_knows_nothing() -> None:
    features = majority(["b", "a"])
    assert list(features.entity_ids) == ["a", "b"]
    assert features.matrix.tolist() == [[0], [0]]
    assert features.source_hash == majority(["a", "b"]).source_hash != majority(["a"]).source_hash
    with pytest.raises(ProbeError, match="features 'majority' have two rows for entity 'a': give one row an entity"):
        majority(["a", "a"])
