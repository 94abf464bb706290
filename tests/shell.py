"""Commands in this process, as a person types them: ``invoke`` for those that must succeed, ``Shell`` for any."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from llm4es.core.errors import Llm4esError
from llm4es_cli.main import app
from llm4es_store import Store
from llm4es_store.delta import Table
from llm4es_store.layout import StoreLayout

from . import shop

Call = Callable[..., tuple[int, str, str]]
"""Words in; exit code, stdout and stderr out."""


def invoke(*words: object, stdin: str | None = None) -> Result:
    """What a command showed. It must succeed; a known error is raised as it is."""
    done = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
    if isinstance(done.exception, Llm4esError):
        raise done.exception
    assert done.exit_code == 0, done.output + str(done.exception)
    return done


def committing_at_once(folder: Path) -> dict[str, str]:
    """The environment of a process that commits every increment as it comes: what kills it falls between two."""
    (folder / "sitecustomize.py").write_text("import llm4es.project.commits as c; c.COMMIT_SECONDS = 0.0")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path, "LLM4ES_CACHE": str(folder / "cache")}


def rows_so_far(root: Path, table: str) -> int:
    """How many rows a table has, as its log says: to look there takes little from the process that is waited for."""
    found = Table.open(StoreLayout.at(root).table(table))
    return 0 if found is None else sum(found.files()["num_records"].to_pylist())


class Shell:
    """A folder with a recipe, a model and a store, and the whole program to use them with."""

    def __init__(self, folder: Path, call: Call, model: Path) -> None:
        self.folder, self.model = folder, model
        self.recipe = shop.write(folder / "shop")
        self.root = folder / "store"
        self._call = call

    def __call__(self, command: str, *words: object) -> tuple[int, str, str]:
        return self._call(command, *words, "--store", self.root)

    def beside(self, name: str) -> "Shell":
        """Another such folder in this one, nothing done yet."""
        return Shell(self.folder / name, self._call, self.model)

    def stage(self, command: str, *words: object) -> list[dict[str, Any]]:
        """A stage's summary; the stage must succeed."""
        code, out, err = self(command, self.recipe, *words, "--format", "json")
        assert code == 0, err
        rows: list[dict[str, Any]] = json.loads(out)
        return rows

    def fails(self, command: str, *words: object) -> str:
        """The one line of a command that must be refused."""
        code, out, err = self(command, *words)
        assert code == 2, (code, out, err)
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, err
        assert "Traceback" not in err
        return lines[0]

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return Store(self.root).sql(query).fetchall()
