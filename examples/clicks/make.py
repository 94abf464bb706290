"""Writes synthetic clicks of a shop for outdoor gear: ``clicks.jsonl`` and ``visitors.csv``.

``python examples/clicks/make.py`` writes 400 visitors into ``log/`` beside this file. Nobody in them is real. A session
is a walk from page to page. Who will buy looks at fewer things and comes closer: details, reviews, sizes, delivery, the
same product again in the next session. Who only looks around goes from list to list, and to the sale.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

PRODUCTS = ["tent", "sleeping bag", "hiking boots", "rain jacket", "headlamp", "stove", "backpack", "water filter"]
NEXT: dict[str, dict[str, tuple[float, float]]] = {
    "home": {"list": (3, 3), "sale": (1, 2), "search": (3, 2)},
    "list": {"product": (4, 3), "list": (2, 4), "search": (1, 1)},
    "sale": {"product": (3, 2), "sale": (1, 3), "home": (1, 1)},
    "search": {"product": (5, 3), "list": (1, 2), "search": (1, 2)},
    "product": {"reviews": (4, 2), "sizes": (2, 1), "list": (2, 5), "delivery": (2, 0.7), "home": (1, 2)},
    "reviews": {"product": (3, 3), "sizes": (2, 1), "list": (1, 3)},
    "sizes": {"delivery": (2, 1), "product": (2, 2), "list": (1, 2)},
    "delivery": {"product": (2, 2), "home": (1, 2)},
}
"""Page -> the next one, and how often whoever buys and whoever does not goes there."""

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
Click = dict[str, Any]


def visitor(name: str, buys: bool, lot: Random) -> Iterator[Click]:
    """Every click of three to nine sessions, in order."""
    at = FIRST + timedelta(minutes=lot.randrange(14 * 24 * 60))
    device = lot.choice(["phone", "phone", "laptop", "tablet"])
    source = lot.choice(["direct", "search engine", "newsletter", "social"])
    wanted = lot.choice(PRODUCTS)
    for session in range(lot.randrange(3, 10)):
        page = lot.choice(["home", "home", "search", "product"])
        for _ in range(lot.randrange(3, 14)):
            product = wanted if lot.random() < (0.55 if buys else 0.35) else lot.choice(PRODUCTS)
            yield {
                "visitor": name,
                "ts": int(at.timestamp() * 1000),
                "session": f"{name}-{session}",
                "page": page,
                "product": product if page not in ("home", "sale") else None,
                "context": {"device": device, "source": source},
            }
            at += timedelta(seconds=lot.randrange(4, 200))
            following = NEXT[page]
            page = lot.choices(list(following), [weights[not buys] for weights in following.values()])[0]
        at += timedelta(hours=lot.randrange(5, 24 if buys else 40))


def write(folder: Path, visitors: int = 400, seed: int = 7) -> Path:
    """The log and who bought, in a folder; the same visitors in the same number."""
    lot = Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    clicks: list[Click] = []
    bought: list[list[str]] = []
    for number in range(visitors):
        name, buys = f"v{number:04d}", lot.random() < 0.35
        likely = buys if lot.random() < 0.85 else not buys  # nobody's walk tells all
        clicks += visitor(name, likely, lot)
        bought.append([name, "yes" if buys else "no"])
    clicks.sort(key=lambda click: click["ts"])
    (folder / "clicks.jsonl").write_text("".join(json.dumps(click) + "\n" for click in clicks))
    with (folder / "visitors.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["visitor", "bought"], *bought])
    return folder


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Writes synthetic clicks of a shop.")
    words.add_argument("--visitors", type=int, default=400)
    words.add_argument("--out", type=Path, default=Path(__file__).parent / "log")
    given = words.parse_args()
    write(given.out, given.visitors)
