"""What commands take as users become more: processor seconds, peak memory, bytes written, and the ratios.

    python benchmarks/growth.py [--users 15625 62500 250000] [--events 20] [--only serialize ...] [--folder DIR]

Each command runs in a process of its own, on synthetic Parquet made by DuckDB. ``day`` is one new event for 1 % of the
users, serialized again; ``append-day`` is the same day where the recipe says that the source only grows; ``same-day``
after ``day`` one more event of the same users. ``--users 62500 250000 500000 1000000`` are the README's table.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

RECIPE = """
name = "growth"
item = "item"
amount = "amount"

[tables.events]
path = "events*.parquet"

[tables.labels]
path = "labels.csv"

[events]
entity = "customer"
time = { from = "at" }

[[fields]]
name = "date"
derive = "date"

[[fields]]
name = "shop"

[[fields]]
name = "item"

[[fields]]
name = "amount"
type = "number"
decimals = 2

[[fields]]
name = "channel"

[tasks.loyal]
kind = "binary"
table = "labels"
entity = "customer"
label = "loyal"
"""

USER = "'u' || lpad(CAST({0} AS VARCHAR), 8, '0')"

EVENTS = """COPY (
    SELECT {user} AS customer, TIMESTAMP '2024-01-01' + INTERVAL (i * 31536000 // {n}) SECOND AS "at",
        'shop ' || (i * 7919 % 203) AS shop, i * 31337 % 5003 AS item,
        round((i * 31337 % 1000003) / 100.0, 2) AS amount, CASE i % 3 WHEN 0 THEN 'online' WHEN 1 THEN 'store' END
        AS channel FROM range({n}) AS r(i)) TO '{path}'"""

DAY = """COPY (
    SELECT {user} AS customer, TIMESTAMP '2025-01-{day:02d}' AS "at", 'shop 1' AS shop, 7::BIGINT AS item, 1.5::DOUBLE
        AS amount, 'online' AS channel FROM range({users}) AS r(i) WHERE i % 100 = 0) TO '{path}'"""

LABELS = """COPY (
    SELECT {user} AS customer, CASE hash(i) % 2 WHEN 0 THEN 'yes' ELSE 'no' END AS loyal FROM range({users}) AS r(i)
    ) TO '{path}'"""


def raw_files(folder: Path, users: int, events: int) -> None:
    """Events, labels and the recipe."""
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    with duckdb.connect() as connection:
        shuffled = USER.format(f"i * 2654435761 % {users}")
        path, n = folder / "events.parquet", users * events
        connection.execute(EVENTS.format(user=shuffled, n=n, path=path))
        connection.execute(LABELS.format(user=USER.format("i"), users=users, path=folder / "labels.csv"))


def next_day(folder: Path, users: int, day: int = 1) -> None:
    """One new event for 1 % of the users, always the same ones, in a file of its own."""
    with duckdb.connect() as connection:
        path = folder / f"events-{day + 1}.parquet"
        connection.execute(DAY.format(user=USER.format("i"), users=users, day=day, path=path))


@dataclass(frozen=True)
class Measured:
    """What one command took."""

    command: str
    users: int
    seconds: float
    """Of processor time."""
    peak_mb: float
    written_mb: float
    """By which the store has grown."""


def llm4es(folder: Path, *words: str) -> tuple[float, float, float]:
    """Run a command on the store of a folder: processor seconds, peak MiB, MiB written to it."""
    store = folder / "store"
    before = _size(store)
    program = [sys.executable, "-c", "from llm4es_cli.main import main; main()", *words, "--store", str(store)]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)} failed: {said.decode()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, (_size(store) - before) / 2**20


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0


def serialize(folder: Path, users: int) -> tuple[float, float, float]:
    """The first build."""
    return llm4es(folder, "serialize", str(folder / "recipe.toml"))


def day(folder: Path, users: int) -> tuple[float, float, float]:
    """The second day."""
    next_day(folder, users)
    return llm4es(folder, "serialize", str(folder / "recipe.toml"))


def same_day(folder: Path, users: int) -> tuple[float, float, float]:
    """The third day, of those who changed on the second: their rows lie in the newest files."""
    next_day(folder, users, 2)
    return llm4es(folder, "serialize", str(folder / "recipe.toml"))


def append_day(folder: Path, users: int) -> tuple[float, float, float]:
    """The second day of a source that only grows, on a store of its own: new files alone are read."""
    grows = folder / "grows"
    grows.mkdir()
    for name in ("events.parquet", "labels.csv"):
        os.link(folder / name, grows / name)
    (grows / "recipe.toml").write_text(RECIPE.replace("[events]\n", '[events]\nmode = "append"\n'), encoding="utf-8")
    serialize(grows, users)
    return day(grows, users)


COMMANDS: dict[str, Callable[[Path, int], tuple[float, float, float]]] = {
    "serialize": serialize,
    "day": day,
    "same-day": same_day,
    "append-day": append_day,
}
"""What is measured, in this order on one store."""


def table(measured: Sequence[Measured]) -> str:
    """One line a command and size; seconds also as the ratio to the size before."""
    lines = [f"{'command':12} {'users':>9} {'processor s':>12} {'ratio':>6} {'of users':>8} {'peak MiB':>9} {'MiB':>7}"]
    for command in dict.fromkeys(each.command for each in measured):
        before: Measured | None = None
        for each in (each for each in measured if each.command == command):
            ratio = f"{each.seconds / before.seconds:6.2f} {each.users / before.users:8.2f}" if before else f"{'':15}"
            shown = f"{each.seconds:12.1f} {ratio} {each.peak_mb:9.0f} {each.written_mb:7.0f}"
            lines.append(f"{command:12} {each.users:9,} {shown}")
            before = each
    return "\n".join(lines)


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[15_625, 62_500, 250_000])
    parser.add_argument("--events", type=int, default=20, help="of each user")
    parser.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--folder", type=Path, help="where raw files and stores lie while it runs")
    arguments = parser.parse_args()
    measured = []
    for users in sorted(arguments.users):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
            folder = Path(temporary)
            raw_files(folder, users, arguments.events)
            for command, run in COMMANDS.items():
                if command in arguments.only:
                    measured.append(Measured(command, users, *run(folder, users)))
                    print(table(measured[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
            shutil.rmtree(folder / "store", ignore_errors=True)
    print(table(measured))


if __name__ == "__main__":
    main()
