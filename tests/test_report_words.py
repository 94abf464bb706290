"""What the report says of a small store: whose vectors answer, which tasks are left out, what is no longer current."""

import html
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project

from . import shop
from .heard import Heard

QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


def words(page: Path) -> str:
    """The page without its pictures, as it is read."""
    drawn = re.sub(r"<(svg|script|style).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", drawn)).split())


@pytest.fixture
def imported(tmp_path: Path) -> Project:
    """A shop of which counts and imported vectors were probed."""
    project = Project(shop.write(tmp_path / "shop", 24), tmp_path / "store", observer=Heard())
    project.serialize()
    project.import_vectors(vectors(2), name="rfm")
    project.probe("loyal", features="counts,rfm", **QUICK)
    return project


def vectors(n: int) -> pa.Table:
    return pa.table(
        {"id": [f"c{i}" for i in range(24)], **{f"x{j}": [float(i % (j + 2)) for i in range(24)] for j in range(n)}}
    )


def test_imported_vectors_answer_under_their_own_name(imported: Project, tmp_path: Path) -> None:
    rows = {row["features"]: row["imported"] for row in imported.compare("loyal")}
    assert rows == {"counts": False, "rfm": True}
    page = words(imported.report("loyal", out=tmp_path / "page.html"))
    assert "Do imported vectors add anything?" in page
    assert "with counts, the best baseline (" in page
    assert "language model" not in page
