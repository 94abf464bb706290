"""The sandbox: what a query may not do."""

from pathlib import Path

import pytest

from llm4es.errors import StoreError
from llm4es_store import Store
from llm4es_store.sql import fetch

from .rows import KEY, SCOPE, texts


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    return store


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM texts",
        "FROM texts",
        "WITH t AS (SELECT 1) SELECT * FROM t",
        "(SELECT 1)",
        "-- a comment\nSELECT 1",
        "/* another */ SELECT 1",
        "VALUES (1)",
        "SHOW TABLES",
        "DESCRIBE texts",
        "SUMMARIZE texts",
        "EXPLAIN SELECT 1",
        "PIVOT (SELECT 1 AS a, 2 AS b) ON a USING sum(b)",
    ],
)
def test_reading_statements_run(store: Store, query: str) -> None:
    assert len(store.sql(query).fetchall()) >= 1


@pytest.mark.parametrize(
    "query",
    [
        "DROP VIEW texts",
        "CREATE TABLE x (a INT)",
        "INSERT INTO texts SELECT * FROM texts",
        "COPY (SELECT 1) TO '{root}/x.csv'",
        "COPY (PIVOT (SELECT 1 AS a, 2 AS b) ON a USING sum(b)) TO '{root}/x.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{root}/x.csv'",
        "EXPLAIN /* hidden */ ANALYZE COPY (SELECT 1) TO '{root}/x.csv'",
        "EXPORT DATABASE '{root}/x'",
        "ATTACH '{root}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "PREPARE a AS SELECT 1",
        "BEGIN",
        "VACUUM",
    ],
)
def test_writing_statements_are_refused(store: Store, query: str) -> None:
    with pytest.raises(StoreError, match=r"read-only|query failed"):
        store.sql(query.format(root=store.layout.root))
    assert not list(Path(store.layout.root).glob("x*"))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_text('{root}/../secret.txt')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "FROM query('COPY (SELECT 1) TO ''{root}/x.csv''')",
        "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM no_such_table",
        "SELEC 1",
    ],
)
def test_nothing_outside_the_store_can_be_read(store: Store, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(StoreError, match=r"query refused|query failed"):
        fetch(store.sql(query.format(root=store.layout.root)))


def test_a_python_variable_is_no_table(store: Store) -> None:
    import pyarrow as pa

    secret = pa.table({"a": [1]})
    with pytest.raises(StoreError, match="secret does not exist"):
        store.sql("SELECT * FROM secret")
    assert len(secret) == 1


def test_one_statement_at_a_time(store: Store) -> None:
    with pytest.raises(StoreError, match="holds 2 statements: give exactly one"):
        store.sql("SELECT 1; SELECT 2")
    with pytest.raises(StoreError, match="holds 0 statements: give exactly one"):
        store.sql("-- nothing")
