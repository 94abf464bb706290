"""``llm4es embed`` with several processes against one: by the clock, start-up included, the same threads in all.

    python benchmarks/workers.py                           # built-in model, 2 cores
    python benchmarks/workers.py --workers 4 --cores 4 --customers 400

A shop's histories of uneven lengths are serialized once; each contestant embeds a copy of that store as a command in a
process of its own, one after the other, in turns, so that a busy machine slows all of them; the best of the turns
counts. The vectors of all are compared.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import parser
from llm4es import Project
from llm4es_store import Store
from tests import shop


def seconds(command: list[str], threads: int) -> tuple[float, float]:
    """By the clock, and of processors, of a command of llm4es that may have so many threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    code = "from llm4es_cli.main import main; main()"
    subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    options = parser(__doc__, "model", "max_length", "repeats", workers=2, cores=2, customers=120)
    arguments = options.parse_args()
    best: dict[int, tuple[float, float]] = {}
    vectors = {}
    with tempfile.TemporaryDirectory() as folder:
        recipe, plain = shop.write(Path(folder) / "shop", arguments.customers), Path(folder) / "plain"
        Project(str(recipe), plain, observer="silent").serialize()
        for turn in range(arguments.repeats):
            for workers in (1, arguments.workers):
                store = Path(folder) / f"{workers}-{turn}"
                shutil.copytree(plain, store)
                words = ["embed", str(recipe), "--model", arguments.model, "--store", str(store), "--quiet"]
                words += ["--max-length", str(arguments.max_length), "--workers", str(workers)]
                took = seconds(words, arguments.cores)
                best[workers] = min(best.get(workers, took), took)
                query = "SELECT vector FROM embeddings ORDER BY entity_id, k"
                vectors[workers] = np.array([vector for (vector,) in Store(store).sql(query).fetchall()])
                print(
                    f"{workers} process{'es' * (workers > 1)}: {took[0]:.1f} s, {took[1]:.1f} s of processors",
                    flush=True,
                )
    one, several = best[1], best[arguments.workers]
    scale = np.abs(vectors[1]).max()
    print(f"\n{arguments.customers} texts, {arguments.cores} threads in all, best of {arguments.repeats}:")
    print(
        f"{arguments.workers} processes are {one[0] / several[0]:.2f}x one by the clock, {one[1] / several[1]:.2f}x by"
    )
    print(
        f"processor time; vectors differ by {np.abs(vectors[1] - vectors[arguments.workers]).max() / scale:.1g} at most"
    )


if __name__ == "__main__":
    main()
