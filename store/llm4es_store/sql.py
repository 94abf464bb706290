"""DuckDB over the store: read-only, sandboxed, with the promised views and macros.

In: SELECTs for the store's views, and a user's query. Out: a connection, a relation. Knows no stage.

A query may read the store's own files and nothing else: no other path, no network, no extension, no environment, no
setting. Two locks hold this: DuckDB's own (external access off, configuration locked), and the kind of statement.
"""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from llm4es.errors import StoreError

from .quoting import literal, name

MACROS = (
    "CREATE MACRO cosine(a, b) AS list_cosine_similarity(a, b)",
    """CREATE MACRO nearest(of_dataset, entity, of_model, of_k, n) AS TABLE
    SELECT other.entity_id, list_cosine_similarity(other.vector, chosen.vector) AS cosine, other.config_id
    FROM embeddings other JOIN embeddings chosen USING (dataset, model, k, config_id)
    WHERE other.dataset = of_dataset AND other.model = of_model AND other.k = of_k
      AND chosen.dataset = of_dataset AND chosen.model = of_model AND chosen.k = of_k AND chosen.entity_id = entity
      AND other.entity_id <> entity
    ORDER BY cosine DESC, other.entity_id LIMIT n""",
)
"""SQL that every connection starts with."""

_READS = {"SELECT", "EXPLAIN", "MULTI"}  # MULTI is how DuckDB parses a PIVOT
_FIRST_WORDS = re.compile(r"\s*(with|from|select|pivot|unpivot|values|table|describe|summarize|show)\b", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\b", re.IGNORECASE)


def connect(views: Mapping[str, str], folder: str, remote: object | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory connection that shows ``views`` (name -> SELECT) and can read ``folder`` only.

    ``remote`` is an fsspec file system for the folder's scheme, None for a local folder.
    """
    connection = duckdb.connect()
    spill = Path(tempfile.gettempdir()) / "llm4es-duckdb"
    connection.execute(f"SET temp_directory = {literal(str(spill))}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")  # a table's name never means a Python variable
    if remote is not None:
        connection.register_filesystem(remote)
    connection.execute(f"SET allowed_directories = [{literal(folder)}]")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET enable_external_access = false")
    for view, select in views.items():
        connection.execute(f"CREATE VIEW {name(view)} AS {select}")
    for macro in MACROS:
        connection.execute(macro)
    connection.execute("SET lock_configuration = true")
    return connection


def query(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation:
    """The relation of one reading statement. Raises StoreError for any other, and for one that does not parse."""
    check(connection, text)
    try:
        relation = connection.sql(text)
    except duckdb.Error as error:
        raise StoreError(explain(error)) from error
    if relation is None:
        raise StoreError(f"query {_short(text)!r} gives no rows: write a SELECT")
    return relation


def fetch(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """All rows of a relation. Raises StoreError for what only running it shows, such as a file out of bounds."""
    try:
        return relation.to_arrow_table()
    except duckdb.Error as error:
        raise StoreError(explain(error)) from error


def check(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Refuse everything but one statement that reads."""
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as error:
        raise StoreError(explain(error)) from error
    if len(statements) != 1:
        raise StoreError(f"query {_short(text)!r} holds {len(statements)} statements: give exactly one")
    kind = statements[0].type.name
    if kind not in _READS:
        raise StoreError(f"query {_short(text)!r} is a {kind} statement: the store is read-only, write a SELECT")
    bare = _without_comments(text)
    if kind == "EXPLAIN":
        check(connection, _EXPLAIN.sub("", bare, count=1))  # EXPLAIN ANALYZE runs what it explains
    elif not _FIRST_WORDS.match(bare.lstrip(" \t\r\n(")):
        raise StoreError(f"query {_short(text)!r} does not begin with SELECT, WITH or FROM: the store is read-only")


def explain(error: duckdb.Error) -> str:
    """DuckDB's message as one line, with what to do where a sandbox lock was hit."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = " ".join(line for line in lines if not line.startswith(("LINE ", "^")))
    if "disabled by configuration" in message or "has been locked" in message:
        return f"query refused: {message}: only the store's own tables can be read, see `llm4es sql 'SHOW TABLES'`"
    return f"query failed: {message}"


def _without_comments(text: str) -> str:
    """The query without leading comments, which would hide its first word."""
    return re.sub(r"^(\s+|--[^\n]*(\n|$)|/\*.*?\*/)+", "", text, flags=re.DOTALL)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
