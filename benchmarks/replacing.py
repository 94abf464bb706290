"""Three ways of replacing some rows of a table, side by side: processor seconds, bytes written, commits, peak memory.

    python benchmarks/replacing.py --entities 1000000 --width 64

Each way starts from the same table, replaces the same rows of it, drawn at random, and runs in a process of its own.
Two are the Delta library's: a delete for every 2,000 keys, named in its condition, then an append (what the store did
before); and one merge. The third is the store's: the files that hold a key are read and written anew without it, and
the log is told in one commit. All three must leave the same rows.
"""

import argparse
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from benchmarks.measure import parser, peak_mb
from llm4es_store import Store
from llm4es_store.parquet import numbers_of, properties

SCOPE = {"dataset": "d", "model": "a", "config_id": "c"}
KEYS = ("entity_id", "k")
AT_ONCE = 2000
"""Keys that a delete names."""


def rows_of(ids: "np.ndarray[Any, np.dtype[np.int64]]", width: int, version: str) -> pa.Table:
    """Vectors of these entities; their hash says of which version they are."""
    seed = int(version.encode().hex(), 16)
    matrix = np.random.default_rng(seed).standard_normal((len(ids), width), dtype=np.float32)  # (N, D)
    offsets = np.arange(0, matrix.size + 1, width, dtype=np.int32)
    return pa.table(
        {
            "entity_id": [f"user-{i:08d}" for i in ids],
            "k": pa.array(np.ones(len(ids), np.int32)),
            "vector": pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel())),
            "source_hash": [f"{version}{i:063x}" for i in ids],
        }
    )


def build(root: Path, entities: int, width: int, files: int) -> None:
    """The table before."""
    store = Store(root, create=True)
    with store.run("embed", "d", {}, "0") as run:
        for ids in np.array_split(np.arange(entities), files):
            run.append("embeddings", SCOPE, rows_of(ids, width, "a"), KEYS)


def delete_and_append(root: Path, stale: pa.Table, new: pa.Table) -> None:
    """Deletes that name their keys, then an append."""
    table = DeltaTable(str(root / "tables/embeddings"))
    for start in range(0, len(stale), AT_ONCE):
        part = stale.slice(start, AT_ONCE)
        ids, hashes = (", ".join(f"'{value}'" for value in part[column].to_pylist()) for column in part.column_names)
        table.delete(f"dataset = 'd' AND model = 'a' AND entity_id IN ({ids}) AND source_hash IN ({hashes})")
    rows = whole(table, new)
    write_deltalake(table, rows, mode="append", writer_properties=properties(rows.schema, numbers_of(rows)))


def merge(root: Path, stale: pa.Table, new: pa.Table) -> None:
    """One merge: a row of a stale key gets its new content."""
    table = DeltaTable(str(root / "tables/embeddings"))
    rows = whole(table, new)
    same = " AND ".join(
        f"old.{column} = new.{column}" for column in ("dataset", "model", "k", "config_id", "entity_id")
    )
    table.merge(
        rows,
        predicate=f"{same} AND old.dataset = 'd' AND old.model = 'a' AND old.k = 1",
        source_alias="new",
        target_alias="old",
        writer_properties=properties(rows.schema, numbers_of(rows)),
    ).when_matched_update_all().when_not_matched_insert_all().execute()


def rewrite(root: Path, stale: pa.Table, new: pa.Table) -> None:
    """The store's way."""
    store = Store(root)
    with store.run("embed", "d", {}, "0") as run:
        run.replace_rows("embeddings", SCOPE, stale, new, KEYS)


def whole(table: DeltaTable, rows: pa.Table) -> pa.Table:
    """Rows in all the table's columns."""
    schema = pa.schema(table.schema().to_arrow())
    fixed = SCOPE | {"run_id": "r"}
    columns = [
        rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.repeat(pa.scalar(fixed[field.name], field.type), len(rows))
        if field.name in fixed
        else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


WAYS: dict[str, Callable[[Path, pa.Table, pa.Table], None]] = {
    "delete + append": delete_and_append,
    "merge": merge,
    "files rewritten": rewrite,
}


def worked(name: str, root: Path, stale: pa.Table, new: pa.Table, told: Any) -> None:
    """One way in a process of its own: what it took."""
    before, cpu = high_water(), time.process_time()
    WAYS[name](root, stale, new)
    told.put((time.process_time() - cpu, high_water() - before))


def high_water() -> float:
    """The most memory that this process has had: MiB. What ``getrusage`` tells of a new process is its parent's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_mb()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def size(root: Path) -> dict[Path, int]:
    """Data files and their bytes."""
    return {path: path.stat().st_size for path in (root / "tables/embeddings").rglob("*.parquet")}


def main() -> None:
    """Measure, and print the table."""
    asked = parser(__doc__, "seed", entities=50_000, width=64, share=0.01, files=10).parse_args()
    drawn = np.random.default_rng(asked.seed).permutation(asked.entities)[: max(1, int(asked.entities * asked.share))]
    changed = np.sort(drawn)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), asked, changed)


def compare(folder: Path, asked: argparse.Namespace, changed: "np.ndarray[Any, np.dtype[np.int64]]") -> None:
    """The table's lines."""
    build(folder / "before", asked.entities, asked.width, asked.files)
    stale = rows_of(changed, 1, "a").select(["entity_id", "source_hash"])
    new = rows_of(changed, asked.width, "b")
    held = sum(size(folder / "before").values()) / 2**20
    print(f"{asked.entities} x {asked.width} in {asked.files} files, {held:.0f} MiB; {len(changed)} rows replaced")
    print(f"{'':<16} {'processor':>10} {'ratio':>6} {'written':>10} {'of table':>9} {'commits':>8} {'memory':>10}")
    least: float | None = None
    for name in reversed(WAYS):
        root = folder / "work"
        shutil.copytree(folder / "before", root)
        there, version = size(root), DeltaTable(str(root / "tables/embeddings")).version()
        told: Any = multiprocessing.get_context("spawn").Queue()
        process = multiprocessing.get_context("spawn").Process(target=worked, args=(name, root, stale, new, told))
        process.start()
        cpu, grown = told.get()
        process.join()
        table = DeltaTable(str(root / "tables/embeddings"))
        hashes = table.to_pyarrow_table(columns=["source_hash"])["source_hash"].to_pylist()
        if sorted(hashes) != expected(asked.entities, changed):
            raise AssertionError(f"{name} leaves other rows")
        written = sum(bytes_ for path, bytes_ in size(root).items() if path not in there) / 2**20
        least = cpu if least is None else least
        print(
            f"{name:<16} {cpu:8.2f} s {cpu / least:6.1f} {written:6.0f} MiB {written / held:8.2f}x "
            f"{table.version() - version:8d} {grown:6.0f} MiB",
            flush=True,
        )
        shutil.rmtree(root)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"(building and checking besides: {usage.ru_utime + usage.ru_stime:.0f} s)")


def expected(entities: int, changed: "np.ndarray[Any, np.dtype[np.int64]]") -> list[str]:
    """Every entity's hash, in order."""
    new = set(changed.tolist())
    return sorted(f"{'b' if i in new else 'a'}{i:063x}" for i in range(entities))


if __name__ == "__main__":
    main()
