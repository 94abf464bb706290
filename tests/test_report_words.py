"""What the report says of a small store: whose vectors answer, which tasks are left out, what is no longer current."""

import html
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError, StoreError
from llm4es.project.report_warnings import of_task

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
    assert page.count("counts: logarithms of the number of events") == 1  # what a name stands for, once
    assert "tfidf: " not in page


def test_an_older_version_is_left_out_and_no_command_is_promised_to_mend_it(imported: Project, tmp_path: Path) -> None:
    imported.import_vectors(vectors(3), name="rfm")
    stale = words(imported.report("loyal", out=tmp_path / "page.html"))
    assert "1 feature stale: rfm: a newer version is there; `llm4es probe shop --task loyal" in stale
    imported.probe("loyal", **QUICK)
    heard = Heard()
    imported = Project("shop", tmp_path / "store", observer=heard)
    page = words(imported.report("loyal", out=tmp_path / "page.html"))
    assert "loyal: rfm is left out: rfm@v1, an older version than rfm@v2" in heard.since()
    assert "stale" not in page
    assert "events kept" not in page  # nobody knows what imported vectors were made of


def test_a_task_without_probes_is_said_to_be_left_out(tmp_path: Path) -> None:
    project = Project(shop.write(tmp_path / "shop", 8), tmp_path / "store", observer=Heard())
    project.serialize()
    page = words(project.report(out=tmp_path / "page.html"))
    assert (
        "loyal Left out: nothing to compare no probes of 'loyal' in the store: run `llm4es probe shop --task loyal`"
        in page
    )
    assert "Nothing was probed yet" not in page
    assert "Everything so far: 1 run took" in page
    with pytest.raises(OptionError, match=r"--out .*page.pdf would be a page in HTML: name it .html, and print it"):
        project.report(out=tmp_path / "page.pdf")
    with pytest.raises(StoreError, match="--against 99: no such version"):
        project.report(out=tmp_path / "page.html", against=99)


def test_what_mends_a_leak_names_the_recipes_file() -> None:
    (line,) = of_task("shop", "loyal", ["field 'f' gives it away: see whether it is the label under another name"])
    assert line.command.startswith("llm4es serialize RECIPE.toml  # after it shows that field no more;")
