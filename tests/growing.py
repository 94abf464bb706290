"""A folder of events that grows day by day, its recipe and a store; and what one reading of everything makes of it."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llm4es import Project

RECIPE = """
name = "shop"
item = "product"

[tables.events]
path = "day-*.csv"

[tables.customers]
path = "customers.csv"

[events]
entity = "customer"
time = { from = "bought_at" }
mode = "append"
EVENTS
[[fields]]
name = "product"

[[fields]]
name = "receipt"
in_text = false

[[fields]]
name = "gap"
derive = "gap_days"

[[fields]]
name = "weekday"
derive = "weekday"

[tasks.loyal]
kind = "binary"
table = "customers"
entity = "customer"
label = "loyal"
"""

Row = tuple[str, str, str, int]

FIRST: list[Row] = [
    ("a", "2026-01-01 10:00:00", "tea", 1),
    ("b", "2026-01-01 11:00:00", "milk", 2),
    ("a", "2026-01-03 10:00:00", "rice", 3),
    ("c", "2026-01-03 12:00:00", "salt", 4),
]
SECOND: list[Row] = [
    ("b", "2026-01-04 10:00:00", "tea", 5),
    ("d", "2026-01-04 11:00:00", "milk", 6),
    ("a", "2026-01-02 10:00:00", "bread", 7),  # late
]
TABLES = {
    "events": 'SELECT * EXCLUDE (run_id, config_id) FROM "events/shop" ORDER BY entity_id, position',
    "texts": "SELECT entity_id, variant, text, text_hash, n_events, source_hash FROM texts ORDER BY entity_id",
    "splits": "SELECT dataset, entity_id, split FROM splits ORDER BY entity_id",
    "labels": "SELECT dataset, entity_id, task, label FROM labels ORDER BY entity_id",
}


def write(folder: Path, name: str, rows: Iterable[Row]) -> Path:
    with (folder / name).open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["customer", "bought_at", "product", "receipt"])
        lines.writerows(rows)
    return folder / name


class Growing:
    """A folder that grows, its recipe, and a store; and the store that one reading of everything makes."""

    def __init__(self, folder: Path, events: str = "", path: str = "day-*.csv") -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "customers.csv").write_text("customer,loyal\na,yes\nb,no\nc,yes\nd,no\n")
        self.recipe = folder / "shop.toml"
        self.recipe.write_text(RECIPE.replace("EVENTS", events).replace("day-*.csv", path))
        self.told: list[str] = []
        self.project = self._opened(folder.parent / "store")

    def _opened(self, store: Path) -> Project:
        return Project(self.recipe, store, observer=self)

    def say(self, text: str) -> None:
        self.told.append(text)

    warn = say

    def progress(self, *_: object) -> Any:
        from llm4es.project.observer import Null

        return Null().progress("", None, "")

    def add(self, name: str, rows: Iterable[Row]) -> Path:
        return write(self.folder, name, rows)

    def day(self) -> Any:
        self.told.clear()
        return self.project.serialize()

    def rows(self, project: Project | None = None) -> dict[str, list[tuple[Any, ...]]]:
        store = (project or self.project).store
        view = store.events_view("shop")
        return {
            name: store.sql(query.replace('"events/shop"', f'"{view}"')).fetchall() for name, query in TABLES.items()
        }

    def at_once(self) -> dict[str, list[tuple[Any, ...]]]:
        """What a store holds that has read everything in one go, by a recipe that knows nothing of growth."""
        text = self.recipe.read_text()
        plain = "\n".join(line for line in text.splitlines() if not line.startswith(("mode =", "watermark =")))
        (self.folder / "plain.toml").write_text(plain)
        project = Project(self.folder / "plain.toml", self.folder.parent / "at-once", observer="silent")
        project.serialize()
        return self.rows(project)
