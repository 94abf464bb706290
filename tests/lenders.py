"""A lender's customers as frames: three tasks, amounts, categories, and a label that not everybody has."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from llm4es import Project

from .heard import Heard

N, LABELLED = 80, 60
START = datetime(2026, 1, 1, tzinfo=UTC)


def events(n: int = N, more: dict[int, int] | None = None) -> pd.DataFrame:
    """Payments of ``n`` customers; ``more``: customer -> further ones, days after all others."""
    rng = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    for customer in range(n):
        kind = customer % 3
        for visit in range(4 + int(rng.integers(0, 5))):
            shop = ["food", "fuel", "toys"][kind if rng.random() < 0.6 else int(rng.integers(0, 3))]
            amount = round(float(rng.gamma(2 + kind, 5)), 2)
            rows.append(
                {"customer": f"c{customer:03}", "at": START + timedelta(days=visit), "shop": shop, "paid": amount}
            )
        for extra in range((more or {}).get(customer, 0)):
            when = START + timedelta(days=20 + extra)
            rows.append({"customer": f"c{customer:03}", "at": when, "shop": "fuel", "paid": 5.0})
    return pd.DataFrame(rows)


def labels(changed: dict[int, str] | None = None, n: int = LABELLED) -> pd.DataFrame:
    """Of the first ``n`` customers: whether they left, their plan, their limit."""
    left = [(changed or {}).get(i, "left" if (i % 3 == 0) != (i % 10 == 9) else "stayed") for i in range(n)]
    plan = [["gold", "basic", "silver"][i % 3 if i % 8 else 0] for i in range(n)]
    limit = [100.0 * (i % 3) + i % 7 for i in range(n)]
    return pd.DataFrame({"customer": [f"c{i:03}" for i in range(n)], "left": left, "plan": plan, "limit": limit})


def project(place: Path, heard: Heard | str = "silent", **frames: Any) -> Project:
    """The project of these frames, serialized."""
    made = Project.from_frame(
        frames.get("events", events()),
        name="lender",
        entity="customer",
        time="at",
        fields=["shop", {"name": "paid", "type": "number", "decimals": 2}],
        labels=frames.get("labels", labels()),
        tasks={"left": {"kind": "binary", "positive": "left"}, "plan": "multiclass", "limit": "regression"},
        item="shop",
        amount="paid",
        categories={"shop": 3},
        store=place / "store",
        observer=heard,
    )
    made.serialize()
    return made
