"""Baselines against counts made by hand."""

import pyarrow as pa
import pytest

from llm4es.core.errors import ProbeError
from llm4es.features.baselines import majority, tfidf
from llm4es.features.feature_set import Preprocess


def events() -> list[pa.RecordBatch]:
    table = pa.table({"entity_id": ["u2", "u1", "u1", "u1", "u3"], "item": ["a", "b", "a", "b", None], "x": [1] * 5})
    return list(table.to_batches(max_chunksize=2))


def test_tfidf_counts_items_an_entity() -> None:
    found = tfidf(events(), "item")
    assert list(found.entity_ids) == ["u1", "u2", "u3"]
    counts = found.matrix.toarray()
    assert sorted(counts[0].tolist()) == [0, 1, 2]
    assert counts.sum(axis=1).tolist() == [3, 1, 0]  # an entity whose items are all null stays, with zeros
    assert (found.model, found.preprocess) == (None, Preprocess.TFIDF)


def test_tfidf_takes_columns_of_any_type_and_name() -> None:
    table = pa.table({"entity_id": ["a", "a"], 'odd "name"': [3, 3]})
    assert tfidf(table.to_batches(), 'odd "name"').matrix.toarray().tolist() == [[2]]


def test_tfidf_hash_follows_content_and_not_batching() -> None:
    whole = pa.Table.from_batches(events()).combine_chunks().to_batches()
    assert tfidf(whole, "item").source_hash == tfidf(events(), "item").source_hash
    assert tfidf(whole[0].slice(1).schema.empty_table().to_batches() + whole, "item").source_hash
    assert tfidf([whole[0].slice(1)], "item").source_hash != tfidf(whole, "item").source_hash


def test_tfidf_without_events_or_column() -> None:
    with pytest.raises(ProbeError, match="there are no events to count: run `llm4es serialize` first"):
        tfidf([], "item")
    with pytest.raises(ProbeError, match="events have no column 'mcc': choose one of entity_id, item, x"):
        tfidf(events(), "mcc")


def test_majority_knows_nothing() -> None:
    found = majority(["b", "a"])
    assert list(found.entity_ids) == ["a", "b"]
    assert found.matrix.tolist() == [[0], [0]]
    assert found.source_hash != majority(["a"]).source_hash
