"""No statement writes, whatever the parser takes it for: a fuzz with and without the second wall."""

import hashlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from llm4es.core.errors import StoreError
from llm4es_store import Store
from llm4es_store.read_only_files import ReadOnlyFiles
from llm4es_store.sql import fetch, query

from .rows import KEY, SCOPE, texts
from .sql_fuzz import statements


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY)
    return store


def digest(folder: Path) -> str:
    """Of every name below a folder, and of what every file holds."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
    return whole.hexdigest()


def attacks(store: Store, connection: duckdb.DuckDBPyConnection, seed: int, count: int) -> list[str]:
    root = Path(store.layout.root)
    files = [str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.is_file()]
    ((spill,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    return list(statements(seed, count, store.layout.root, files, spill))


def test_nothing_is_written_through_the_checks(store: Store, tmp_path: Path) -> None:
    connection, before = store.connect(), digest(tmp_path)
    refused = 0
    for text in attacks(store, connection, 13, 2000):
        try:
            fetch(query(connection, text))
        except StoreError as error:
            refused += "\n" not in str(error)
    assert digest(tmp_path) == before
    assert refused > 1900  # a few explain or describe without running, and a COPY of theirs is refused when it is run
    assert len(store.sql("FROM texts").fetchall()) == 2


def test_nothing_is_written_without_the_checks(store: Store, tmp_path: Path) -> None:
    connection, before = store.connect(), digest(tmp_path)
    refused = 0
    for text in attacks(store, connection, 14, 1000):
        try:
            connection.execute(text).fetchall()
        except (duckdb.Error, RuntimeError):
            refused += 1
    assert digest(tmp_path) == before
    assert refused > 800


@pytest.mark.parametrize("around", ["WITH x AS ({}) PIVOT x ON count", "DESCRIBE WITH x AS ({}) PIVOT x ON count"])
@pytest.mark.parametrize("at", [None, 1])
def test_a_pivot_is_refused_before_what_stands_in_front_of_it_runs(store: Store, around: str, at: int | None) -> None:
    log = Path(store.layout.root, "tables/texts/_delta_log/00000000000000000000.json")
    before = log.read_bytes()
    text = around.format(f"COPY (SELECT 'gone' AS a) TO '{log}' (FORMAT csv)")
    with pytest.raises(StoreError, match="holds a COPY: the store is read-only"):
        store.sql(text, at=at)
    assert log.read_bytes() == before


def test_files_of_the_store_are_only_read(store: Store) -> None:
    files = ReadOnlyFiles(store.layout.root)
    path = store.layout.in_sandbox(f"{store.layout.table('texts')}/_delta_log/00000000000000000000.json")
    log = Path(store.layout.root, path.removeprefix("store://"))
    file = files.open(path)
    file.seek(3)
    assert file.read(10) == log.read_bytes()[3:13]
    file.close()
    for mode in ("wb", "ab", "r+b", "xb"):
        with pytest.raises(PermissionError):
            files.open(path, mode)
    for change in ("rm", "rm_file", "rmdir", "touch", "mkdir", "makedirs"):
        with pytest.raises(PermissionError):
            getattr(files, change)(path)
    for change in ("mv", "move", "copy", "cp_file"):
        with pytest.raises(PermissionError):
            getattr(files, change)(path, f"{path}.new")
    for other in (
        "store://models/x",
        "store://tables/../secret",
        "store://tables//x",
        "store:///etc/passwd",
        "store://",
    ):
        with pytest.raises(PermissionError):
            files.open(other)


def test_a_link_is_not_there_even_where_a_file_was_read(store: Store, tmp_path: Path) -> None:
    files, root = ReadOnlyFiles(store.layout.root), Path(store.layout.root)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a").write_bytes(b"secret")
    table = root / "tables" / "t"
    table.mkdir()
    (table / "a").write_bytes(b"mine")
    files.open("store://tables/t/a").close()
    assert (files.info("store://tables/t/a")["size"], files.exists("store://tables/t/b")) == (4, False)
    (table / "a").write_bytes(b"longer")
    files.open("store://tables/t/a").close()
    assert files.info("store://tables/t/a")["size"] == 6
    (table / "a").unlink()
    (table / "a").symlink_to(secret / "a")
    (table / "folder").symlink_to(secret)
    for path in ("store://tables/t/a", "store://tables/t/folder/a"):
        with pytest.raises(PermissionError):
            files.open(path)
    with pytest.raises(PermissionError):
        files.info("store://tables/t/folder/a")


def test_what_reads_is_read(store: Store) -> None:
    words = "WITH copy AS (SELECT text AS insert FROM texts) PIVOT copy ON insert USING count(*)"
    assert fetch(store.sql(words)).to_pylist() == [{"text a": 1, "text b": 1}]
    assert fetch(store.sql("SELECT '(copy x' AS a, query AS b FROM (SELECT 1 AS query)")).to_pylist() == [
        {"a": "(copy x", "b": 1}
    ]
    assert isinstance(fetch(store.sql("SUMMARIZE texts")), pa.Table)
