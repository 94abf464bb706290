"""What Ray costs beside processes of this machine, and that nothing is lost of it: rows, ratios, memory, kills.

    python -m benchmarks.cluster                                      # the built-in model on two cores, minutes each
    python -m benchmarks.cluster --only overhead --users 400 --repeats 2
    python -m benchmarks.cluster --only everybody --many 200000       # serialize, enrich, embed by random weights
    python -m benchmarks.cluster --only kills --kills 10              # of each: a worker, Ray's raylet, the command

Every command runs in a process of its own on a copy of the same store. ``overhead`` gives one process, two, and two
workers on Ray as many threads in all, in turns; ratios by the clock count, start included. ``kills`` ends a process by
SIGKILL at a random moment, starts the command again where it ended, and holds its rows against those of a store that
was left in peace.
"""

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.growth_data import NAME, raw_files
from benchmarks.kills import faults
from benchmarks.measure import parser
from benchmarks.watched import Watched
from llm4es_store import Store
from tests import tiny

HOW = {
    "one process": (),
    "two processes": ("--workers", "2"),
    "two workers on Ray": ("--executor", "ray", "--workers", "2"),
}
RAY = HOW["two workers on Ray"]

EVENTS = 20
"""Of each user."""

READ = "SELECT sum(n_tokens) FROM embeddings"
"""Each k has the tokens of the one pass that gives all."""


def rows_of(root: Path, table: str) -> pa.Table:
    """Rows without what differs from run to run."""
    return Store(root).sql(f"SELECT * EXCLUDE (run_id) FROM {table} ORDER BY ALL").to_arrow_table()


def alike(mine: Path, expected: Path, *tables: str) -> str:
    """Whether two stores have the same rows, and how many; where numbers differ, the largest difference."""
    said = []
    for table in tables:
        rows, others = rows_of(mine, table), rows_of(expected, table)
        keys = [name for name in rows.column_names if name != "vector"]
        became = "DIFFERENT"
        if rows.equals(others):
            became = "equal"
        elif rows.select(keys).equals(others.select(keys)):
            numbers = (np.concatenate(each["vector"].to_numpy()) for each in (rows, others))
            became = f"equal but for numbers, by {np.abs(np.subtract(*numbers)).max():.1g} at most"
        said.append(f"{table} {len(rows):,} {became}")
    return ", ".join(said)


def done(store: Path, words: tuple[object, ...], threads: int = 1) -> Watched:
    """Run a command to its end, which has to be a good one."""
    watched = Watched.start(*words, "--store", store, threads=threads)
    if (said := watched.ended()) or watched.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {said}")
    return watched


def serialized(folder: Path, users: int) -> Path:
    """A store with everybody's texts."""
    raw_files(folder, users, EVENTS)
    done(folder / "store", ("serialize", folder / "recipe.toml"), threads=2)
    return folder / "store"


def overhead(folder: Path, users: int, model: str, repeats: int) -> None:
    """The same embed by one process, by two, and by two workers on Ray."""
    plain, best = serialized(folder, users), dict[str, Watched]()
    words = ("embed", NAME, "--model", model, "--max-length", 256)
    for turn in range(repeats):
        for name, how in HOW.items():
            shutil.copytree(plain, store := folder / f"{name}-{turn}".replace(" ", "-"))
            took = done(store, (*words, *how), threads=2 if name == "one process" else 1)
            if name not in best or took.seconds < best[name].seconds:
                best[name] = took
            print(f"{name}: {took.seconds:.1f} s", file=sys.stderr, flush=True)
    first = folder / "one-process-0"
    ((tokens,),) = Store(first).sql(f"{READ} WHERE k = (SELECT min(k) FROM embeddings)").fetchall()
    print(f"\n`embed`, {users:,} users, {tokens:,} tokens, {model}; best of {repeats}:\n")
    print("| | s by the clock | tokens/s | of one process | processor s | MiB a worker | MiB of the command | rows |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    for name, took in best.items():
        rate, ratio = tokens / took.seconds, best["one process"].seconds / took.seconds
        memory = " | ".join(f"{took.peaks[kind]:,.0f}" if kind in took.peaks else "" for kind in ("worker", "command"))
        equal = alike(folder / f"{name.replace(' ', '-')}-0", first, "embeddings")
        print(f"| {name} | {took.seconds:.1f} | {rate:,.0f} | {ratio:.2f} | {took.cpu:.1f} | {memory} | {equal} |")


def everybody(folder: Path, users: int) -> None:
    """Every stage that runs on Ray, of many users, by a network of random weights."""
    model = tiny.save(folder / "model")
    raw_files(folder, users, EVENTS)
    events = ("embed", NAME, "--model", model, "--max-length", 256)
    stages: dict[str, tuple[object, ...]] = {
        "serialize": ("serialize", folder / "recipe.toml"),
        "enrich": ("enrich", NAME, "--variants", 1),
        "embed": ("embed", NAME, "--model", model, "--max-length", 32, "--k", 1),
        "embed events": (*events, "--history", "events", "--by", "item", "--k", 1),
    }
    print(f"\n{users:,} users x {EVENTS} events, a network of random weights:\n")
    print("| command | one process, s | two workers on Ray, s | MiB a worker | MiB of the command | MiB of Ray's own |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, words in stages.items():
        one = done(folder / "local", (*words, *HOW["one process"]), threads=2)
        ray = done(folder / "ray", (*words, *RAY))
        memory = " | ".join(f"{ray.peaks[kind]:,.0f}" for kind in ("worker", "command", "ray"))
        print(f"| `{name}` | {one.seconds:.1f} | {ray.seconds:.1f} | {memory} |", flush=True)
    print(f"\n{alike(folder / 'ray', folder / 'local', 'texts', 'embeddings', 'event_vectors')}")


def kills(folder: Path, users: int, times: int, seed: int) -> None:
    """Kill a worker, Ray's raylet, or the command itself, at random moments."""
    draw, model = random.Random(seed), tiny.save(folder / "model")
    plain = serialized(folder, users)
    words = ("embed", NAME, "--model", model, "--max-length", 64, "--k", "1,2", *RAY)
    shutil.copytree(plain, calm := folder / "calm")
    length = done(calm, words).seconds
    print(f"\n`embed` of {users:,} users, killed at random moments of its {length:.0f} s, then started again:\n")
    print("| killed | times | went on by itself | ended with a line | died | rows kept by then | in the end | faults |")
    print("|---|--:|--:|--:|--:|--:|---|---|")
    for kind in ("worker", "raylet", "command"):
        counted, kept, found = Counter[str](), list[int](), set[str]()
        while counted["killed"] < times:
            shutil.copytree(plain, store := folder / "killed")
            watched = Watched.start(*words, "--store", store)
            hit = watched.kill(kind, draw.uniform(0, length))
            said = watched.ended()
            counted["killed"] += hit
            counted[_became(watched, said)] += hit
            kept += [len(rows_of(store, "embeddings"))] * hit
            found |= {*faults(store), *([said] if "Traceback" in said else [])}
            done(store, words)
            counted[alike(store, calm, "embeddings")] += hit
            found |= set(faults(store))
            shutil.rmtree(store)
        numbers = " | ".join(str(counted.pop(column, 0)) for column in ("killed", "went on", "ended", "died"))
        ends = ", ".join(f"{times} x {what}" for what, times in counted.items())
        print(
            f"| {kind} | {numbers} | {min(kept):,} to {max(kept):,} | {ends} | {'; '.join(found) or 'none'} |",
            flush=True,
        )


def _became(watched: Watched, said: str) -> str:
    """What became of a command one of whose processes was killed."""
    if watched.returncode == 0:
        return "went on"
    return "ended" if said and watched.returncode > 0 else "died"


def main() -> None:
    """Run the parts that were asked for."""
    options = parser(__doc__, "model", "repeats", "seed", users=400, many=200_000, kills=10)
    options.add_argument("--only", nargs="+", choices=["overhead", "everybody", "kills"])
    asked = options.parse_args()
    parts: dict[str, Callable[[Path], None]] = {
        "overhead": lambda folder: overhead(folder, asked.users, asked.model, asked.repeats),
        "everybody": lambda folder: everybody(folder, asked.many),
        "kills": lambda folder: kills(folder, 10 * asked.users, asked.kills, asked.seed),
    }
    for part in asked.only or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[part](Path(folder))


if __name__ == "__main__":
    main()
