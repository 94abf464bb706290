"""docs/store.md says of every table what it is, column by column, and nothing that is not so."""

import re
from pathlib import Path

import pytest

from llm4es_store import TABLES
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


def test_no_table_is_described_that_is_not_there() -> None:
    assert re.findall(r"^## `(\w+)`$", DOCS, re.MULTILINE) == list(TABLES)
