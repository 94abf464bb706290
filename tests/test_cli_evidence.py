"""``llm4es report`` and ``llm4es similar`` on a store made by the commands before them."""

import json
import sys
from pathlib import Path

import pytest

from llm4es.core.errors import OptionError, StoreError

from .shell import invoke

RECIPE = """
name = "shop"
item = "product"

[layouts.csv.tables.events]
path = "events.csv"

[layouts.csv.tables.people]
path = "people.csv"

[events]
entity = "person"
time = { from = "day" }

[[fields]]
name = "product"

[tasks.kind]
kind = "binary"
table = "people"
entity = "person"
label = "kind"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    people = [(f"p{i:02}", "ab"[i % 2]) for i in range(30)]
    lines = [
        f"{person},2024-01-{day + 1:02},{'nuts' if kind == 'a' else '<b>tea</b>'}\n{person},2024-02-01,rare{person[-1]}"
        for person, kind in people
        for day in range(2)
    ]
    (folder / "events.csv").write_text("\n".join(["person,day,product", *lines]) + "\n")
    (folder / "people.csv").write_text("\n".join(["person,kind", *(f"{p},{k}" for p, k in people)]) + "\n")
    (folder / "shop.toml").write_text(RECIPE)
    run("serialize", folder, "--data", str(folder))
    run("probe", folder, "--folds", "3", "--repeats", "1")
    return folder


def run(command: str, folder: Path, *words: str) -> str:
    return invoke(command, folder / "shop.toml", *words, "--store", folder / "store").stdout


def test_report_writes_one_page(shop: Path) -> None:
    page = shop / "page.html"
    assert run("report", shop, "--out", str(page)).strip() == str(page)
    text = page.read_text()
    assert ": tfidf, roc_auc 1.000. No embedding was probed." in text
    assert "Best of " in text
    assert "scored entities have a text that the probe was trained on under another id" in text
    assert text.count("<svg") == 5  # comparison, ROC, calibration, events, days
    assert not list(shop.glob(".*.part"))


def test_similar_names_what_is_shared_rarest_first(shop: Path) -> None:
    rows = json.loads(run("similar", shop, "p00", "--features", "tfidf", "-n", "2", "--format", "json"))
    assert [row["entity_id"] for row in rows] == ["p10", "p20"]  # same kind, same rare product
    assert [event["value"] for event in rows[0]["rarest shared"]] == ["rare0", "nuts"]
    assert rows[0]["kind"] == "a"


def test_bad_words(shop: Path) -> None:
    with pytest.raises(
        OptionError, match=r"--out .*page\.html cannot be written \(No such file or directory\): choose another folder"
    ):
        run("report", shop, "--out", str(shop / "no" / "page.html"))
    with pytest.raises(OptionError, match="--projection 'tsne' is unknown: choose one of pca, umap"):
        run("report", shop, "--projection", "tsne")
    with pytest.raises(OptionError, match="--k 'x' is no number of layers: give 1 or more, or 'all'"):
        run("similar", shop, "p00", "--k", "x")
    with pytest.raises(StoreError, match="no vectors of 'smollm2-135m' in the store: run `llm4es embed shop -m"):
        run("similar", shop, "p00", "--k", "all")


def test_report_without_its_packages(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm4es.report", None)
    with pytest.raises(OptionError, match=r"llm4es report needs matplotlib and jinja2: run `pip install"):
        run("report", shop)
