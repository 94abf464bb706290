"""A database that is made for one query shows what the query reads, and whatever else where that cannot be told."""

from pathlib import Path

import duckdb
import pytest

from llm4es.core.errors import StoreError
from llm4es.core.limits import FRUGAL
from llm4es_store import Store
from llm4es_store.damaged_views import named_views
from llm4es_store.sql import trusted
from llm4es_store.views import View

VIEWS = {name: View("SELECT 1 AS a", {"a": "INTEGER"}) for name in ("texts", "labels", "runs", "odd name")}

QUERIES = [
    ("SELECT 1", set[str]()),
    ("FROM texts", {"texts"}),
    ("SELECT (SELECT max(a) FROM Labels) FROM (FROM texts) JOIN texts other USING (a)", {"texts", "labels"}),
    ('WITH t AS (FROM texts), u AS (FROM t) SELECT * FROM u, "odd name"', {"texts", "odd name"}),
    ("SELECT * FROM texts UNION ALL SELECT * FROM runs WHERE a IN (FROM labels)", {"texts", "labels", "runs"}),
]

ANYTHING = [
    "SHOW TABLES",
    "DESCRIBE texts",
    "SUMMARIZE texts",
    "FROM nearest('d', 'e', 'm', 1, 5)",
    "SELECT * FROM texts, duckdb_views()",
    "FROM information_schema.tables",
    "FROM main.texts",
    "FROM pg_views",
    "FROM nowhere",
    "PIVOT texts ON a USING count(*)",
    "not a query",
]
"""Of what each of these reads nothing is known, or it is not what a view's name says."""


@pytest.mark.parametrize(("text", "expected"), QUERIES)
def test_a_query_reads_what_it_names(text: str, expected: set[str]) -> None:
    assert named_views(trusted(), VIEWS, text).keys() == expected


@pytest.mark.parametrize("text", ANYTHING)
def test_all_are_shown_where_it_cannot_be_told(text: str) -> None:
    assert named_views(trusted(), VIEWS, text) is VIEWS


def test_a_database_of_its_own_answers_as_the_store_does(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    for text in (
        "SHOW TABLES",
        "SELECT count(*) FROM texts JOIN labels USING (entity_id)",
        "SELECT cosine([1.0, 0.0], [1.0, 0.0]) FROM (SELECT 1)",
        "WITH t AS (FROM runs) SELECT count(*) FROM t",
    ):
        assert store.sql(text, limits=FRUGAL).fetchall() == store.sql(text).fetchall()
    with pytest.raises(StoreError, match="Did you mean"):
        store.sql("FROM text", limits=FRUGAL)
    for limits in (FRUGAL, None):  # a macro reads a view that the query does not name
        with pytest.raises(duckdb.InvalidInputException, match="no embeddings of dataset 'd': there are"):
            store.sql("FROM nearest('d', 'e', 'm', 1, 5)", limits=limits).fetchall()
