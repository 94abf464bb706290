"""A garden centre whose customers like red things or blue ones: words say it of items that nobody has bought before."""

import csv
from collections.abc import Callable
from pathlib import Path

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
    """Everybody buys half of what has their colour, and little else: which, no two customers have in common."""
    chance = (customer * 7 + item * 5 + customer * item) % 10
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
