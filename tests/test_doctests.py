"""Every example in a docstring of the packages runs and gives what it says."""

import doctest
import importlib
import pkgutil
import shutil
import socket
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

import llm4es
import llm4es_cli
import llm4es_store

from . import shop, tiny

PACKAGES = (llm4es, llm4es_store, llm4es_cli)


def modules(package: ModuleType) -> list[str]:
    """Names of a package's modules, its own included."""
    inside = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package.__name__, *(module.name for module in inside)]


NAMES = [name for package in PACKAGES for name in modules(package)]


def test_the_examples_of_public_functions_are_among_them() -> None:
    """The search itself: a module whose examples are known to be there, and the count of all is not nothing."""
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module("llm4es.features.to_table"))
    assert sum(len(test.examples) for test in found) >= 3
    assert len(NAMES) > 100


@pytest.fixture(scope="session")
def probed_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shop's files, a tiny model, and a store that has texts, vectors and probes."""
    folder = tmp_path_factory.mktemp("probed-shop")
    model = tiny.save(folder / "model")
    project = llm4es.Project(shop.write(folder), store=folder / "shop-store", observer="silent")
    project.serialize()
    project.embed(model=str(model), k=(1, "all"), max_length=64)
    project.probe("loyal", features="counts,model@1", folds=2, repeats=1, bootstrap=20)
    return folder


def given(name: str, request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    """What an example of that module finds besides the module's own names, made anew in a folder for each."""
    if not name.startswith("llm4es.project"):
        return {}
    shutil.copytree(request.getfixturevalue("probed_shop"), folder)
    project = llm4es.Project(folder / "shop.toml", store=folder / "shop-store", observer="silent")
    return {"project": project, "context": project._context(), "folder": str(folder / "model")}


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: Any) -> NoReturn:
        raise OSError("an example may not use the network")

    module = importlib.import_module(name)
    examples = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]
    given_names = [given(name, request, tmp_path / f"{number}" / "shop") for number, _ in enumerate(examples)]
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM4ES_STORE", raising=False)  # the usual store is the one that examples leave out
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test, names in zip(examples, given_names, strict=True):
            test.globs |= names
            runner = doctest.DocTestRunner(optionflags=flags)
            said: list[str] = []
            runner.run(test, out=said.append)
            assert not runner.failures, "".join(said)
