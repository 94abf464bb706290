"""docs/store.md says of every table what it is, column by column, and nothing that is not so."""

import doctest
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es_store import TABLES, Store
from llm4es_store.views import duckdb_type

DOCS = (Path(__file__).parent.parent / "docs/store.md").read_text()


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described_as_it_is(table: str) -> None:
    section = DOCS.partition(f"\n## `{table}`\n")[2].partition("\n## ")[0]
    spec = TABLES[table]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.+) \|$", section, re.MULTILINE)
    assert [row[:2] for row in rows] == [(f.name, duckdb_type(f.type).replace('"', "")) for f in spec.schema]
    assert all(len(meaning) > 2 for *_, meaning in rows)
    assert f"Key: {', '.join(f'`{column}`' for column in spec.key)}." in section
    if spec.partition_by:
        assert f"Folders by {', '.join(f'`{column}`' for column in spec.partition_by)}:" in section


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store like the one that the examples speak of, in the folder where they run."""
    monkeypatch.chdir(tmp_path)
    store = Store("llm4es-store", create=True)
    text = {"entity_id": ["196"], "variant": ["raw"], "text": ["t"], "text_hash": ["h"], "source_hash": ["e"]}
    with store.run("serialize", "movielens-100k", {"source": "5fc0"}, "0") as run:
        scope = {"dataset": "movielens-100k", "config_id": "t"}
        run.append("texts", scope, pa.table(text), ("entity_id", "variant"))
    vector = pa.table(
        {"entity_id": ["196"], "k": pa.array([8], pa.int32()), "source_hash": ["h"], "vector": [[1.0, 2.0]]}
    )
    with store.run("embed", "movielens-100k", {}, "0") as run:
        scope = {"dataset": "movielens-100k", "model": "smollm2-135m", "config_id": "e"}
        run.append("embeddings", scope, vector, ("entity_id", "k"))
    return store


def block(language: str) -> str:
    """The only code block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return str(found)


def test_the_python_shown_runs(shown: Store) -> None:
    code = block("python").replace("at=2", "at=4")  # the version at which this store has the vector
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["ids"].to_pylist() == ["196"]
    assert names["matrix"].tolist() == names["earlier"].tolist() == [[1.0, 2.0]]
    assert [len(frame) for frame in (*names["frames"], names["table"], names["own"], names["same"])] == [1] * 6


def test_the_way_back_to_the_raw_files_is_one_query(shown: Store) -> None:
    (row,) = shown.sql(block("sql")).fetchall()
    runs = dict(shown.sql("SELECT stage, run_id FROM runs").fetchall())
    assert row == ("196", runs["embed"], runs["serialize"], "5fc0")


def test_no_table_is_described_that_is_not_there() -> None:
    assert re.findall(r"^## `(\w+)`$", DOCS, re.MULTILINE) == list(TABLES)


@pytest.mark.parametrize("module", ["catalog", "fsync", "lineage", "maintenance", "run", "store"])
def test_the_examples_in_docstrings_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(import_module(f"llm4es_store.{module}"))
    assert (result.failed, result.attempted > 0) == (0, True)
