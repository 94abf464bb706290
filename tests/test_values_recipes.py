"""Recipes that can show something: a field at least, and codes with their zeros."""

import csv
from pathlib import Path

import pytest

from llm4es.core.errors import RecipeError
from llm4es.recipes import load_recipe, locate, read_events
from llm4es.recipes.init import draft_recipe
from llm4es.serialize import serialize

from .raw import ALL

HEAD = 'name = "mine"\n[tables.events]\npath = "events.csv"\n[events]\nentity = "user"\n'
HIDDEN = '[[fields]]\nname = "what"\nin_text = false\n'


def test_a_recipe_that_shows_nothing_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(HEAD + HIDDEN)
    with pytest.raises(RecipeError, match=r"r.toml: .*every field has in_text = false, and a text shows one or more"):
        load_recipe(recipe)
    recipe.write_text(HEAD + HIDDEN + "[presets.none]\nfields = []\n")
    with pytest.raises(RecipeError, match=r"r.toml: presets.none.fields"):
        load_recipe(recipe)


def test_fields_may_be_shown_by_a_preset_alone(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(HEAD + HIDDEN + '[presets.all]\nfields = "what"\n[texts]\npreset = "all"\n')
    assert [field.name for field in load_recipe(recipe).text_fields("all")] == ["what"]
    with pytest.raises(RecipeError, match="preset 'raw' of recipe 'mine' shows no field: choose all"):
        load_recipe(recipe).text_fields()


def test_a_drafted_recipe_shows_something(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,what\n" + "".join(f"u{i % 3},{i}x\n" for i in range(30)))
    draft = draft_recipe(tmp_path / "events.csv", folder=tmp_path)
    (tmp_path / "r.toml").write_text(draft.toml)
    assert [field.name for field in load_recipe(tmp_path / "r.toml").text_fields()] == ["what"]
    assert any("none seems worth showing" in doubt for doubt in draft.unsure)


@pytest.mark.parametrize("codes", [37, 300])
def test_codes_keep_their_zeros(tmp_path: Path, codes: int) -> None:
    rows = [f"c{i % 30},2024-01-{i % 28 + 1:02d},{i * 37 % 997 % codes:08d},{i % 50}.5" for i in range(300)]
    (tmp_path / "events.csv").write_text("\n".join(["customer,at,product,price", *rows]) + "\n")
    (tmp_path / "r.toml").write_text(draft_recipe(tmp_path / "events.csv", folder=tmp_path).toml)
    recipe = load_recipe(tmp_path / "r.toml")
    texts = [
        text for batch in serialize(read_events(recipe, locate(recipe), ALL), recipe, ALL) for text in batch["text"]
    ]
    at = [field.name for field in recipe.text_fields()].index("product")
    shown = sorted(line.split(" | ")[at] for text in texts for line in text.as_py().splitlines()[1:])
    with (tmp_path / "events.csv").open() as file:
        assert shown == sorted(row["product"] for row in csv.DictReader(file))
