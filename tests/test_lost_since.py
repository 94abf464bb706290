"""What was lost and taken as it is by a repair is made again by the next serialization, whatever the record says."""

import shutil
from pathlib import Path

import pytest

from llm4es import Project
from llm4es_store import Store

from . import shop

MADE = {"events/shop": "events_shop", "texts": "texts", "labels": "labels", "splits": "splits"}


def rows(root: Path) -> dict[str, int]:
    """How many rows each table has."""
    store = Store(root)
    return {view: store.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0] for view in MADE.values()}


@pytest.mark.parametrize("mode", ["full", "append"])
def test_lost_tables_are_made_again(place: Path, mode: str) -> None:
    recipe, root = shop.write(place / "shop"), place / "store"
    if mode == "append":
        recipe.write_text(recipe.read_text().replace("[events]", '[events]\nmode = "append"'))
    Project(recipe, root, observer="silent").serialize()
    before = rows(root)
    for table in MADE:
        shutil.rmtree(root / "tables" / table)
        Store(root).check(repair=True)
        planned = Project(recipe, root, observer="silent").serialize(dry_run=True)
        assert (planned.computed > 0) == (table == "texts"), table
        Project(recipe, root, observer="silent").serialize()
        assert rows(root) == before, table
        assert Project(recipe, root, observer="silent").serialize().computed == 0
