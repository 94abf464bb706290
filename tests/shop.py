"""A shop's purchases as a user would bring them: a CSV of events, one of labels, and a recipe."""

import csv
from pathlib import Path

RECIPE = """
name = "shop"
description = "Purchases of a small shop"
item = "product"

[tables.events]
path = "events.csv"

[tables.customers]
path = "customers.csv"

[events]
entity = "customer"
time = { from = "bought_at" }

[[fields]]
name = "product"

[[fields]]
name = "amount"
type = "number"
decimals = 2

[tasks.loyal]
kind = "binary"
table = "customers"
entity = "customer"
label = "loyal"
"""

PRODUCTS = ["tea", "milk", "bread", "rice", "salt"]


def write(folder: Path, customers: int = 20, changed: dict[int, str] | None = None) -> Path:
    """The files in ``folder``; ``changed`` gives customers' first product another name. Returns the recipe's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "events.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "bought_at", "product", "amount"])
        for customer in range(customers):
            for visit in range(3 + customer % 4):
                product = PRODUCTS[(customer + visit) % len(PRODUCTS)]
                if visit == 0 and customer in (changed or {}):
                    product = (changed or {})[customer]
                rows.writerow([f"c{customer}", f"2026-01-{visit + 1:02d} 10:00:00", product, customer + visit / 2])
    with (folder / "customers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "loyal"])
        rows.writerows([f"c{customer}", ["no", "yes"][customer % 2]] for customer in range(customers))
    (folder / "shop.toml").write_text(RECIPE)
    return folder / "shop.toml"
