"""What commands take as users become more: processor seconds, peak memory, bytes written, and the ratios.

    python -m benchmarks.growth                                   # 15,625 and 62,500 users: minutes
    python -m benchmarks.growth --users 62500 250000 500000 1000000 --folder DIR      # the table of docs/scale.md
    python -m benchmarks.growth --users 62500 250000 --only serialize day

Each command runs in a process of its own, on synthetic Parquet made by DuckDB, 20 events a user; the first builds the
store that the others work on. ``again`` finds nothing to do: what every command takes at least. ``day`` is one new
event for 1 % of the users; ``same-day`` after it one more of the same users; ``append-day`` and ``append-same-day``
are these where the recipe says that the source only grows. ``import`` takes in 256 numbers a user; 5 % of the users
are labelled, and ``probe`` (holdout) and ``predict`` learn from these. ``... 1%`` is the same once 1 % of the vectors
are others. ``plan`` is the dry run of embedding everybody's text by the built-in model; ``embed`` reads each distinct
item by a network of random weights and pools it for everybody.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growth_data import NAME, next_day, raw_files, that_grows, vectors
from benchmarks.measure import command
from llm4es_store import Store as FeatureStore


@dataclass(frozen=True)
class Store:
    """A folder with raw files, and the store that is made of them."""

    folder: Path
    users: int

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe.toml"

    @property
    def root(self) -> Path:
        return self.folder / "store"


@dataclass(frozen=True)
class Measured:
    """What one command took."""

    command: str
    users: int
    seconds: float
    """Of processor time."""

    peak_mb: float
    written_mb: float
    """By which the folder has grown, what is exported included."""


Words = tuple[object, ...]

IMPORTED = ("--name", "coles", "--dataset", NAME, "--seen", "none")


def serialize(store: Store) -> Words:
    """The first build, and with nothing new."""
    return "serialize", store.recipe


def day(store: Store) -> Words:
    """The second day."""
    next_day(store.folder, store.users)
    return serialize(store)


def same_day(store: Store) -> Words:
    """The third day, of those who changed on the second: their rows lie in the newest files."""
    next_day(store.folder, store.users, 2)
    return serialize(store)


def append_day(store: Store) -> Words:
    """The second day of a source that only grows, on a store of its own: new files alone are read."""
    grown = Store(that_grows(store.folder), store.users)
    command(*serialize(grown), "--store", grown.root)
    return *day(grown), "--store", grown.root


def append_same_day(store: Store) -> Words:
    """The day after it, of the same users."""
    grown = Store(store.folder / "grows", store.users)
    return *same_day(grown), "--store", grown.root


def take_in(store: Store) -> Words:
    """Vectors made elsewhere."""
    return "import", vectors(store.folder, store.users), *IMPORTED


def take_in_changed(store: Store) -> Words:
    """A day later."""
    return "import", vectors(store.folder, store.users, day=1), *IMPORTED


def similar(store: Store) -> Words:
    """The neighbours of one user."""
    return "similar", NAME, "u00000000", "--model", "coles", "-q"


def probe(store: Store) -> Words:
    """What the vectors are worth to the labelled."""
    return "probe", NAME, "--features", "coles", "--protocol", "holdout"


def plan(store: Store) -> Words:
    """What embedding everybody would take."""
    return "embed", NAME, "--dry-run"


def embed(store: Store) -> Words:
    """Everybody's vectors, of the vectors of items."""
    from tests import tiny

    model = tiny.save(store.folder / "tiny")
    return "embed", NAME, "--model", model, "--history", "events", "--by", "item", "--k", "1", "--max-length", "256"


def export(store: Store) -> Words:
    """Features of everybody."""
    return "export", NAME, "--features", "coles", "--out", store.folder / "features.parquet"


def export_changed(store: Store) -> Words:
    """What the first import has not brought."""
    query = "SELECT min(run_id) FROM runs WHERE stage = 'import'"
    ((first,),) = FeatureStore(store.root).sql(query).fetchall()
    return "export", NAME, "--features", "coles", "--since", first, "--out", store.folder / "changed.parquet"


def predict(store: Store) -> Words:
    """Fit on the labelled, score everybody."""
    return "predict", NAME, "--task", "loyal", "--features", "coles"


COMMANDS: dict[str, Callable[[Store], Words]] = {
    "serialize": serialize,
    "again": serialize,
    "day": day,
    "same-day": same_day,
    "append-day": append_day,
    "append-same-day": append_same_day,
    "import": take_in,
    "similar": similar,
    "probe": probe,
    "predict": predict,
    "export": export,
    "import 1%": take_in_changed,
    "predict 1%": predict,
    "export 1%": export_changed,
    "plan": plan,
    "embed": embed,
}
"""What is measured, in this order on one store."""


def measured(name: str, store: Store) -> Measured:
    """Run one command on the store."""
    words = COMMANDS[name](store)
    before = _size(store.folder)
    took = command(*words, *(() if "--store" in words else ("--store", store.root)))
    return Measured(name, store.users, took.cpu, took.peak_mb, (_size(store.folder) - before) / 2**20)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(rows: Sequence[Measured]) -> str:
    """One line a command and size; seconds also as the ratio to the size before."""
    lines = [
        "| command | users | processor s | of the size before | users | peak MiB | MiB written |",
        "|---|" + 6 * "--:|",
    ]
    for name in dict.fromkeys(row.command for row in rows):
        before: Measured | None = None
        for row in (row for row in rows if row.command == name):
            ratio = f"{row.seconds / before.seconds:.2f} | {row.users / before.users:.2f}" if before else " | "
            took = f"{row.seconds:.1f} | {ratio} | {row.peak_mb:,.0f} | {row.written_mb:,.1f}"
            lines.append(f"| `{name}` | {row.users:,} | {took} |")
            before = row
    return "\n".join(lines)


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[15_625, 62_500])
    parser.add_argument("--events", type=int, default=20, help="of each user")
    parser.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--folder", type=Path, help="where raw files and stores lie while it runs")
    arguments = parser.parse_args()
    rows: list[Measured] = []
    for users in sorted(arguments.users):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
            store = Store(Path(temporary), users)
            raw_files(store.folder, users, arguments.events)
            for name in COMMANDS:
                if name in arguments.only:
                    rows.append(measured(name, store))
                    print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
            shutil.rmtree(store.root, ignore_errors=True)
    print(table(rows))


if __name__ == "__main__":
    main()
