"""Kill -9 at random moments, again and again: what was committed is readable, no key twice, the rerun finishes.

    python benchmarks/kills.py --kills 100
    python benchmarks/kills.py --kills 10 --level commands

At level ``store`` a child writes like every stage does: texts in small commits with stale ones dropped, vectors, labels
replaced, then a compaction. At level ``commands`` the child walks every writing command of ``llm4es`` itself over a
small shop, at level ``quick`` only those that are quick. The parent kills it at a random moment, checks the store, and
starts it again until it ends by itself; then a new round begins with other content, until there were enough kills. At
the end the store must equal one that was never disturbed.
"""

import json
import math
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.measure import parser
from llm4es.core.entities import among
from llm4es.core.errors import Llm4esError
from llm4es.core.tables import events_table, events_view
from llm4es_store import TABLES, Store
from llm4es_store.maintenance import optimize

SCOPE = {"dataset": "d", "config_id": "c"}
ENTITIES, COMMITS, WIDTH = 200, 8, 16


def content(version: int) -> dict[str, str]:
    """Entity -> content: of each version a fifth differs from the one before, some come and some go."""
    return {f"e{i}": f"{i}-{(version + i) // 5}" for i in range(version, ENTITIES + version)}


def write_store(root: Path, version: int) -> None:
    """Everything that stages do to a store, until it holds this version's content."""
    store = Store(root, create=True)
    now = content(version)
    rows = pa.table(
        {
            "entity_id": list(now),
            "variant": ["raw"] * len(now),
            "text": list(now.values()),
            "source_hash": list(now.values()),
        }
    )
    _stage(store, "serialize", "texts", SCOPE, rows, ["entity_id"], ("entity_id", "variant"))
    vectors = pa.table(
        {
            "entity_id": list(now),
            "k": pa.array([1] * len(now), pa.int32()),
            "vector": pa.array([[float(len(value))] * WIDTH for value in now.values()], pa.list_(pa.float32())),
            "source_hash": list(now.values()),
        }
    )
    _stage(store, "embed", "embeddings", {**SCOPE, "model": "m"}, vectors, ["entity_id", "k"], ("entity_id", "k"))
    labels = pa.table({"entity_id": list(now), "task": ["t"] * len(now), "label": list(now.values())})
    with store.run("probe", "d", {}, "0") as run:
        run.replace("labels", {"dataset": "d"}, labels)
    optimize(store, "0")


def _stage(
    store: Store,
    stage: str,
    table: str,
    scope: dict[str, Any],
    rows: pa.Table,
    planned: list[str],
    key: tuple[str, ...],
) -> None:
    plan = store.plan(table, scope, rows.select([*planned, "source_hash"]), planned, complete=True)
    if not len(plan.todo) and not len(plan.stale):
        return
    with store.run(stage, "d", {}, "0") as run:
        run.start_from(plan)
        run.drop(table, scope, plan.stale)
        todo = rows.filter(among(rows, plan.todo, planned))
        step = max(1, -(-len(todo) // COMMITS))
        for start in range(0, len(todo), step):
            run.append(table, scope, todo.slice(start, step), key)


def walk_commands(root: Path, version: int, leave_out: tuple[str, ...] = ()) -> None:
    """The stages of a small shop by the command line itself, with a model of random weights beside the store."""
    from llm4es_cli.main import app
    from tests import shop

    recipe = str(shop.write(root.parent / f"shop{version}", 12, dict.fromkeys(range(version % 12), f"tea{version}")))
    model, foreign = str(root.parent / "model"), root.parent / f"vectors{version}.csv"
    foreign.write_text("entity_id,a,b\n" + "".join(f"c{i},{i},{version if i < 3 else 0}\n" for i in range(12)))
    for words in (
        ["serialize", recipe],
        ["enrich", recipe],
        ["finetune", recipe, "--model", model, "--steps", "2", "--max-length", "64"],
        ["embed", recipe, "--model", model, "--k", "1,2", "--max-length", "64", "--layers", "keep"],
        ["import", str(foreign), "--name", "foreign", "--dataset", "shop"],
        ["probe", recipe, "--folds", "2", "--repeats", "1"],
        ["optimize"],
        ["gc", "--older-than", "7"],
    ):
        if words[0] not in leave_out:
            app([*words, "--store", str(root), "-q"], standalone_mode=False)


def walk_quickly(root: Path, version: int) -> None:
    """As ``walk_commands``, without what takes longest."""
    walk_commands(root, version, leave_out=("finetune", "gc"))


WORK: dict[str, Callable[[Path, int], None]] = {
    "store": write_store,
    "quick": walk_quickly,
    "commands": walk_commands,
}
_HEAVY = ["llm4es_cli.main", "llm4es.embed.embed", "llm4es.probe.probe", "transformers.models.llama.modeling_llama"]
PRELOADED = {
    "store": ["llm4es_store.store", "llm4es_store.maintenance", "pyarrow.compute"],
    "quick": ["llm4es_store.store", *_HEAVY],
    "commands": ["llm4es_store.store", *_HEAVY, "peft"],
}


def child(level: str, root: Path, version: int) -> None:
    """The process that is killed. It must not outlive its parent's patience, and is quiet."""
    os.environ["OMP_NUM_THREADS"] = "1"
    if (torch := sys.modules.get("torch")) is not None:  # preloaded: it has read the environment already
        torch.set_num_threads(1)
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  (for as long as the process lives)
    WORK[level](root, version)


def faults(root: Path) -> list[str]:
    """What is wrong with a store: rows that cannot be read, keys twice, versions lost."""
    if not (root / "tables" / "runs" / "_delta_log").exists():
        return []
    store, found = Store(root), []
    for table, spec in TABLES.items():
        key = ", ".join(spec.key)
        try:
            rows = store.sql(f"SELECT * FROM {table}").to_arrow_table() if table != "runs" else store.record()
        except Exception as error:
            found.append(f"{table} cannot be read: {error}")
            continue
        counts = Counter(zip(*(rows[column].to_pylist() for column in spec.key), strict=True))
        found += [f"{table}: key ({key}) = {value} is there {n} times" for value, n in counts.items() if n > 1]
    versions = store.record()["version"].to_pylist()
    if versions != list(range(1, len(versions) + 1)):
        found.append(f"versions of the store are {versions}")
    return found


def rows_of(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Every table's rows without what differs from run to run, or names a folder; in the order of all but numbers."""
    store = Store(root)
    views = [table for table in TABLES if table not in ("runs", "models", "recipes")]
    views += [events_view(dataset) for dataset in store.datasets() if store.table(events_table(dataset))]
    rows = {view: store.sql(f"SELECT * EXCLUDE (run_id) FROM {view}").to_arrow_table().to_pylist() for view in views}
    return {view: ordered(rows[view]) for view in views}


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in the order of all but computed numbers."""
    return sorted(rows, key=_order)


def _order(row: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in row.items() if not _computed(value)}, default=str, sort_keys=True)


def _computed(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, list) and any(map(_computed, value)))


def alike(mine: Any, expected: Any) -> bool:
    """Whether values are equal; of numbers, up to what a matrix product rounds otherwise in other company."""
    if isinstance(expected, dict):
        return mine.keys() == expected.keys() and all(alike(mine[name], expected[name]) for name in expected)
    if isinstance(expected, list) and isinstance(mine, list):
        return len(mine) == len(expected) and all(map(alike, mine, expected))
    if isinstance(expected, float) and isinstance(mine, float):
        return math.isclose(mine, expected, rel_tol=1e-4, abs_tol=1e-4)
    return bool(mine == expected)


def harness(level: str, kills: int, folder: Path, seed: int = 0, longest: float | None = None) -> dict[str, Any]:
    """Kill until there were so many kills; what was seen."""
    context: BaseContext = multiprocessing.get_context("forkserver")
    multiprocessing.set_forkserver_preload([__name__, *PRELOADED[level]])
    draw = random.Random(seed)
    root, done = folder / "store", Counter[str]()
    problems: list[str] = []

    def start(where: Path, version: int) -> Any:
        process = context.Process(target=child, args=(level, where, version))  # type: ignore[attr-defined]
        process.start()
        return process

    def undisturbed(where: Path, version: int) -> float:
        began = time.monotonic()
        process = start(where, version)
        process.join(600)
        if process.exitcode != 0:
            problems.append(f"an undisturbed run of version {version} ended with {process.exitcode}")
        return time.monotonic() - began

    first = context.Process(target=int)  # type: ignore[attr-defined]
    first.start()  # what is preloaded takes longer than the work, whose length is measured below
    first.join()
    calm = folder / "calm" / "store"
    calm.parent.mkdir(parents=True)
    if level != "store":
        from tests import tiny

        tiny.save(folder / "model")
        shutil.copytree(folder / "model", calm.parent / "model")
    length = longest or undisturbed(calm, 0)
    version = 0
    while done["kills"] < kills and not problems:
        process = start(root, version)
        process.join(draw.uniform(0.0, length * 1.1))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            done["kills"] += 1
        elif process.exitcode != 0:
            problems.append(f"a rerun of version {version} ended with {process.exitcode}")
        else:
            done["ended by themselves"] += 1
            version += 1
        problems += faults(root)
        done["checks"] += 1
    undisturbed(root, version)
    for earlier in range(version + 1):
        undisturbed(calm, earlier)
    problems += faults(root)
    mine, expected = rows_of(root), rows_of(calm)
    problems += [
        f"{table} differs from an undisturbed run" for table in expected if not alike(mine[table], expected[table])
    ]
    statuses = Store(root).sql("SELECT status, count(*) FROM runs GROUP BY 1 ORDER BY 1").fetchall()
    rows = {table: len(found) for table, found in mine.items() if found}
    return {**done, "contents written": version + 1, "runs": dict(statuses), "rows compared": rows, "faults": problems}


def main() -> None:
    """Run the harness and print what it counted."""
    options = parser(__doc__, "seed", kills=100)
    options.add_argument("--level", choices=list(WORK), default="store", help="what the child does")
    asked = options.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            counted = harness(asked.level, asked.kills, Path(folder), asked.seed)
        except Llm4esError as error:
            sys.exit(f"error: {error}")
    print(json.dumps(counted | {"seconds": round(time.monotonic() - began, 1)}, indent=1))
    sys.exit(bool(counted["faults"]))


if __name__ == "__main__":
    main()
