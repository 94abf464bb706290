"""What tests of scores share: quick settings, and what a store holds of them."""

from typing import Any

import numpy as np
import pandas as pd

from llm4es import Project

FEW: dict[str, Any] = {"folds": 3, "repeats": 2, "bootstrap": 20}


def rows(project: Project, query: str = "SELECT * FROM scores ORDER BY entity_id") -> list[dict[str, Any]]:
    return project.sql(query).to_pylist()


def fits(project: Project) -> int:
    return int(rows(project, "SELECT count(*) AS n FROM predictors")[0]["n"])


def counted(events: pd.DataFrame) -> pd.DataFrame:
    """What ``counts`` are: logarithms of events, and of distinct shops."""
    by = events.groupby("customer")
    return np.log1p(pd.DataFrame({"n": by.size(), "shops": by["shop"].nunique()}).astype(float))
