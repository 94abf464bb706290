"""A garden centre whose customers like red things or blue ones: words say it of items that nobody has bought before."""

import csv
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from llm4es import Project
from llm4es.features.halves import ItemSide, side
from llm4es.options import ProbeOptions
from llm4es.project.feature_sources import all_feature_sources
from llm4es.project.new_items import with_new_items

from .heard import Heard

FEW: dict[str, Any] = {"folds": 3, "repeats": 2, "bootstrap": 20}
NEW: dict[str, Any] = {"protocol": "new-items", **FEW}

RECIPE = """
name = "garden"
description = "Purchases in a garden centre"
item = "code"

[tables.events]
path = "events.csv"

[tables.customers]
path = "customers.csv"

[events]
entity = "customer"
time = { from = "bought_at" }

[[fields]]
name = "name"

[[fields]]
name = "shelf"
in_text = false

[[fields]]
name = "code"
in_text = false

[tasks.red]
kind = "binary"
table = "customers"
entity = "customer"
label = "red"
"""

CUSTOMERS, ITEMS = 40, 16


def colour(item: int) -> str:
    """Every other item is red."""
    return ("red", "blue")[item % 2]


def likes(customer: int, item: int) -> bool:
    """Everybody buys half of what has their colour, and little else: which, chance decides."""
    chance = zlib.crc32(f"{customer} {item}".encode()) % 10
    return chance < (6 if item % 2 == customer % 2 else 1)


def write(folder: Path, labels: Callable[[int], str] = lambda customer: ("yes", "no")[customer % 2]) -> Path:
    """The files in ``folder``; an item is first sold on the day of its number. Returns the recipe's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "events.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "bought_at", "name", "shelf", "code"])
        for customer in range(CUSTOMERS):
            for item in range(ITEMS):
                if likes(customer, item) or item == (customer % 2) + 2:
                    day = f"2026-01-{item + 1:02d} 10:00:00"
                    rows.writerow([f"c{customer:02}", day, f"{colour(item)} thing {item}", f"s{item % 4}", f"i{item}"])
        rows.writerow(["once", "2026-01-01 10:00:00", "red thing 0", "s0", "i0"])  # has events of one half alone
    with (folder / "customers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "red"])
        rows.writerows([f"c{customer:02}", labels(customer)] for customer in range(CUSTOMERS))
        rows.writerow(["once", "yes"])
    (folder / "garden.toml").write_text(RECIPE)
    return folder / "garden.toml"


def opened(place: Path, heard: Heard, **how: Any) -> Project:
    """A project whose texts are in a store; what it says is heard."""
    project = Project(write(place / "garden", **how), place / "store", observer=heard)
    project.serialize()
    heard.since()
    return project


def halved(project: Project, name: str, repeat: int = 0, **how: Any) -> dict[ItemSide, Any]:
    """The feature set of each side in a repeat."""
    context = with_new_items(project._context(), ProbeOptions(protocol="new-items", **how))
    found = next(source for source in all_feature_sources(context) if source.name == name)
    assert found.halves is not None
    return {each: side(found.halves(repeat), each) for each in ItemSide}


def roc_auc(project: Project, **how: Any) -> dict[str, float]:
    """Features -> what a comparison of new items says."""
    rows = project.compare("red", metric="roc_auc", protocol="new-items", **how).to_pylist()
    return {row["features"]: row["value"] for row in rows}


def items_of(features: Any) -> set[int]:
    """Columns that anybody has."""
    return set(np.flatnonzero(np.asarray(features.matrix.sum(axis=0)).ravel()).tolist())
