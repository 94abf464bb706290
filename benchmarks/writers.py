"""Many processes writing to one store at once: every commit lands, keys stay unique, nobody waits for ever.

    python benchmarks/writers.py --processes 8

A third of the processes do the same stage for the same model over the same entities, a third the same stage for models
of their own, a third another stage; all read while the others write. Prints what was counted.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.measure import parser
from llm4es_store import TABLES, Store

ENTITIES = 8


def write(root: Path, number: int) -> None:
    """One process: plan and commit entity by entity, so that the processes meet as often as they can."""
    os.environ["OMP_NUM_THREADS"] = "1"
    store = Store(root, create=True)
    for step in range(ENTITIES):
        entity = f"e{(step + number) % ENTITIES}" if number % 3 == 0 else f"e{step}"
        base = {"entity_id": [entity], "source_hash": ["h"]}
        if number % 3 == 2:
            table, key = "texts", ("entity_id", "variant")
            scope: dict[str, str | int] = {"dataset": f"d{number}", "config_id": "c"}
            rows = pa.table({**base, "variant": ["raw"], "text": ["t"]})
        else:
            table, key = "embeddings", ("entity_id", "k")
            model = "shared" if number % 3 == 0 else f"m{number}"
            scope = {"dataset": "d", "model": model, "config_id": f"c-{model}"}
            vector = pa.array([[1.0, 2.0]], pa.list_(pa.float32()))
            rows = pa.table({**base, "k": pa.array([1], pa.int32()), "vector": vector})
        planned = [column for column in key if column != "variant"]
        plan = store.plan(table, scope, rows.select([*planned, "source_hash"]), planned)
        with store.run("stage", str(scope["dataset"]), {"number": number}, "0") as run:
            run.start_from(plan)
            if len(plan.todo):
                run.append(table, scope, rows, key)
        store.sql("SELECT count(*) FROM embeddings").fetchall()


def together(root: Path, processes: int, patience: float = 600) -> dict[str, Any]:
    """Let them write at once; what is in the store then, and what is wrong."""
    context = multiprocessing.get_context("forkserver")
    multiprocessing.set_forkserver_preload(["llm4es_store.store", "pyarrow.compute"])
    began = time.monotonic()
    workers = [context.Process(target=write, args=(root, number)) for number in range(processes)]
    for worker in workers:
        worker.start()
    faults = []
    for number, worker in enumerate(workers):
        worker.join(max(0.0, patience - (time.monotonic() - began)))
        if worker.exitcode != 0:
            faults.append(f"process {number} ended with {worker.exitcode}")
            worker.kill()
    store = Store(root)
    counted: dict[str, Any] = {"processes": processes, "seconds": round(time.monotonic() - began, 1)}
    for table in ("texts", "embeddings"):
        rows = store.sql(f"SELECT * FROM {table}").to_arrow_table()
        keys = Counter(zip(*(rows[column].to_pylist() for column in TABLES[table].key), strict=True))
        counted[table] = len(rows)
        faults += [f"{table}: key {key} is there {n} times" for key, n in keys.items() if n > 1]
    kinds = [number % 3 for number in range(processes)]
    expected = {
        "texts": ENTITIES * kinds.count(2),
        "embeddings": ENTITIES * (kinds.count(1) + bool(kinds.count(0))),
    }
    faults += [f"{table} has {counted[table]} rows, not {n}" for table, n in expected.items() if counted[table] != n]
    versions = store.record()["version"].to_pylist()
    if versions != list(range(1, len(versions) + 1)):
        faults.append("versions of the store are not 1, 2, ...")
    counted["runs"] = dict(store.sql("SELECT status, count(*) FROM runs GROUP BY 1").fetchall())
    if counted["runs"] != {"done": processes * ENTITIES}:
        faults.append(f"runs are {counted['runs']}, not {processes * ENTITIES} done")
    return counted | {"faults": faults}


def main() -> None:
    """Run it and print what it counted."""
    asked = parser(__doc__, processes=8).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counted = together(Path(folder) / "store", asked.processes)
    print(json.dumps(counted, indent=1))
    sys.exit(bool(counted["faults"]))


if __name__ == "__main__":
    main()
