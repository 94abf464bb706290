"""Every example in a docstring of the packages runs and gives what it says."""

import doctest
import importlib
import pkgutil
import socket
import warnings
from types import ModuleType
from typing import Any, NoReturn

import pytest

import llm4es
import llm4es_cli
import llm4es_store

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


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def refused(*_: Any) -> NoReturn:
        raise OSError("an example may not use the network")

    module = importlib.import_module(name)
    examples = doctest.DocTestFinder(exclude_empty=True).find(module)
    if not any(test.examples for test in examples):
        return
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test in examples:
            runner = doctest.DocTestRunner(optionflags=flags)
            said: list[str] = []
            runner.run(test, out=said.append)
            assert not runner.failures, "".join(said)
