"""Texts in files of one's own choice, replaced, and read back by the Delta library alone."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from llm4es_store import Store

from .rows import KEY, SCOPE, texts, wanted

VECTOR = pa.list_(pa.float32())
EMBEDDED = {"dataset": "d", "model": "m", "config_id": "c"}


def ids(*numbers: int) -> list[str]:
    """Names of entities that sort as their numbers do."""
    return [f"e{number:04d}" for number in numbers]


def in_files(root: Path, *parts: Mapping[str, str]) -> Store:
    """A store whose texts lie in one file a part."""
    store = Store(root, create=True)
    with store.run("serialize", "d", {}, "0") as run:
        for part in parts:
            run.append("texts", SCOPE, texts(part), KEY)
    return store


def plain(root: Path, table: str = "texts", version: int | None = None) -> DeltaTable:
    """The table as the Delta library alone opens it."""
    return DeltaTable(str(root / "tables" / table), version=version)


def hashes(root: Path, version: int | None = None) -> dict[str, str]:
    """Entity -> hash, as the Delta library alone reads them."""
    rows = plain(root, version=version).to_pyarrow_table().select(["entity_id", "source_hash"]).to_pylist()
    found = {row["entity_id"]: row["source_hash"] for row in rows}
    assert len(found) == len(rows)
    return found


def replace(store: Store, new: Mapping[str, str]) -> int:
    """Give some texts other content."""
    plan = store.plan("texts", SCOPE, wanted(new), ["entity_id"])
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        return run.replace_rows("texts", SCOPE, plan.stale, texts(new), KEY)
