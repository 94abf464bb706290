"""The sandbox: what a query may not do."""

from pathlib import Path

import pytest

from llm4es.core.errors import StoreError
from llm4es.core.limits import Limits
from llm4es_store import TABLES, Store
from llm4es_store.sql import deadline, fetch, query, stream
from llm4es_store.views import duckdb_type

from .rows import KEY, SCOPE, texts


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    return store


READ = "SELECT entity_id, variant, text FROM texts"
ROW = ("1", "raw", "text a")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT cosine([3.0, 4.0], [4.0, 3.0]), cosine([1.0], [1.0, 0.0])", [(0.96, None)]),  # of no common space
        (READ, [ROW]),
        ("SELECT count(*) FROM texts", [(1,)]),
        (f"FROM ({READ})", [ROW]),
        (f"WITH t AS ({READ}) SELECT * FROM t", [ROW]),
        (f"({READ})", [ROW]),
        (f"-- a comment\n{READ}", [ROW]),
        (f"/* another */ {READ}", [ROW]),
        ("VALUES (1, 'a'), (2, 'b')", [(1, "a"), (2, "b")]),
        ("SHOW TABLES", [(table,) for table in sorted(TABLES)]),
        ("PIVOT (SELECT 1 AS a, 2 AS b) ON a USING sum(b)", [(2,)]),
        ("SELECT entity_id FROM texts UNION ALL SELECT 'x' ORDER BY 1", [("1",), ("x",)]),
    ],
)
def test_reading_statements_give_their_rows(store: Store, text: str, rows: list[tuple[object, ...]]) -> None:
    assert store.sql(text).fetchall() == rows


def test_the_whole_of_a_view_is_every_column_of_its_table(store: Store) -> None:
    (row,) = fetch(store.sql("FROM texts")).to_pylist()
    (run_id,) = store.sql("SELECT run_id FROM runs").fetchall()[0]
    known = {"dataset": "d", "entity_id": "1", "variant": "raw", "text": "text a", "text_hash": "a", "n_events": 1}
    assert row == {**dict.fromkeys(TABLES["texts"].schema.names), **known, "source_hash": "a", "config_id": "c"} | {
        "run_id": run_id
    }


def test_views_describe_and_summarise_themselves(store: Store) -> None:
    columns = [(field.name, duckdb_type(field.type)) for field in TABLES["texts"].schema]
    assert [row[:2] for row in store.sql("DESCRIBE texts").fetchall()] == columns
    summary = fetch(store.sql("SUMMARIZE texts")).to_pylist()
    assert [row["column_name"] for row in summary] == [name for name, _ in columns]
    assert {(row["column_name"], row["min"], row["max"]) for row in summary} >= {("text", "text a", "text a")}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"EXPLAIN {READ}", "physical_plan"),
        (f"EXPLAIN ANALYZE {READ}", "analyzed_plan"),
        (f"EXPLAIN (FORMAT json) {READ}", "physical_plan"),
        (f"EXPLAIN ({READ})", "physical_plan"),
    ],
)
def test_a_reading_query_is_explained(store: Store, text: str, kind: str) -> None:
    ((key, plan),) = store.sql(text).fetchall()
    assert key == kind
    assert "read_parquet" in plan.lower()


@pytest.mark.parametrize(
    "text",
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
        "WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x",
        "/* SELECT */ with x as materialized (copy (select 1) to '{root}/x.csv') from x",
        "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x",
        "FROM query('WITH x AS (COPY (SELECT 1) TO ''{root}/x.csv'') FROM x')",
        "SELECT * FROM (WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x)",
        "WITH x AS (INSERT INTO texts SELECT * FROM texts RETURNING *) FROM x",
        "MERGE INTO texts USING texts t ON true WHEN MATCHED THEN DELETE",
        "FROM enable_logging('QueryLog', storage = 'file', storage_path = '{root}/x')",
        "FROM enable_profiling(save_location = '{root}/x.json')",
        "IMPORT DATABASE '{root}'",
        "DETACH memory",
        "CHECKPOINT",
        "USE memory",
        "UPDATE EXTENSIONS",
        "EXECUTE a",
        "TRUNCATE texts",
        "RESET threads",
        "SET VARIABLE a = 1",
        "CREATE SECRET a (TYPE s3)",
        "CREATE MACRO a() AS 1",
        "COMMENT ON VIEW texts IS 'a'",
        "COPY FROM DATABASE memory TO x",
        "INSTALL '{root}/x.duckdb_extension'",
        "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{root}/x.csv'",
        "EXPLAIN (ANALYZE, FORMAT json) WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x",
        "WITH y AS (WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x) FROM y",
        "WITH x AS NOT MATERIALIZED (COPY (SELECT 1) TO '{root}/x.csv') FROM x",
        "DESCRIBE WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x",
        "PIVOT (WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x) ON count USING sum(count)",
        "WITH x AS (ATTACH '{root}/x.db') FROM x",
        "WITH x AS (SET threads = 1) FROM x",
        "WITH x AS (CALL pragma_version()) FROM x",
        "FROM query('ATTACH ''{root}/x.db''')",
        "FROM query('SELECT 1; SELECT 2')",
    ],
)
def test_writing_statements_are_refused(store: Store, text: str) -> None:
    with pytest.raises(StoreError, match=r"read-only|query failed|query refused"):
        fetch(store.sql(text.format(root=store.layout.root)))
    assert not list(Path(store.layout.root).glob("x*"))


@pytest.mark.parametrize(
    "text",
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
        "SELECT * FROM read_text('{root}-secret/x.txt')",
        "SELECT * FROM read_text('/tmp/llm4es-duckdb/x.txt')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM read_csv('/dev/stdin')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT * FROM read_duckdb('/tmp/x.db')",
        "SELECT * FROM 'https://example.org/x.csv'",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM duckdb_extensions()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM no_such_table",
        "FROM query('FROM read_text(''/etc/passwd'')')",
        "FROM query_table('/etc/passwd')",
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))",
        "SUMMARIZE '/etc/passwd'",
        "DESCRIBE SELECT * FROM read_csv('/etc/passwd')",
        "FROM read_text(['{root}/tables/runs/_delta_log/00000000000000000000.json', '/etc/passwd'])",
        "FROM read_text('{root}/tables/../../secret.txt')",
        "FROM read_text('file:{root}/../secret.txt')",
        "FROM read_text('~/.bashrc')",
        "FROM delta_scan('{root}/tables/texts')",
        "FROM which_secret('s3://a/b', 's3')",
        "FROM pandas_scan(1)",
        "SELEC 1",
    ],
)
def test_nothing_outside_the_store_can_be_read(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(StoreError, match=r"query refused|query failed"):
        fetch(store.sql(text.format(root=store.layout.root)))


def test_links_in_the_store_lead_nowhere(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\nsecret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "secret.csv").write_text("a\nsecret")
    root = Path(store.layout.root)
    (root / "file.csv").symlink_to(tmp_path / "secret.csv")
    (root / "folder").symlink_to(tmp_path / "folder")
    for path in ("file.csv", "folder/secret.csv"):
        for reader in (f"read_text('{root}/{path}')", f"read_csv('{root}/{path}')", f"'{root}/{path}'"):
            with pytest.raises(StoreError, match="query refused"):
                fetch(store.sql(f"FROM {reader}"))


def test_no_setting_tells_of_the_environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "motherduck_token"):
        monkeypatch.setenv(variable, "http://user:sesame@localhost:1")
    settings = fetch(Store(store.layout.root).sql("FROM duckdb_settings()")).to_pylist()
    assert {"http_proxy", "TimeZone", "threads"} <= {setting["name"] for setting in settings}
    assert [setting["name"] for setting in settings if "sesame" in str(setting["value"])] == []


def test_times_are_utc_whatever_the_machines_zone_and_names_are_no_variables(store: Store) -> None:
    asked = "SELECT current_setting('TimeZone') AS zone, current_setting('python_enable_replacements') AS variables"
    with store.connect() as connection:  # each query has a cursor of its own: settings of a session do not reach it
        own = fetch(connection.sql(asked)).to_pylist()
    assert fetch(store.sql(asked)).to_pylist() == own == [{"zone": "UTC", "variables": False}]


def test_columns_of_one_name_are_told_apart(store: Store) -> None:
    asked = "SELECT 1 AS a, 2 AS a_1, 3 AS a, 4 AS a"
    expected = [{"a": 1, "a_1": 2, "a_2": 3, "a_3": 4}]
    assert fetch(store.sql(asked)).to_pylist() == expected
    assert stream(store.sql(asked), 10).read_all().to_pylist() == expected


def test_words_of_writing_in_a_reading_query_are_no_offence(store: Store) -> None:
    query = "WITH copy AS (SELECT 'insert' AS \"update\", text AS delete FROM texts) SELECT * FROM copy"
    assert store.sql(query).fetchall() == [("insert", "text a")]


def test_other_peoples_spilled_rows_are_out_of_reach(store: Store) -> None:
    mine, theirs = (
        Store(store.layout.root).sql("SELECT current_setting('temp_directory')").fetchall()[0][0] for _ in range(2)
    )
    assert mine != theirs
    assert not Path(mine).exists()


def test_limits_hold(store: Store) -> None:
    bounded = Store(store.layout.root, limits=Limits(memory="64MB", spill="1MB", threads=1))
    assert bounded.sql("SELECT current_setting('threads')").fetchall() == [(1,)]
    with pytest.raises(StoreError, match=r"query failed: .*(memory|max_temp_directory_size)"):
        fetch(bounded.sql("SELECT DISTINCT md5(range::VARCHAR) || repeat('x', 50) AS a FROM range(400000) ORDER BY a"))
    with pytest.raises(StoreError, match="threads 0 cannot be set"):
        Store(store.layout.root, limits=Limits(threads=0)).sql("SELECT 1")


def test_a_query_of_bytes_that_are_no_text(store: Store) -> None:
    with pytest.raises(StoreError, match=r"query \"SELECT '.*udce9'\" holds bytes that are no UTF-8"):
        store.sql("SELECT '\udce9'")


def test_a_query_is_stopped_in_time(store: Store) -> None:
    connection = store.connect()
    endless = "SELECT count(*) FROM range(100000000000) a, range(100) b WHERE a.range + b.range = 7"
    with pytest.raises(StoreError, match=r"query stopped after 0.2 s: ask for less"), deadline(connection, 0.2):
        fetch(query(connection, endless))
    with deadline(connection, 60), pytest.raises(StoreError, match="no_such_table"):
        fetch(query(connection, "FROM no_such_table"))


def test_rows_are_streamed_and_their_errors_told(store: Store) -> None:
    batches = list(stream(store.sql("SELECT * FROM range(5000)"), 2048))
    assert len(batches) > 1
    assert [row["range"] for batch in batches for row in batch.to_pylist()] == list(range(5000))
    with pytest.raises(StoreError, match="query failed"):
        stream(
            store.sql("SELECT CASE WHEN range > 100000 THEN error('boom') ELSE 'a' END FROM range(200000)"), 4
        ).read_all()


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
