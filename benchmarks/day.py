"""The daily job: a folder of events that grows, ``llm4es run`` each day, and what a day costs beside the first build.

    python -m benchmarks.day                                   # 20,000 users x 20 events, three days of 1 %
    python -m benchmarks.day --users 1000000 --finetune none   # minutes to an hour
    python -m benchmarks.day --days 7 --retune-on 3 --kill-on 5

Every day 1 % of the users have one event more, of a kind that is known; some are new. The recipe says ``mode =
"append"``, each event is read once (``--history events``) by the built-in model. ``--retune-on`` tunes the model anew
on that day; ``--kill-on`` kills that day's job as each of its stages begins, then runs it. The last lines hold every
table against a store that is built at once from all files: rows exactly, vectors up to rounding.

A row a day: processor seconds of the command, its most memory, the store's size, and what each stage computed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import sleep
from typing import Any

import duckdb

from benchmarks.measure import command, parser
from llm4es_store import Store

RECIPE = """
name = "growing"
item = "product"

[tables.events]
path = "day-*.parquet"

[tables.customers]
path = "customers.parquet"

[events]
entity = "customer"
time = { from = "bought_at" }
mode = "append"
key = ["receipt"]

[[fields]]
name = "product"

[[fields]]
name = "receipt"
in_text = false

[texts]
by = ["product"]

[tasks.loyal]
kind = "binary"
table = "customers"
entity = "customer"
label = "loyal"
"""

EQUAL = {
    "events": "SELECT * EXCLUDE (run_id) FROM events_growing",
    "texts": "SELECT * EXCLUDE (run_id) FROM texts",
    "labels": "SELECT * EXCLUDE (run_id) FROM labels",
    "splits": "SELECT * EXCLUDE (run_id) FROM splits",
    "event_vectors": "SELECT event_hash, model, layer, config_id, vector FROM event_vectors "
    "WHERE model NOT LIKE '%-growing%'",
    "embeddings": "SELECT entity_id, model, k, config_id, source_hash, vector FROM embeddings "
    "WHERE model NOT LIKE '%-growing%'",
    "probes": "SELECT task, features, probe, metric, n, [value, ci_low, ci_high] AS vector FROM probes "
    "WHERE features NOT LIKE '%-growing%'",
}
"""What has to be the same in a store that is built at once; ``vector`` up to rounding, everything else exactly.

A model that was tuned on the texts of another day is another model.
"""

KILLED = ("serialize", "enrich", "finetune", "embed", "probe")
"""Where ``--kill-on`` kills that day's job, once in each."""


class Folder:
    """A shop's files, day by day, and its recipe."""

    def __init__(self, folder: Path, users: int, events: int, kinds: int, labelled: int) -> None:
        self.folder, self.users, self.kinds = folder, users, kinds
        folder.mkdir()
        self.recipe = folder / "growing.toml"
        self.recipe.write_text(RECIPE)
        self.duckdb = duckdb.connect()
        self._write(0, f"range({users * events})", f"range // {events}", f"range % {events}")
        self.duckdb.execute(
            f"COPY (SELECT 'c' || range AS customer, hash(range) % 2 = 0 AS loyal FROM range({labelled})) "
            f"TO '{folder / 'customers.parquet'}' (FORMAT parquet)"
        )

    def day(self, day: int, share: float) -> None:
        """One event more of a share of the users, and a few users that nobody knows."""
        n = max(1, round(share * self.users))
        self._write(
            day, f"range({n})", f"(range * 7919 + {day} * 104729) % {round(self.users * (1 + share / 20))}", "1000"
        )

    def _write(self, day: int, rows: str, customer: str, at: str) -> None:
        """Kinds are as popular as in a shop: few are bought by most."""
        kind = f"CAST(floor({self.kinds} * pow((hash(range, {day}) % 1000000) / 1000000, 3)) AS INTEGER)"
        self.duckdb.execute(
            f"COPY (SELECT 'c' || ({customer}) AS customer, {day} * 10000000000 + range AS receipt, "
            f"'product ' || {kind} AS product, TIMESTAMP '2026-01-01' + to_hours(CAST({at} + {day} * 2000 AS INTEGER)) "
            f"AS bought_at FROM {rows}) TO '{self.folder / f'day-{day:03d}.parquet'}' (FORMAT parquet)"
        )


def size_mb(store: Path) -> float:
    """Everything below a folder, MiB."""
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) / 2**20


def computed(store: Path, since: int) -> str:
    """What each stage computed in the runs after a version of the record."""
    rows = Store(store).sql(
        "SELECT stage, sum(rows_computed), sum(rows_reused) FROM runs "
        f"WHERE version > {since} AND rows_in IS NOT NULL GROUP BY stage ORDER BY min(version)"
    )
    return ", ".join(f"{stage} {int(n or 0):,}" for stage, n, _ in rows.fetchall())


def version(store: Path) -> int:
    """The newest version of the store; 0 before there is one."""
    if not store.exists():
        return 0
    return int(Store(store).sql("SELECT coalesce(max(version), 0) FROM runs").fetchall()[0][0])


def killed(stage: str, words: list[object], store: Path) -> str:
    """Start the command and kill it as soon as a stage has begun; what of the stage had been committed."""
    before = version(store)
    argv = [sys.executable, "-m", "llm4es_cli.main", *map(str, words)]
    begun = f"SELECT count(*) FROM runs WHERE version > {before} AND stage = '{stage}'"
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not Store(store).sql(begun).fetchall()[0][0]:
            sleep(0.1)
        process.kill()
    return f"killed in {stage}, after {computed(store, before) or 'nothing'}"


def main() -> None:
    options = parser(
        __doc__, "model", "max_length", users=20_000, events=20, kinds=300, labelled=600, days=3, share=0.01,
        finetune="5", retune_on=0, kill_on=0,
    ).parse_args()  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="llm4es-day-") as place:
        folder = Folder(Path(place) / "raw", options.users, options.events, options.kinds, options.labelled)
        store, at_once = Path(place) / "store", Path(place) / "at-once"
        words = ["run", folder.recipe, "--model", options.model, "--history", "events", "--quiet"]
        words += ["--max-length", options.max_length, "--finetune", options.finetune]
        first = 0.0
        print("day | processor s | of the first | peak MiB | store MiB | computed", flush=True)
        for day in range(options.days + 1):
            if day:
                folder.day(day, options.share)
            before = version(store)
            asked = [*words, "--store", store, *(["--retune"] if day and day == options.retune_on else [])]
            for stage in KILLED if day and day == options.kill_on else ():
                print(f"{day} | {killed(stage, asked, store)}", flush=True)
            took = command(*asked)
            first = first or took.cpu
            print(
                f"{day} | {took.cpu:.1f} | {took.cpu / first:.2f} | {took.peak_mb:,.0f} | {size_mb(store):,.0f} | "
                f"{computed(store, before)}",
                flush=True,
            )
        once = command(*words, "--store", at_once)
        print(f"at once | {once.cpu:.1f} | {once.cpu / first:.2f} | {once.peak_mb:,.0f} | {size_mb(at_once):,.0f} |")
        print("table | rows | not in the store built at once | lacking | largest difference of a number")
        for table, query in EQUAL.items():
            print(f"{table} | {differences(store, at_once, query)}")


def differences(grown: Path, at_once: Path, query: str) -> str:
    """Rows that one of two stores has and the other has not, and how far apart the vectors of equal rows are."""
    one, other = (Store(place).sql(query).to_arrow_table() for place in (grown, at_once))
    exact = ", ".join(f'"{name}"' for name in one.column_names if name != "vector")
    with duckdb.connect() as connection:
        connection.register("one", one)
        connection.register("other", other)

        def single(query: str) -> Any:
            return connection.execute(query).fetchall()[0][0]

        count = "SELECT count(*) FROM (SELECT {0} FROM {1} EXCEPT ALL SELECT {0} FROM {2})"
        extra, lacking = single(count.format(exact, "one", "other")), single(count.format(exact, "other", "one"))
        apart = "list_max(list_transform(list_zip(one.vector, other.vector), lambda pair: abs(pair[1] - pair[2])))"
        found = (
            single(f"SELECT max({apart}) FROM one JOIN other USING ({exact})") if "vector" in one.column_names else 0
        )
    return f"{len(one):,} | {extra} | {lacking} | {found:.1g}"


if __name__ == "__main__":
    main()
