"""What ``benchmarks/growth.py`` measures on: a shop of any number of users, as synthetic files made by DuckDB.

In: a folder, how many users and events of each. Out: events, labels of 5 % of the users, vectors of all of them, a day
more for 1 %, and the recipe. Knows no command.
"""

import os
from pathlib import Path

import duckdb

NAME = "growth"
WIDTH = 256
"""Numbers a vector that was made elsewhere."""

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
    SELECT {user} AS customer, CASE hash(i) // 20 % 2 WHEN 0 THEN 'yes' ELSE 'no' END AS loyal
        FROM range({users}) AS r(i) WHERE hash(i) % 20 = 0) TO '{path}'"""

VECTORS = """COPY (
    SELECT {user} AS entity_id, [(hash(i, j, CASE i % 100 WHEN 0 THEN {day} ELSE 0 END) % 2000003
        / 1000001.5 - 1)::FLOAT FOR j IN range({width})] AS vector FROM range({users}) AS r(i)) TO '{path}'"""


def raw_files(folder: Path, users: int, events: int) -> None:
    """Events, labels and the recipe."""
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    shuffled = USER.format(f"i * 2654435761 % {users}")
    _copy(EVENTS.format(user=shuffled, n=users * events, path=folder / "events.parquet"))
    _copy(LABELS.format(user=USER.format("i"), users=users, path=folder / "labels.csv"))


def next_day(folder: Path, users: int, day: int = 1) -> None:
    """One new event for 1 % of the users, always the same ones, in a file of its own that comes after the others."""
    _copy(DAY.format(user=USER.format("i"), users=users, day=day, path=folder / f"events_2025-01-{day:02d}.parquet"))


def that_grows(folder: Path) -> Path:
    """The same events and labels, in a folder of which only new files are read."""
    grows = folder / "grows"
    grows.mkdir()
    for name in ("events.parquet", "labels.csv"):
        os.link(folder / name, grows / name)
    (grows / "recipe.toml").write_text(RECIPE.replace("[events]\n", '[events]\nmode = "append"\n'), encoding="utf-8")
    return grows


def vectors(folder: Path, users: int, day: int = 0) -> Path:
    """A vector of each user, as another program writes them; those of 1 % are others each day."""
    path = folder / "vectors.parquet"
    _copy(VECTORS.format(user=USER.format("i"), users=users, width=WIDTH, day=day, path=path))
    return path


def _copy(query: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(query)
