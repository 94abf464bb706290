"""Rows that the store's tests write."""

from collections.abc import Mapping

import pyarrow as pa

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
