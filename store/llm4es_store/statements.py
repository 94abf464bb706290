"""Which statements are queries: the second wall of the sandbox, which says in words what the first would stop.

In: a connection to parse with, and a text. Out: nothing, or a StoreError. Nothing is run and nothing is planned: a plan
of a PIVOT runs what stands in front of it.
"""

import json
import re
from collections.abc import Iterator

import duckdb

from llm4es.core.errors import StoreError

_READS = {"SELECT", "EXPLAIN", "MULTI"}  # MULTI is how DuckDB parses a PIVOT
_FIRST_WORDS = re.compile(r"\s*(with|from|select|pivot|unpivot|values|table|describe|summarize|show)\b", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*explain\b(\s+analyze\b|\s*\(\s*(analyze|format)\b[^)]*\))?", re.IGNORECASE)
_NODE = re.compile(r'"type":"(\w+_NODE)"')
_READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_WRITES = {"copy", "insert", "update", "delete", "merge"}
_QUERIES = re.compile(r"\b(query|json_execute_serialized_sql)\b", re.IGNORECASE)


def check(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Refuse everything but one statement that reads. Raises StoreError, and duckdb.Error for what does not parse."""
    if (readable := text.encode(errors="backslashreplace").decode()) != text:
        raise StoreError(f"query {short(readable)!r} holds bytes that are no UTF-8: write them so")
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise StoreError(f"query {short(text)!r} holds {len(statements)} statements: give exactly one")
    try:
        kind = statements[0].type.name
    except ValueError:  # a kind that DuckDB's Python has no name for, such as UPDATE EXTENSIONS
        kind = "unknown"
    if kind not in _READS:
        raise StoreError(f"query {short(text)!r} is a {kind} statement: the store is read-only, write a SELECT")
    bare = _without_comments(text)
    if kind == "EXPLAIN":
        check(connection, _EXPLAIN.sub("", bare, count=1))  # EXPLAIN ANALYZE runs what it explains
    elif not _FIRST_WORDS.match(bare.lstrip(" \t\r\n(")):
        raise StoreError(f"query {short(text)!r} does not begin with SELECT, WITH or FROM: the store is read-only")
    elif found := next(_writes(connection, text), None):
        raise StoreError(f"query {short(text)!r} holds a {found}: the store is read-only, write a SELECT")


def _writes(connection: duckdb.DuckDBPyConnection, text: str) -> Iterator[str]:
    """What of a statement would write: ``WITH x AS (COPY ...) SELECT`` parses as a SELECT.

    The parser's tree says it. Of a PIVOT it gives none: there a bracket that opens on a word of writing is refused.
    """
    ((tree,),) = connection.execute("SELECT json_serialize_sql($1)", [text]).fetchall()
    if json.loads(tree).get("error"):
        yield from _openings(text)
    else:
        yield from (node for node in _NODE.findall(tree) if node not in _READING_NODES)


def _openings(text: str) -> Iterator[str]:
    """Words of writing that open a bracket, also in the text constants of what runs texts."""
    tokens = [(at, kind.name) for at, kind in duckdb.tokenize(text)]
    ends = [at for at, _ in tokens[1:]] + [len(text.encode())]
    encoded, before = text.encode(), ""
    for (at, kind), end in zip(tokens, ends, strict=True):
        token = encoded[at:end].decode(errors="replace").strip()
        if kind == "comment":
            continue
        if before.endswith("(") and token.lower() in _WRITES:
            yield token.upper()
        if kind == "string_const" and _QUERIES.search(text):
            yield from _openings(token.strip("'").replace("''", "'"))
        before = token


def _without_comments(text: str) -> str:
    """The query without leading comments, which would hide its first word."""
    return re.sub(r"^(\s+|--[^\n]*(\n|$)|/\*.*?\*/)+", "", text, flags=re.DOTALL)


def short(text: str) -> str:
    """The beginning of a text, in one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
