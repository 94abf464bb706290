"""Kill each operation before a chosen file operation, or in the middle of a write: the rerun ends alike.

    python benchmarks/crashes.py --kills 12
    python benchmarks/crashes.py --kills 2 --only create,serialize,import,optimize,gc

A shim (``crash_shim.c``, compiled by ``cc``) counts the file operations below the store and kills the process before
the one that was drawn, or after half of a write. After each kill the store opens, ``check --repair`` leaves it clean,
the same command ends the work, and every table equals that of a store that was never disturbed. Then files of a
finished store are cut at a random byte: every view shows what was written, or says that it is damaged.
"""

import ctypes
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from benchmarks.kills import PRELOADED, alike, rows_of
from benchmarks.measure import parser
from llm4es.core.errors import StoreError
from llm4es_store import Store
from llm4es_store.check import check
from llm4es_store.finding import Level

SHIM = "LLM4ES_CRASH_SHIM"
NEVER = 10**9
DAY = 86_400


def words_of(operation: str, folder: Path) -> list[str]:
    """The command line of an operation, in a folder with a shop, a model and vectors made elsewhere."""
    recipe, model = str(folder / "shop/shop.toml"), str(folder / "model")
    return {
        "serialize": ["serialize", recipe],
        "enrich": ["enrich", recipe],
        "finetune": ["finetune", recipe, "--model", model, "--steps", "2", "--max-length", "64"],
        "embed": ["embed", recipe, "--model", model, "--k", "1,2", "--max-length", "64", "--layers", "keep"],
        "probe": ["probe", recipe, "--folds", "2", "--repeats", "1", "--features", "counts,majority"],
        "import": ["import", str(folder / "vectors.csv"), "--name", "foreign", "--dataset", "shop"],
        "optimize": ["optimize"],
        "gc": ["gc", "--older-than", "7"],
    }[operation]


OPERATIONS = ("create", "serialize", "enrich", "import", "finetune", "embed", "probe", "optimize", "gc")
"""In the order of the way: each begins where those before have ended."""


def work(operation: str, folder: Path, root: Path) -> None:
    """One operation on a store."""
    if operation == "create":
        Store(root, create=True)
        return
    from llm4es_cli.main import app

    app([*words_of(operation, folder), "--store", str(root), "-q"], standalone_mode=False)


def child(operation: str, folder: Path, root: Path, at: int, torn: bool, clock: int, told: Any) -> None:
    """The process that is killed; one that is not says how many file operations it made."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
    os.environ["LLM4ES_CACHE"] = str(folder / "cache")
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  (for as long as the process lives)
    shim = ctypes.CDLL(os.environ[SHIM])
    shim.crash_clock(ctypes.c_long(clock))
    shim.crash_arm(str(root).encode(), ctypes.c_long(at), int(torn))
    work(operation, folder, root)
    told.send(shim.crash_count())


class Crashes:
    """The harness: stores as they are before each operation, and kills in each."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.draw = folder, random.Random(seed)
        self._context: BaseContext = multiprocessing.get_context("forkserver")
        multiprocessing.set_forkserver_preload([__name__, *PRELOADED["quick"]])

    def prepare(self, operations: tuple[str, ...]) -> None:
        """The store before and after each operation, never disturbed."""
        from tests import shop, tiny

        shop.write(self.folder / "shop", 12)
        tiny.save(self.folder / "model")
        rows = "".join(f"c{i},{i},{i % 3}\n" for i in range(12))
        (self.folder / "vectors.csv").write_text("entity_id,a,b\n" + rows)
        store = self.folder / "calm"
        for operation in operations:
            shutil.copytree(store, self.before(operation)) if store.exists() else None
            if operation == "gc":
                self._grow_old(store, self.before(operation))
            self.run(operation, store)
            shutil.copytree(store, self.folder / "after" / operation)

    def before(self, operation: str) -> Path:
        """Where the store lies as it was before an operation."""
        return self.folder / "before" / operation

    def _grow_old(self, *roots: Path) -> None:
        """Something for gc to drop: what writers left long ago."""
        for root in roots:
            for name in ("tables/texts/old.parquet", "tables/labels/old.parquet", "models/old/weights"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("left over")
                for path in (root / name, (root / name).parent):
                    os.utime(path, (time.time() - 40 * DAY,) * 2)

    def run(self, operation: str, root: Path, at: int = NEVER, torn: bool = False, clock: int = 0) -> int | None:
        """File operations made; None: it was killed. Raises where it ended otherwise."""
        hear, tell = self._context.Pipe(duplex=False)
        arguments = (operation, self.folder, root, at, torn, clock, tell)
        process = self._context.Process(target=child, args=arguments)  # type: ignore[attr-defined]
        process.start()
        tell.close()
        process.join(600)
        if process.exitcode == -signal.SIGKILL:
            return None
        if process.exitcode != 0:
            raise RuntimeError(f"{operation} ended with {process.exitcode}")
        return int(hear.recv())

    def crash(self, operation: str, kills: int) -> dict[str, Any]:
        """Kill one operation so many times, each time from the start; what was seen."""
        expected = rows_of(self.folder / "after" / operation)
        root, faults, killed, torn_ones = self.folder / "store", list[str](), 0, 0
        total = self.run(operation, self._fresh(operation, root)) or 0
        for number in range(kills):
            at, torn = self.draw.randint(1, max(1, total)), bool(number % 2)
            self._fresh(operation, root)
            if self.run(operation, root, at, torn) is None:
                killed, torn_ones = killed + 1, torn_ones + torn
            where = f"{operation}, before file operation {at} of {total}{' (torn)' if torn else ''}"
            faults += [f"{where}: {fault}" for fault in self._after(operation, root, expected)]
        return {"operation": operation, "file operations": total, "kills": killed, "torn": torn_ones, "faults": faults}

    def _fresh(self, operation: str, root: Path) -> Path:
        shutil.rmtree(root, ignore_errors=True)
        if self.before(operation).exists():
            shutil.copytree(self.before(operation), root)
        return root

    def _after(self, operation: str, root: Path, expected: dict[str, Any]) -> list[str]:
        """What is wrong after a kill, and after the rerun."""
        faults = []
        if root.exists() and any(root.iterdir()):
            lost = [finding for finding in check(root) if finding.level is Level.DAMAGED]
            faults += [f"damaged: {finding.what} {finding.file}: {finding.finding}" for finding in lost]
            check(root, repair=True)
            faults += [f"left after a repair: {finding.what}: {finding.finding}" for finding in check(root)]
        try:
            self.run(operation, root)
        except RuntimeError as error:
            return [*faults, f"the rerun: {error}"]
        mine = rows_of(root)
        faults += [
            f"{view} differs from an undisturbed run" for view in expected if not alike(mine[view], expected[view])
        ]
        faults += [f"after the rerun: {f.what}: {f.finding}" for f in check(root) if f.level is Level.DAMAGED]
        statuses = {status for (status,) in Store(root).sql("SELECT DISTINCT status FROM runs").fetchall()}
        return faults + ([f"a run is {statuses}"] if "running" in statuses else [])

    def tear(self, finished: str, times: int) -> dict[str, Any]:
        """Cut files of a finished store at random: check says so, and every view is right or says that it is not."""
        whole = self.folder / "after" / finished
        expected, faults, told = rows_of(whole), [], 0
        for _ in range(times):
            root = self.folder / "store"
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(whole, root)
            files = sorted(path for path in (root / "tables").rglob("*") if path.is_file() and path.stat().st_size)
            victim = self.draw.choice(files)
            keep = self.draw.randrange(victim.stat().st_size)
            victim.write_bytes(victim.read_bytes()[:keep])
            where = f"{victim.relative_to(root)} cut to {keep} bytes"
            if victim.parent.name != "_checksums" and _is_needed(whole, root, victim) and not check(root):
                faults.append(f"{where}: check finds nothing")
            for view in expected:
                try:
                    rows = rows_of_view(root, view)
                except StoreError as error:
                    told += 1
                    if "\n" in str(error) or "damaged" not in str(error):
                        faults.append(f"{where}: {view}: {error}")
                else:
                    if not alike(rows, expected[view]):
                        faults.append(f"{where}: {view} shows other rows in silence")
        return {"operation": "torn files", "cuts": times, "views that said so": told, "faults": faults}

    def clock(self) -> dict[str, Any]:
        """A clock that was 60 days late while something was committed: gc keeps every version of the last days."""
        root, faults = self._fresh("import", self.folder / "store"), []
        self.run("import", root, clock=-60 * DAY)
        self.run("gc", root)
        store = Store(root)
        for version in store.record()["version"].to_pylist():
            try:
                store.sql("SELECT * FROM texts", at=version).fetchall()
                store.sql("SELECT * FROM embeddings", at=version).fetchall()
            except StoreError as error:
                faults.append(f"version {version}: {error}")
        faults += [f"{finding.what}: {finding.finding}" for finding in check(root)]
        return {"operation": "a clock that jumped", "versions read": len(store.record()), "faults": faults}


def rows_of_view(root: Path, view: str) -> list[dict[str, Any]]:
    """The rows of one view, as ``rows_of`` has them. Raises StoreError where it is damaged."""
    from benchmarks.kills import ordered
    from llm4es_store.sql import fetch

    return ordered(fetch(Store(root).sql(f'SELECT * EXCLUDE (run_id) FROM "{view}"')).to_pylist())


def _is_needed(whole: Path, root: Path, victim: Path) -> bool:
    """Whether a version that is live reads a file: gc may drop the others, and check leaves them alone."""
    if victim.suffix != ".parquet":
        return True
    table = victim.relative_to(root / "tables").parts
    name = "/".join(table[:2]) if table[0] == "events" else table[0]
    found = Store(whole).table(name)
    return found is not None and any(path.endswith(victim.name) for path in found.files()["path"].to_pylist())


def shim(folder: Path) -> Path:
    """The shim, compiled. Raises OSError where there is no compiler."""
    built = folder / "crash_shim.so"
    source = Path(__file__).with_name("crash_shim.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"], check=True)
    return built


def main() -> None:
    """Load the shim, kill, and print a row an operation."""
    options = parser(__doc__, "seed", kills=6)
    options.add_argument("--only", default=",".join(OPERATIONS), help="operations that are killed")
    options.add_argument("--cuts", type=int, default=20, help="files that are cut")
    asked = options.parse_args()
    if SHIM not in os.environ:  # again, with the shim in every process
        with tempfile.TemporaryDirectory() as built:
            path = str(shim(Path(built)))
            words = [sys.executable, "-m", "benchmarks.crashes", *sys.argv[1:]]
            sys.exit(subprocess.run(words, env=os.environ | {SHIM: path, "LD_PRELOAD": path}, check=False).returncode)
    began = time.monotonic()
    chosen = set(asked.only.split(","))
    last = max(place for place, name in enumerate(OPERATIONS) if name in chosen)
    with tempfile.TemporaryDirectory() as folder:
        crashes = Crashes(Path(folder), asked.seed)
        order = tuple(o for o in OPERATIONS[: last + 1] if o in chosen or o in ("create", "serialize", "import"))
        crashes.prepare(order)
        tests: list[Callable[[], dict[str, Any]]] = [
            *(partial(crashes.crash, operation, asked.kills) for operation in order if operation in chosen),
            partial(crashes.tear, order[-1], asked.cuts),
            crashes.clock,
        ]
        rows = []
        for test in tests:
            rows.append(test())
            print(json.dumps(rows[-1]), flush=True)
    print(json.dumps({"seconds": round(time.monotonic() - began, 1)}))
    sys.exit(any(row["faults"] for row in rows))


if __name__ == "__main__":
    main()
