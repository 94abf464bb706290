"""How fast events become texts, beside a loop over the rows of a pandas table.

``python benchmarks/serialize.py`` makes a synthetic table of 26 million events of 50,000 entities (the size of Age),
turns it into texts with a recipe of five fields, and prints events a second, peak memory and the ratio to the loop,
which is measured on a part of the same table in the same run: first of the pure function, which keeps nothing, then of
``llm4es serialize``, the whole command with its start, into a store. ``--events 3000000 --entities 6000`` are the sizes
of the command's line in ``docs/speed.md``.

    python benchmarks/serialize.py [--events 26000000] [--entities 50000] [--csv] [--folder DIR] [--loop-events 200000]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.measure import Command, command, parser, peak_mb, spent

RECIPE = """
name = "synthetic"
amount = "amount"

[tables.events]
path = "events.{format}"

[tables.groups]
path = "groups.csv"

[events]
entity = "client_id"
time = {{ from = "trans_date", format = "days", origin = "2000-01-01" }}

[[fields]]
name = "date"
derive = "date"

[[fields]]
name = "weekday"
derive = "weekday"

[[fields]]
name = "group"
from = "small_group"
names = {{ table = "groups", code = "code", name = "name" }}

[[fields]]
name = "amount"
from = "amount_rur"
type = "number"
decimals = 2
unit = "RUB"

[[fields]]
name = "channel"
"""

MAKE = """
COPY (
    SELECT CAST(i * 2654435761 % {entities} AS INTEGER) AS client_id,
        CAST(i * 730 // {events} AS INTEGER) AS trans_date,
        CAST(i * 7919 % 203 AS INTEGER) AS small_group, round((i * 31337 % 1000003) / 100.0, 3) AS amount_rur,
        CASE i % 3 WHEN 0 THEN 'online' WHEN 1 THEN 'shop' END AS channel
    FROM range({events}) AS r(i)
) TO '{path}'
"""


def make(folder: Path, events: int, entities: int, format: str) -> None:
    """The raw files and the recipe."""
    with duckdb.connect() as connection:
        connection.execute(MAKE.format(events=events, entities=entities, path=folder / f"events.{format}"))
    groups = "".join(f"{code},group of goods {code}\n" for code in range(200))  # three codes have no name
    (folder / "groups.csv").write_text("code,name\n" + groups, encoding="utf-8")
    (folder / "recipe.toml").write_text(RECIPE.format(format=format), encoding="utf-8")


def ours(folder: Path) -> dict[str, float]:
    """Serialize everything and keep nothing; run in a process of its own, whose peak memory is the result's."""
    from llm4es.options import SerializeOptions
    from llm4es.recipes import load_recipe, locate, read_events
    from llm4es.serialize import serialize

    recipe, options = load_recipe(str(folder / "recipe.toml")), SerializeOptions()
    started = time.perf_counter()
    events = entities = characters = 0
    reader = read_events(recipe, locate(recipe), options)
    sorted_after = time.perf_counter() - started
    for batch in serialize(reader, recipe, options):
        entities += batch.num_rows
        events += sum(batch["n_events"].to_pylist())
        characters += batch["text"].nbytes
    seconds = time.perf_counter() - started
    cpu = time.process_time()
    return {
        "events": events,
        "entities": entities,
        "gigabytes of text": characters / 1e9,
        "seconds to the first batch": sorted_after,
        "seconds": seconds,
        "CPU seconds": cpu,
        "events/s": events / seconds,
        "events/s of processor time": events / cpu,
        "peak GB": peak_mb() * 2**20 / 1e9,
    }


def whole(folder: Path) -> Command:
    """What the command takes, into a new store."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        return command("serialize", folder / "recipe.toml", "--store", Path(temporary) / "store", "--quiet")


def loop(folder: Path, format: str, events: int) -> tuple[float, float]:
    """Events a second, of the clock and of processor time, of a loop over rows: how such texts are commonly made."""
    import pandas as pd

    with duckdb.connect() as connection:
        table = connection.execute(f"FROM '{folder}/events.{format}' LIMIT {events}").df()
    names = dict(pd.read_csv(folder / "groups.csv").itertuples(index=False))

    def work() -> None:
        texts = {}
        for entity, group in table.groupby("client_id"):
            lines = ["Date | Weekday | Group | Amount | Channel"]
            for _, row in group.sort_values("trans_date", kind="stable").iterrows():
                day = pd.Timestamp("2000-01-01") + pd.Timedelta(days=row["trans_date"])
                name = names.get(row["small_group"], row["small_group"])
                channel = row["channel"] or ""
                lines.append(f"{day.date()} | {day.day_name()} | {name} | {row['amount_rur']:.2f} RUB | {channel}")
            texts[entity] = "\n".join(lines)

    wall, cpu = spent(work)
    return len(table) / wall, len(table) / cpu


def main() -> None:
    """Make, measure, print."""
    options = parser(__doc__, events=26_000_000, entities=50_000, loop_events=200_000)
    options.add_argument("--csv", action="store_true", help="raw events as CSV and not as Parquet")
    options.add_argument("--folder", type=Path, help="keep the raw files here")
    options.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        print(json.dumps(ours(arguments.folder)))
        return
    format = "csv" if arguments.csv else "parquet"
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / f"events.{format}").exists():
            make(folder, arguments.events, arguments.entities, format)
        (folder / "recipe.toml").write_text(RECIPE.format(format=format), encoding="utf-8")
        child = [sys.executable, __file__, "--child", "--folder", str(folder)]
        measured = json.loads(subprocess.run(child, check=True, stdout=subprocess.PIPE).stdout)
        kept = whole(folder)
        rows, rows_busy = loop(folder, format, min(arguments.loop_events, arguments.events))
    for name, value in measured.items():
        print(f"{name:29} {value:14,.2f}")
    print(f"{'pandas loop, events/s':29} {rows:14,.2f}")
    print(f"{'ratio':29} {measured['events/s'] / rows:14,.1f}")
    print(f"{'ratio of processor time':29} {measured['events/s of processor time'] / rows_busy:14,.1f}")
    rate = measured["events"] / kept.cpu
    print(f"{'llm4es serialize, CPU seconds':29} {kept.cpu:14,.2f}")
    print(f"{'events/s of processor time':29} {rate:14,.2f}")
    print(f"{'peak GB':29} {kept.peak_mb * 2**20 / 1e9:14,.2f}")
    print(f"{'ratio of processor time':29} {rate / rows_busy:14,.1f}")


if __name__ == "__main__":
    main()
