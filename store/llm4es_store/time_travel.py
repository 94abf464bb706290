"""Earlier states of a store, found in its own record of commits (never in file times, which a copy changes).

In: the record of runs, and a version or a time. Out: the version of each table then.
"""

import json
from datetime import UTC, datetime

import pyarrow as pa

from llm4es.core.errors import StoreError

At = int | datetime | str
"""A version of the store, a time, or either as a user types it: ``12``, ``2026-11-20T10:00``."""


def state_at(record: pa.Table, at: At) -> tuple[int, dict[str, int]]:
    """The store's version at that point, and table -> version then.

    Raises StoreError for a version that never was and a time before the first.
    """
    when = parse(at)
    rows = record.select(["version", "committed_at", "snapshot"]).to_pylist()
    if not rows:
        raise StoreError(f"--at {at}: the store has no version yet")
    if isinstance(when, int):
        found = [row for row in rows if row["version"] == when]
        if not found:
            last = rows[-1]["version"]
            raise StoreError(f"--at {at}: no such version, the store has 1 to {last}: see `llm4es runs`")
    else:
        found = [row for row in rows if row["committed_at"] <= when]
        if not found:
            first = rows[0]["committed_at"].isoformat(timespec="seconds")
            raise StoreError(f"--at {at}: the store began later, at {first}: give a time after it")
    snapshot: dict[str, int] = json.loads(found[-1]["snapshot"])
    return int(found[-1]["version"]), snapshot


def parse(at: At) -> int | datetime:
    """A version number, or a time (UTC where it says no zone)."""
    if isinstance(at, int):
        return at
    if isinstance(at, str):
        if at.strip().isdigit():
            return int(at)
        try:
            at = datetime.fromisoformat(at.strip())
        except ValueError as error:
            raise StoreError(f"--at {at!r} is neither a version nor a time: give 12, or 2026-11-20T10:00") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
