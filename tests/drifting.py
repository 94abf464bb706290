"""A service whose users' labels are dated, and turn round between two times; and what it shows, read without llm4es."""

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

TRAIN, TEST = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
N = 60

RECIPE = """
name = "service"
item = "page"

[tables.events]
path = "events.csv"

[tables.asked]
path = "asked.csv"

[events]
entity = "user"
time = { from = "at" }

[[fields]]
name = "page"

[tasks.left]
kind = "binary"
table = "asked"
entity = "user"
label = "left"
as_of = "asked"
"""
UNDATED = RECIPE.replace('as_of = "asked"\n', "")

Event = tuple[str, datetime, str]


def events() -> list[Event]:
    """Visits of January to June; later ones show other pages, of which the earlier time knows nothing."""
    drawn = random.Random(7)  # a made-up table, not a secret
    found = []
    for n in range(N):
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=drawn.uniform(0, 900))
        for _ in range(4 + n % 9):
            at = start + timedelta(hours=round(drawn.uniform(0, 3500), 2))
            found.append(
                (f"u{n:02}", at.replace(microsecond=0), f"{'new' if at > TRAIN else 'old'}{drawn.randrange(4)}")
            )
        found.append((f"u{n:02}", start.replace(microsecond=0), "old0"))
    return found


def last_before(moment: datetime) -> dict[str, float]:
    """User -> days since the last visit before a time."""
    found: dict[str, float] = {}
    for user, at, _ in events():
        if at < moment:
            days = (moment - at).total_seconds() / 86400
            found[user] = min(days, found.get(user, days))
    return found


def labels() -> list[tuple[str, str, datetime]]:
    """First those quiet for long leave, then those who were just there; a label of before, second ones, and gaps."""
    rows = []
    for moment, turned in ((TRAIN, False), (TEST, True)):
        days = last_before(moment)
        middle = sorted(days.values())[len(days) // 2]
        for n, (user, quiet) in enumerate(sorted(days.items())):
            if n % 10 == (3 if turned else 7):
                continue  # not asked at this time
            left = (quiet >= middle) != turned
            rows.append((user, "yes" if left else "no", moment + timedelta(days=n % 3)))
            if n % 4 == 0:
                rows.append((user, "no" if left else "yes", moment + timedelta(days=20)))  # a later one of this time
            if n % 5 == 0:
                rows.append((user, "no" if left else "yes", moment - timedelta(days=50)))  # one of before
    return rows


def first_labels(start: datetime, end: datetime) -> dict[str, str]:
    """User -> the first label of [start, end)."""
    found: dict[str, tuple[datetime, str]] = {}
    for user, label, asked in labels():
        if start <= asked < end:
            found[user] = min(found.get(user, (asked, label)), (asked, label))
    return {user: label for user, (_, label) in found.items()}


def write(folder: Path, recipe: str = RECIPE) -> Path:
    """The files; returns the recipe's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "events.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("user", "at", "page"), *((u, at.isoformat(), page) for u, at, page in events())])
    dated = recipe == RECIPE
    with (folder / "asked.csv").open("w", newline="") as file:
        rows = (
            [(u, label, asked.isoformat()) for u, label, asked in labels()]
            if dated
            else sorted((user, label, "") for user, label in first_labels(TRAIN, TEST).items())
        )
        csv.writer(file).writerows([("user", "left", "asked"), *rows])
    (folder / "service.toml").write_text(recipe)
    return folder / "service.toml"
