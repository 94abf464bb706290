"""The walk of one changed entity from raw file to probe: the command asks the library once, and nobody calls it back.

What is counted are calls: a border is crossed where a function of one package is called by one of another, whatever
lies between them. The bounds are a little above what is measured.
"""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import llm4es
import llm4es_cli
import llm4es_store

from . import shop
from .shell import invoke

FOLDERS = {Path(str(package.__file__)).parent: package.__name__ for package in (llm4es, llm4es_store, llm4es_cli)}

CLI, LIBRARY, STORE = "llm4es_cli", "llm4es", "llm4es_store"
DUCKDB_READS = "read_only_files"
"""The file whose functions DuckDB calls, as often as it reads a piece: nobody here asks for them."""

RUN = ("--max-length", "64", "--k", "1,2", "--finetune", "none", "--quiet")


@dataclass
class Walk:
    """Which files of the packages were passed, and which borders crossed."""

    files: set[Path] = field(default_factory=set)
    borders: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(the caller's package, the called one's) -> calls."""
    asked: list[str] = field(default_factory=list)
    """What the commands called of the library, in order: file and function."""
    packages: dict[str, str | None] = field(default_factory=dict)
    """A source's path -> its package."""

    def passed(self, package: str) -> int:
        """Files of a package."""
        return sum(self.packages[str(path)] == package for path in self.files)

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Count one call."""
        package, path = self._package(frame), frame.f_code.co_filename
        if event != "call" or package is None or frame.f_code.co_name == "<module>" or DUCKDB_READS in path:
            return
        self.files.add(Path(frame.f_code.co_filename))
        caller = frame.f_back
        while caller is not None and self._package(caller) is None:
            caller = caller.f_back
        before = package if caller is None else self._package(caller)
        if before is not None and before != package:
            self.borders[before, package] += 1
            if before == CLI:
                self.asked.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")

    def _package(self, frame: FrameType) -> str | None:
        path = frame.f_code.co_filename
        if path not in self.packages:
            parents = Path(path).parents
            self.packages[path] = next((name for folder, name in FOLDERS.items() if folder in parents), None)
        return self.packages[path]


@contextmanager
def followed() -> Iterator[Walk]:
    """Count what is called meanwhile, in this thread and in those that it starts."""
    walk = Walk()
    threading.setprofile(walk.note)
    sys.setprofile(walk.note)
    try:
        yield walk
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Walk:
    """The whole way again, after one customer of twenty has bought something else."""
    folder = tmp_path_factory.mktemp("walk")
    recipe = shop.write(folder / "shop")
    words = ("run", recipe, "--model", model, *RUN, "--store", folder / "store")
    invoke(*words)
    shop.write(folder / "shop", changed={7: "coffee"})
    with followed() as seen:
        invoke(*words)
    rows = llm4es_store.Store(folder / "store").sql(
        "SELECT stage, rows_computed FROM runs ORDER BY version DESC LIMIT 4"
    )
    # Words of the changed events, and what these say of who does what, are read anew as the other baselines are.
    # So are the vote and the choice that they are parts of.
    assert dict(rows.fetchall()) == {"serialize": 1, "enrich": 2, "embed": 2, "probe": 10}
    return seen


def test_a_command_asks_the_library_once_and_shows_what_it_gives(walk: Walk) -> None:
    steps = [call for call in walk.asked if call.endswith(":run")]
    assert len(steps) == 1
    opened, shown = walk.asked[: walk.asked.index(steps[0])], walk.asked[walk.asked.index(steps[0]) + 1 :]
    assert [call for call in opened if not call.endswith((":__init__", ":__getattr__", ":lean_arrow"))] == []
    assert 0 < len(shown) <= 4
    assert walk.borders[CLI, LIBRARY] <= 10
    assert walk.passed(CLI) <= 12


def test_nothing_goes_back_to_the_command_and_no_command_reaches_the_store(walk: Walk) -> None:
    assert {border for border in walk.borders if CLI in border} == {(CLI, LIBRARY)}


def test_the_store_is_asked_for_few_things(walk: Walk) -> None:
    # Ten feature sets; words read distinct events, a choice reads its parts; versions of models ask the record of runs.
    assert walk.borders[LIBRARY, STORE] <= 270
    assert walk.passed(STORE) <= 39  # of 53 small ones; replacing rows is done file by file
    assert walk.passed(LIBRARY) <= 245  # of 485 small ones; what pools events and combines probes is among them
