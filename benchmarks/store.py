"""The store against the plain thing, as ratios in one run: joins, look-ups, reruns, commits, neighbours.

    python benchmarks/store.py --entities 1000000 --width 256

Each line compares the store with the same work done by hand on the same machine in the same minute; absolute seconds
are shown for orientation only. Both may use the same memory (``--memory-limit``) and spill beyond it.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import CLOCKS, Clock, parser, peak_mb
from llm4es.core.limits import Limits
from llm4es.features.feature_set import FeatureSet
from llm4es.features.neighbours import nearest
from llm4es_store import Store

COMMITS = 100
ASKED = 16
"""Entities whose neighbours are looked for."""

CLOCK: Clock = CLOCKS["wall"]

JOIN = "SELECT avg(list_cosine_similarity(a.vector, b.vector)) FROM ({a}) a JOIN ({b}) b USING (entity_id)"
OURS = "FROM embeddings WHERE dataset = 'd' AND model = '{model}' AND k = 1"
KEYS = ("entity_id", "k")


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(repeats):
        began = CLOCK()
        work()
        taken.append(CLOCK() - began)
    return statistics.median(taken)


def in_turns(mine: Callable[[], object], theirs: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """The best of a few runs of each, in turns: a busy machine slows both."""
    taken = [(seconds(mine, 1), seconds(theirs, 1)) for _ in range(repeats)]
    return min(pair[0] for pair in taken), min(pair[1] for pair in taken)


def vectors(n: int, width: int, seed: int) -> pa.Table:
    """Random vectors with ids of a realistic length."""
    matrix = np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)  # (N, D)
    offsets = np.arange(0, matrix.size + 1, width, dtype=np.int32)
    return pa.table(
        {
            "entity_id": [f"user-{i:08d}" for i in range(n)],
            "k": pa.array(np.ones(n, np.int32)),
            "vector": pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel())),
            "source_hash": [f"{i:064x}" for i in range(n)],
        }
    )


def scope(model: str) -> dict[str, str | int]:
    """The rows of one model."""
    return {"dataset": "d", "model": model, "config_id": "c"}


def fill(store: Store, model: str, rows: pa.Table) -> float:
    """Append in many commits; seconds of the appends alone, without the compaction that follows."""
    plan = store.plan("embeddings", scope(model), rows.select([*KEYS, "source_hash"]), KEYS)
    with store.run("embed", "d", {}, "0") as run:
        run.start_from(plan)
        run.begin()
        began = CLOCK()
        step = -(-len(rows) // COMMITS)
        for start in range(0, len(rows), step):
            run.append("embeddings", scope(model), rows.slice(start, step), KEYS)
        return CLOCK() - began


def keep_texts(store: Store, rows: pa.Table) -> None:
    """A short raw text an entity."""
    n = len(rows)
    texts = {"entity_id": rows["entity_id"], "variant": ["raw"] * n, "text": rows["entity_id"]}
    hashes = {"text_hash": rows["source_hash"], "source_hash": rows["source_hash"]}
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", {"dataset": "d", "config_id": "c"}, pa.table(texts | hashes), ("entity_id", "variant"))


def rerun(store: Store) -> None:
    """What ``embed`` does where nothing is left to do: the texts' hashes, and the plan."""
    query = """SELECT entity_id, text_hash AS source_hash FROM texts
        WHERE dataset = 'd' AND variant = 'raw' AND config_id = 'c' ORDER BY entity_id"""
    hashes = store.sql(query).to_arrow_table()
    wanted = hashes.append_column("k", pa.array(np.ones(len(hashes), np.int32)))
    plan = store.plan("embeddings", scope("a"), wanted, KEYS, complete=True)
    if len(plan.todo) or len(plan.stale):
        raise AssertionError(f"the rerun would compute {plan.why}")


def read_keys(store: Store) -> None:
    """The key columns that such a rerun cannot do without, of the texts and of the vectors."""
    store.sql("SELECT entity_id, text_hash FROM texts WHERE dataset = 'd' AND variant = 'raw'").to_arrow_table()
    store.sql(f"SELECT entity_id, k, source_hash {OURS.format(model='a')}").to_arrow_table()


def line(what: str, mine: float, theirs: float, *, least: float | None = None, most: float | None = None) -> None:
    """One row of the table: at least so many times as fast as by hand, or at most so many times the seconds."""
    ratio = theirs / mine if least is not None else mine / theirs
    target = f">= {least:g}" if least is not None else f"<= {most:g}"
    good = ratio >= least if least is not None else ratio <= (most or 0)
    print(f"{what:<62} {mine:9.3f} s {theirs:9.3f} s {ratio:7.2f} {target:>8} {'yes' if good else 'NO'}", flush=True)


def main() -> None:
    """Measure, and print the table."""
    asked = parser(__doc__, "clock", entities=1_000_000, width=256, memory_limit="4GB").parse_args()
    global CLOCK
    CLOCK = CLOCKS[asked.clock]
    print(f"{asked.entities} entities x {asked.width}, {asked.memory_limit} for DuckDB, {asked.clock} time")
    print(f"{'':<62} {'store':>11} {'by hand':>11} {'ratio':>7} {'target':>8} reached")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.entities, asked.width, asked.memory_limit)
    size = asked.entities * asked.width * 4 / 2**20
    print(f"peak memory of the whole run: {peak_mb():.0f} MiB; one model's vectors are {size:.0f} MiB")


def measure(root: Path, n: int, width: int, memory: str) -> None:
    """The table's rows, one after the other."""
    limits = Limits(memory=memory)
    store = Store(root / "store", create=True, limits=limits)
    Store(root / "empty", create=True)
    for seed, model in enumerate(("a", "b")):
        rows = vectors(n, width, seed)
        plain = seconds(lambda rows=rows, model=model: pq.write_table(rows, root / f"{model}.parquet"), 1)  # type: ignore[misc]
        committed = fill(store, model, rows)
    line(f"{COMMITS} commits of the vectors / one Parquet write, as throughput", committed, plain, least=0.7)
    keep_texts(store, rows)
    del rows

    by_hand = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(root / "spill")})
    hand_sql = JOIN.format(a=f"FROM '{root}/a.parquet'", b=f"FROM '{root}/b.parquet'")
    our_sql = JOIN.format(a=OURS.format(model="a"), b=OURS.format(model="b"))
    times = in_turns(lambda: store.sql(our_sql).fetchall(), lambda: by_hand.sql(hand_sql).fetchall())
    line("cosine of two models' vectors, joined / over plain Parquet", *times, most=1.15)
    print(f"(peak memory until then: {peak_mb():.0f} MiB)")

    one = f"SELECT vector FROM embeddings WHERE model = 'a' AND k = 1 AND entity_id = 'user-{n // 2:08d}'"
    mine = seconds(lambda: Store(root / "store").sql(one).fetchall(), 5)
    theirs = seconds(lambda: Store(root / "empty").sql("FROM embeddings").fetchall(), 5)
    line("one vector from a fresh store / opening an empty one", mine, theirs, most=3)
    line(
        "a rerun with nothing to do / reading its keys",
        *in_turns(lambda: rerun(store), lambda: read_keys(store)),
        most=2,
    )

    began = CLOCK()
    ids, matrix = store.matrix("d", model="a", k=1)  # (N, D)
    loaded = CLOCK() - began
    features = FeatureSet("a@1", ids.to_pylist(), matrix, "a", 1, frozenset(), "h")
    entities = [f"user-{i:08d}" for i in range(ASKED)]
    mine = seconds(lambda: nearest(features, entities, 10), 1) / ASKED
    query = "SELECT * FROM nearest('d', '{}', 'a', 1, 10)"
    theirs = seconds(lambda: [store.sql(query.format(entity)).fetchall() for entity in entities[:2]], 1) / 2
    line("top 10 of one entity, of 16 at once / by SQL macro", mine, theirs, least=5)
    print(f"(loading the matrix from the store: {loaded:.2f} s)")


if __name__ == "__main__":
    main()
