"""The user's guide to recipes: names every key and choice, and its example is a recipe that works."""

import doctest
import importlib
import re
from enum import StrEnum
from pathlib import Path

import pytest

from llm4es.core.tasks import Kind
from llm4es.enrich.prompts import prompt_names
from llm4es.options import History, SerializeOptions
from llm4es.recipes import Derive, builtin_recipes, load_recipe, locate, read_events, read_labels
from llm4es.recipes.model import FieldType, Header, Recipe, TimeFormat
from llm4es.serialize.formats import TextFormat

GUIDE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z0-9_-]+", GUIDE))


DOCTESTED = [
    *(
        "core.errors",
        "core.frames",
        "core.sample",
        "recipes.events",
        "recipes.labels",
        "recipes.load",
        "recipes.locate",
    ),
    *("recipes.splits", "recipes.from_frame.keep", "recipes.from_frame.recipe", "recipes.init.draft"),
    *("recipes.model.recipe", "serialize.serialize", "serialize.escaping", "serialize.formats"),
]


@pytest.mark.parametrize("module", DOCTESTED)
def test_examples_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"llm4es.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_every_key_is_described() -> None:
    schema = Recipe.model_json_schema(by_alias=True)
    keys = {key for part in [schema, *schema["$defs"].values()] for key in part.get("properties", {})}
    assert keys - WORDS == set()


@pytest.mark.parametrize("choices", [Derive, FieldType, TextFormat, Header, History, Kind, TimeFormat])
def test_every_choice_is_described(choices: type[StrEnum]) -> None:
    assert {choice.value for choice in choices} - WORDS == set()


def test_prompts_and_recipes_are_described() -> None:
    assert {*prompt_names(), *builtin_recipes()} - WORDS == set()


def test_the_example_works(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    rows = "customer,bought_at,product,amount\n"
    (tmp_path / "2024" / "a.csv").write_text(rows + "7,01.02.2024 10:00,1,2.5\n7,02.02.2024 10:00,2,0\n")
    (tmp_path / "2024" / "b.csv").write_text(rows + "7,31.01.2024 10:00,3,-1\n")
    (tmp_path / "customers.tsv").write_text("customer\tage\n7\t20\n")
    (tmp_path / "shop.toml").write_text(re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[0], encoding="utf-8")
    recipe = load_recipe(str(tmp_path / "shop.toml"))
    assert recipe.texts.options() == SerializeOptions(max_events=500)
    events = read_events(recipe, locate(recipe), recipe.texts.options()).read_all()
    assert events["product"].to_pylist() == ["3", "tea"]
    assert read_labels(recipe, locate(recipe)).to_pylist() == [
        {"dataset": "shop", "entity_id": "7", "task": "young", "label": "true", "as_of": None}
    ]
