"""What several test modules are given: a model's folder, the program, and a shop to use both on, and what to fetch."""

import gc
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import shop
from .shell import Call, Shell
from .wheels import build_wheel, serving

if TYPE_CHECKING:
    from llm4es import Project


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """What is there when a module's tests begin, which is what the heavy libraries keep, is not looked through again.

    A command ends with a collection, which takes a fifth of a second in a process that has loaded torch.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """All of it ends with the process."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights."""
    from . import tiny  # heavy

    return tiny.save(tmp_path_factory.mktemp("models") / "tinyllama")


@pytest.fixture
def llm4es(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """The program in this process, its errors and exit codes included."""
    from llm4es_cli.main import main

    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["llm4es", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err  # type: ignore[return-value]  # never text here

    return call


@pytest.fixture
def shell(tmp_path: Path, llm4es: Call, model: Path) -> Shell:
    """A shop's recipe and files, a model, and where a store will be."""
    return Shell(tmp_path, llm4es, model)


@pytest.fixture
def few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes of ``run`` in few folds, where what is shown does not depend on their number."""
    from llm4es.options import ProbeOptions

    few = partial(ProbeOptions, folds=2, repeats=1, bootstrap=20)
    monkeypatch.setattr("llm4es.project.run.ProbeOptions", few)


@pytest.fixture
def own(tmp_path: Path, llm4es: Call, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shop's texts in a store, a key for a server, and no model on this machine."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    shell = Shell(tmp_path, llm4es, Path("none"))
    shell.stage("serialize")
    return shell


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def project(place: Path) -> "Project":
    """A shop's project, without a store yet."""
    from llm4es import Project

    return Project(shop.write(place / "shop"), place / "store", observer="silent")


@pytest.fixture(scope="session")
def lender_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lender's store, of which a test takes a copy."""
    from . import lenders  # heavy

    folder = tmp_path_factory.mktemp("lender")
    lenders.project(folder)
    return folder / "store"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that pip finds without a network."""
    made = build_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.parent))
    return made


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that has the file ``data.zip`` and no other."""
    with serving() as address:
        yield address


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many raw rows each ``serialize`` has read."""
    import pyarrow as pa  # heavy

    from llm4es.recipes import RawEvents  # heavy

    rows: list[int] = []
    real = RawEvents.read

    def counting(self: RawEvents, only: pa.ChunkedArray | None = None) -> pa.RecordBatchReader:
        table = real(self, only).read_all()
        rows.append(len(table))
        return table.to_reader()

    monkeypatch.setattr(RawEvents, "read", counting)
    return rows
