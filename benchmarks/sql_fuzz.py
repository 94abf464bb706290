"""Attack the sandbox of SQL: statements that would write, nested in what reads, and a checksum before and after.

python benchmarks/sql_fuzz.py --statements 100000 --seed 1
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es_store import Store
from llm4es_store.sql import fetch, query

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.sql_fuzz import statements


def digest(folder: Path) -> str:
    """Of every name below a folder, and of what every file holds."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
    return whole.hexdigest()


def main() -> None:
    """Half of the statements go through the checks, half straight to the connection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store", create=True)
        rows = pa.table({"entity_id": ["1"], "variant": ["raw"], "text": ["a"], "text_hash": ["a"], "n_events": [1]})
        with store.run("serialize", "d", {}, "0") as run:
            run.append("texts", {"dataset": "d", "config_id": "c"}, rows, ("entity_id", "variant"))
        root = Path(store.layout.root)
        connection, before = store.connect(), digest(Path(folder))
        ((spill,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
        files = [str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.is_file()]
        refused = 0
        for at, text in enumerate(statements(asked.seed, asked.statements, str(root), files, spill)):
            try:
                if at % 2:
                    connection.execute(text).fetchall()
                else:
                    fetch(query(connection, text))
            except (StoreError, duckdb.Error, RuntimeError):
                refused += 1
            if at % 1000 == 0 and digest(Path(folder)) != before:
                sys.exit(f"a file has changed before statement {at}: {text}")
        if digest(Path(folder)) != before:
            sys.exit("a file has changed")
    print(f"{asked.statements} statements of seed {asked.seed}: {refused} refused, no file changed")


if __name__ == "__main__":
    main()
