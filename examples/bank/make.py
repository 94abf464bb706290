"""Writes synthetic card transactions as an export of a bank may look: ``transactions.csv`` and ``clients.csv``.

``python examples/bank/make.py`` writes 400 clients into ``export/`` beside this file. Nobody in them is real. Who will
close the account pays less and less by card, moves money to another bank, and gets things refunded; the others live
through seasons, moves and children, which look alike for a while. Then an export makes a mess of it: see ``_messy``.
"""

import argparse
import csv
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

SHOPS = {
    "Grocer Lane": (34, 12),
    "Corner Bakery": (6, 9),
    "City Transit": (3, 10),
    "Fuel & Go": (58, 4),
    "Noodle House": (22, 5),
    "Streamly": (13, 1),
    "Pharmacy Nord": (17, 2),
    "Bluebird Books": (19, 2),
    "Garden World": (64, 1),
    "Sportstown": (71, 1),
    "Kinderland": (48, 1),
    "Hotel Meridian": (240, 0.4),
}
"""Merchant -> the usual amount, and how often."""

OTHER_BANK, RENT = "Transfer Alpina Bank", "Rent Hausmann"
DAYS = 180
FIRST = datetime(2026, 1, 1)
Payment = tuple[datetime, str, float]


def client(lot: Random) -> tuple[list[Payment], bool]:
    """What one client paid in half a year, and whether the account was closed afterwards."""
    leaves = lot.random() < 0.4
    taste = {shop: often * lot.lognormvariate(0, 0.7) for shop, (_, often) in SHOPS.items()}
    fades = lot.uniform(0.3, 0.9) if leaves else lot.choice([0.0, 0.0, 0.0, 0.5])  # some are away for a while
    since = lot.uniform(0.4, 0.8) * DAYS
    payments: list[Payment] = []
    for day in range(DAYS):
        at = FIRST + timedelta(days=day, minutes=lot.randrange(7 * 60, 22 * 60))
        active = 0.35 * (1 - fades if day > since else 1)
        if lot.random() < active:
            shop = lot.choices(list(taste), list(taste.values()))[0]
            amount = round(SHOPS[shop][0] * lot.lognormvariate(0, 0.4), 2)
            payments.append((at, shop, amount))
            if lot.random() < (0.09 if leaves and day > since else 0.03):
                payments.append((at + timedelta(days=lot.randrange(1, 9)), shop, -amount))
        if day % 30 == 2:
            payments.append((at, RENT, 780.0))
        if lot.random() < (0.03 if leaves and day > since else 0.006):
            payments.append((at, OTHER_BANK, float(lot.randrange(50, 900, 50))))
    return sorted(payments), leaves


def _messy(number: int, payment: Payment, lot: Random) -> list[str]:
    """A row of the export: dates in three forms, money in four, and merchants that are missing in three."""
    at, shop, amount = payment
    booked = at.strftime(lot.choice(["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%b %d, %Y"]))
    digits = f"{abs(amount):,.2f}"
    money = lot.choice([f"€{digits}", f"{digits} EUR", f"{digits} €", digits])
    merchant = lot.choice(["", "N/A", "unknown"]) if lot.random() < 0.04 else shop
    merchant = lot.choice([merchant, merchant, merchant.upper(), f" {merchant} "])
    return [f"T{number:06d}", booked, f"({money})" if amount < 0 else money, merchant]


def write(folder: Path, clients: int = 400, seed: int = 7) -> Path:
    """The export in a folder; the same clients in the same number."""
    lot = Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[list[str]] = []
    labels: list[list[str]] = []
    for number in range(clients):
        payments, leaves = client(lot)
        name = f"{number * 37 % 100000:05d}"  # with zeros in front, which are part of it
        for payment in payments:
            row = [name, *_messy(len(rows), payment, lot)]
            rows += [row, row] if lot.random() < 0.02 else [row]  # exported twice
        if lot.random() < 0.95:  # of the others nobody knows yet
            labels.append([name, "closed" if leaves else "open"])
    rows.sort(key=lambda row: row[2])  # by the letters of the date: in no order of time
    _write(folder / "transactions.csv", ["Client", "Transaction", "Booked", "Amount", "Merchant"], rows)
    _write(folder / "clients.csv", ["Client", "Account"], labels)
    return folder


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Writes synthetic card transactions of a bank.")
    words.add_argument("--clients", type=int, default=400)
    words.add_argument("--out", type=Path, default=Path(__file__).parent / "export")
    given = words.parse_args()
    write(given.out, given.clients)
