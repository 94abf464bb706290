"""Rows that come a batch at a time: one commit, files of a size, nothing where they fail."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llm4es.core.errors import DataError
from llm4es_store import Store

from .replacing import EMBEDDED, VECTOR, hashes, ids, in_files, plain
from .rows import SCOPE


def test_rows_that_come_a_batch_at_a_time_take_a_scopes_place_in_one_commit(tmp_path: Path) -> None:
    """Those of another scope stay that lie in the same file; and so in files of a few rows each."""
    store = Store(tmp_path / "s", create=True)
    for model in ("m", "other"):
        with store.run("embed", "d", {}, "0") as run:
            rows = pa.table({"entity_id": ids(1, 2), "role": [model, model]})
            run.replace("exposures", {"dataset": "d", "model": model}, rows)
    with store.run("embed", "", {}, "0") as run:
        run.catalog.ensure("exposures").compact(run.run_id, 2**20)
    before = plain(tmp_path / "s", "exposures").version()
    batches = [pa.record_batch({"entity_id": ids(n, n + 1)}) for n in (2, 4, 6)]
    with store.run("embed", "d", {}, "0") as run:
        assert run.replace_streamed("exposures", {"dataset": "d", "model": "m"}, lambda: batches) == 6
    table = plain(tmp_path / "s", "exposures")
    assert table.version() == before + 1
    found = table.to_pyarrow_table().sort_by([("model", "ascending"), ("entity_id", "ascending")])
    assert list(zip(found["model"].to_pylist(), found["entity_id"].to_pylist(), strict=True)) == [
        *(("m", each) for each in ids(2, 3, 4, 5, 6, 7)),
        *(("other", each) for each in ids(1, 2)),
    ]


def test_what_is_streamed_is_cut_into_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es_store.new_files.TARGET_SIZE", 1)
    store = Store(tmp_path / "s", create=True)
    scope: dict[str, str | int] = {**EMBEDDED, "k": 8}
    batches = [pa.record_batch({"entity_id": ids(n), "vector": pa.array([[0.5]], VECTOR)}) for n in (1, 2)]
    for _ in range(2):
        with store.run("embed", "d", {}, "0") as run:
            run.replace_streamed("embeddings", scope, lambda: batches)
    table = plain(tmp_path / "s", "embeddings")
    assert [pq.read_metadata(uri).num_rows for uri in table.file_uris()] == [1, 1]
    assert table.to_pyarrow_table(filters=[("entity_id", "=", ids(2)[0])])["k"].to_pylist() == [8]


def test_a_stream_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = in_files(tmp_path / "s", dict.fromkeys(ids(1), "a"))

    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"entity_id": ids(2)})
        raise DataError("no more")

    files = sorted((tmp_path / "s/tables/texts").rglob("*.parquet"))
    scope = {**SCOPE, "variant": "raw"}
    with pytest.raises(DataError, match="no more"), store.run("serialize", "d", {}, "0") as run:
        run.replace_streamed("texts", scope, broken)
    assert sorted((tmp_path / "s/tables/texts").rglob("*.parquet")) == files
    assert hashes(tmp_path / "s") == dict.fromkeys(ids(1), "a")


def test_texts_that_come_as_dictionaries_are_kept_as_texts(tmp_path: Path) -> None:
    table, scope, key = "events/d", {"dataset": "d"}, ("entity_id", "position")

    def events(entity: str, digest: str) -> pa.Table:
        rows = {"dataset": ["d"] * 2, "entity_id": [entity] * 2, "position": pa.array([0, 1], pa.int32())}
        return pa.table({**rows, "source_hash": pa.array([digest] * 2).dictionary_encode()})

    store = Store(tmp_path, create=True)
    with store.run("serialize", "d", {}, "0") as run:
        for entity, digest in (("a", "1"), ("b", "2")):
            rows = events(entity, digest)
            run.append(table, scope, rows, key, schema=rows.schema)
        run.replace_rows(table, scope, pa.table({"entity_id": ["b"], "source_hash": ["2"]}), events("b", "3"), key)
    held = plain(tmp_path, table).to_pyarrow_table()
    assert held.schema.field("source_hash").type == pa.string()
    assert sorted(zip(held["entity_id"].to_pylist(), held["source_hash"].to_pylist(), strict=True)) == [
        ("a", "1"), ("a", "1"), ("b", "3"), ("b", "3")
    ]  # fmt: skip
    assert set(held["run_id"].to_pylist()) == {run.run_id}
