"""The record of runs, which is also the store's log of versions.

In: what a run did. Out: rows of the table ``runs``, one when a run begins to write and one when it ends; each bears the
next version of the store and the version of every table at that moment, so any earlier state can be found again from
the record itself. Knows tables by name only.
"""

import json
import os
import platform
import socket
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from llm4es.core.errors import StoreError

from . import layout
from .delta import TARGET_SIZE, Table
from .delta_errors import ConflictError

_COMPACT_AFTER = 64
"""Files of the record, one a commit, after which they become one: every opening of the store reads them all."""


@dataclass
class RunRecord:
    """One run's row in the making."""

    stage: str
    dataset: str
    config: Mapping[str, Any]
    code_version: str
    run_id: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}")
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = layout.NOT_ENDED
    rows_in: int = 0
    rows_computed: int = 0
    rows_reused: int = 0
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    """Table -> why its rows were computed, or vanished -> how many."""
    read: dict[str, int] = field(default_factory=dict)
    """Table -> Delta version read."""
    written: dict[str, int] = field(default_factory=dict)
    """Table -> last Delta version written."""
    message: str | None = None
    cost: Mapping[str, Any] | None = None
    """How much work it was; None: nobody has counted."""
    ready: float = 0.0
    """Seconds until the work began: libraries and weights were loaded."""
    working: float | None = None
    """Seconds of the work itself, which grow with it; None: nobody has measured them."""
    ended_at: datetime | None = None
    """When it ended, where that is not now."""

    @classmethod
    def killed(
        cls, row: Mapping[str, Any], written: Mapping[str, int], computed: int, ended_at: datetime
    ) -> "RunRecord":
        """The end of a run whose process is gone, from the row it left when it began and what it has committed."""
        versions = json.loads(row["versions"])
        return cls(
            stage=row["stage"],
            dataset=row["dataset"],
            config=json.loads(row["config"]),
            code_version=row["code_version"],
            run_id=row["run_id"],
            started_at=row["started_at"],
            status="killed",
            rows_in=row["rows_in"],
            rows_computed=computed,
            rows_reused=row["rows_reused"],
            ended_at=ended_at,
            read={table: found["read"] for table, found in versions.items() if found["read"] is not None},
            written=dict(written),
            reasons=json.loads(row.get("reasons") or "{}"),
            message="the process ended without a word: rerun to resume from what it committed",
        )

    def row(self, version: int, snapshot: Mapping[str, int]) -> pa.Table:
        """The record as a row of ``runs``."""
        now = datetime.now(UTC)
        tables = sorted({*self.read, *self.written})
        versions = {name: {"read": self.read.get(name), "written": self.written.get(name)} for name in tables}
        values = {
            "version": version,
            "committed_at": now,
            "run_id": self.run_id,
            "stage": self.stage,
            "dataset": self.dataset,
            "started_at": self.started_at,
            "seconds": ((self.ended_at or now) - self.started_at).total_seconds(),
            "status": self.status,
            "rows_in": self.rows_in,
            "rows_computed": self.rows_computed,
            "rows_reused": self.rows_reused,
            "reasons": json.dumps(self.reasons),
            "config": json.dumps(self.config, sort_keys=True),
            "versions": json.dumps(versions),
            "snapshot": json.dumps(dict(snapshot)),
            "message": self.message,
            "code_version": self.code_version,
            "host": json.dumps(host()),
            "cost": None if self.cost is None else json.dumps({**self.cost, **self._took()}),
        }
        return pa.Table.from_pylist([values], schema=layout.RUNS)

    def _took(self) -> dict[str, float]:
        """How long what does not grow with the work took, and what does."""
        working = {} if self.working is None else {"working": round(self.working, 3)}
        return {"ready": round(self.ready, 3), **working}


def host() -> dict[str, Any]:
    """What a run ran on: nothing secret, nothing of the user's."""
    return {
        "name": socket.gethostname(),
        "pid": os.getpid(),
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
    }


def commit(runs: Table, snapshot: Callable[[], dict[str, int]], record: RunRecord) -> int:
    """Append a record; the store's version counts up by one, whoever else commits meanwhile. Returns the version."""
    while True:
        tables = snapshot()  # moves every table on, this one too: the version is counted after it
        version = runs.transaction({}) + 1  # every commit of this table appends one row, under one transaction number
        try:
            runs.append(record.row(version, tables), record.run_id, scope={})
        except ConflictError:
            continue
        if runs.files().num_rows >= _COMPACT_AFTER:
            with suppress(ConflictError, StoreError):  # somebody else does it, or the next will
                runs.compact(record.run_id, TARGET_SIZE)
        return version
