"""docs/how-to: what the pages show is done, in order, on a small store, without the network.

Blocks of ``sh`` are done line by line, ``python`` and ``sql`` as they stand. ``bash`` and ``py`` need what is not here
(a bucket, Spark, Feast): their commands are parsed by ``test_docs.py``.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import llm4es
from benchmarks.picture import picture
from llm4es_cli.main import main
from llm4es_store import Store

from . import shop
from .test_python_docs import built_in_model, movielens, printed

ROOT = Path(__file__).parent.parent
PAGES = [page for page in sorted((ROOT / "docs/how-to").glob("*.md")) if page.stem != "s3"]
FEW = ["--folds=2", "--repeats=1", "--bootstrap=20"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the pages take for granted: the vectors of the quick start, and a shop's files and texts."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM4ES_CACHE", str(folder / "cache"))
        patch.delenv("LLM4ES_STORE", raising=False)  # pages mean the folder they are read in
        patch.chdir(folder)
        built_in_model(folder / "cache")
        movielens(folder / "cache")
        shop.write(folder)
        shutil.copy("events.csv", "purchases.csv")
        project = llm4es.Project("movielens-100k", observer="silent")
        project.serialize()
        project.embed(history="events", k=(1, 8))
        project.probe("gender", features="tfidf", folds=2, repeats=1)
        llm4es.Project("shop.toml", observer="silent").serialize()
        yield folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_done(page: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    shutil.copytree(kept, place, ignore=shutil.ignore_patterns("cache"))
    monkeypatch.setenv("LLM4ES_CACHE", str(kept / "cache"))
    monkeypatch.delenv("LLM4ES_STORE", raising=False)
    monkeypatch.chdir(place)
    names: dict[str, Any] = {"__name__": "docs"}
    for language, text in re.findall(r"^```(sh|python|sql)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        if language == "sh":
            for line in text.splitlines():
                done(shlex.split(line, comments=True), monkeypatch)
        elif language == "sql":
            assert Store("llm4es-store").sql(text).fetchall()
        elif "BashOperator" not in text:
            printed(text, names)


def test_the_picture_of_the_readme_is_drawn_with_colours_of_its_own(kept: Path) -> None:
    svg = picture(str(kept / "llm4es-store"), "movielens-100k", "gender")
    assert "tfidf" in "".join(ElementTree.fromstring(svg).itertext())
    light, _, dark = svg[: svg.index("</style>")].partition("prefers-color-scheme: dark")
    for name in re.findall(r"var\((--\w+)\)", svg):
        assert f"{name}:" in light
        assert f"{name}:" in dark


def done(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do a line, with few folds; what ``run`` and ``report`` do is told by tests of their own."""
    if words[1:] == ["run", "purchases.toml"]:  # what the page goes on with
        words = ["llm4es", "probe", "purchases", "--features", "counts,majority"]
    if words[0] != "llm4es":
        subprocess.run(words, check=True)
    elif words[1] not in ("run", "report"):
        monkeypatch.setattr(sys, "argv", [*words, *(FEW if words[1] in ("probe", "predict") else ())])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, words
