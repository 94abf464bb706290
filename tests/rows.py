"""Rows that the store's tests write."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from llm4es_store import Store

SCOPE = {"dataset": "d", "config_id": "c"}
KEY = ("entity_id", "variant")


def texts(hashes: Mapping[str, str]) -> pa.Table:
    """One raw text an entity; its content is its hash."""
    n = len(hashes)
    return pa.table(
        {
            "dataset": pa.array(["d"] * n, pa.string()),
            "entity_id": pa.array(list(hashes), pa.string()),
            "variant": pa.array(["raw"] * n, pa.string()),
            "text": pa.array([f"text {value}" for value in hashes.values()], pa.string()),
            "text_hash": pa.array(list(hashes.values()), pa.string()),
            "n_events": pa.array([1] * n, pa.int32()),
            "source_hash": pa.array(list(hashes.values()), pa.string()),
        }
    )


def wanted(hashes: Mapping[str, str]) -> pa.Table:
    """What a stage wants: (entity_id, source_hash)."""
    return texts(hashes).select(["entity_id", "source_hash"])


def vectors(model: str, k: int, values: dict[str, list[float]]) -> pa.Table:
    """A vector an entity, of one model and k."""
    n = len(values)
    return pa.table(
        {
            "entity_id": list(values),
            "k": pa.array([k] * n, pa.int32()),
            "vector": pa.array(list(values.values()), pa.list_(pa.float32())),
            "source_hash": ["h"] * n,
        }
    )


def with_vectors(root: Path) -> Store:
    """A store with the vectors of two models."""
    store = Store(root, create=True)
    with store.run("embed", "d", {}, "0") as run:
        for model, k, values in (
            ("m", 1, {"1": [1.0, 0.0], "2": [0.0, 1.0]}),
            ("m", 8, {"1": [1.0, 1.0], "2": [0.0, 2.0]}),
            ("7", 1, {"1": [1.0, 0.0], "2": [1.0, 0.1]}),  # a model's name that looks like a number
        ):
            scope = {"dataset": "d", "model": model, "config_id": "c"}
            run.append("embeddings", scope, vectors(model, k, values), ("entity_id", "k"))
    return store


def three_texts(root: Path) -> Path:
    """A store of three texts in three commits, and a label."""
    store = Store(root, create=True)
    for entity in "abc":
        with store.run("serialize", "d", {}, "0") as run:
            run.append("texts", SCOPE, texts({entity: "1"}), KEY)
    with store.run("serialize", "d", {}, "0") as run:
        run.replace("labels", {"dataset": "d"}, pa.table({"entity_id": ["a"], "task": ["t"], "label": ["x"]}))
    return root
