"""Recipes by name and path: what is in the package, and what each kind of mistake is told as."""

from pathlib import Path

import pytest

from llm4es.core.errors import RecipeError
from llm4es.recipes import builtin_recipes, load_recipe

GOOD = """name = "mine"
item = "what"

[tables.events]
path = "events.csv"

[events]
entity = "user"
time = { from = "at", format = "unix" }

[[fields]]
name = "what"

[[fields]]
name = "amount"
type = "number"
decimals = 2

[tasks.left]
kind = "binary"
table = "events"
entity = "user"
label = "left"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_is_built_in() -> None:
    assert builtin_recipes() == ["age", "gender", "movielens-100k", "rosbank"]
    for name in builtin_recipes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.description
        assert recipe.tasks
        assert recipe.item in {field.name for field in recipe.fields}


def test_metrics_and_titles_by_default(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, GOOD))
    assert recipe.tasks["left"].metric == "roc_auc"
    assert [field.title for field in recipe.fields] == ["What", "Amount"]
    assert recipe.splits.names == ["hash"]
    assert recipe.folder == tmp_path


def test_a_fingerprint_is_of_what_the_texts_show(tmp_path: Path) -> None:
    base = load_recipe(write(tmp_path, GOOD)).fingerprint()
    hidden = GOOD.replace('kind = "binary"', 'kind = "multiclass"')
    assert load_recipe(write(tmp_path, hidden)).fingerprint() == base
    assert load_recipe(write(tmp_path, GOOD.replace("decimals = 2", "decimals = 1"))).fingerprint() != base


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "decimals = 2",
            "decimls = 2",
            r"fields.1.decimls \(line 17: decimls = 2\): there is no such key; did you mean 'decimals'\?",
        ),
        (
            "decimals = 2",
            'decimals = "x"',
            r"fields.1.decimals \(line 17: .*\): Input should be a valid integer.*, not 'x'",
        ),
        ("decimals = 2", "decimals = 99", r"fields.1: 'decimals' is between 0 and 9"),
        ('type = "number"', 'type = "numbr"', r"fields.1.type \(line 16: .*\): Input should be 'text', .*not 'numbr'"),
        ('name = "amount"', 'name = "what"', r"field 'what' is there twice"),
        ('item = "what"', 'item = "wat"', r"item names 'wat', which is no field: there are what, amount"),
        ('path = "events.csv"', "", r"tables.events.path.*: Field required"),
        (
            'format = "unix"',
            'format = "unx"',
            r"format 'unx' is neither one of iso, unix, days, days_time nor a strptime",
        ),
        ('format = "unix"', 'format = "days"', r"'origin' is given exactly for formats 'days' and 'days_time'"),
        (
            'table = "events"\nentity',
            'table = "labels"\nentity',
            r"layout 'files' has no table 'labels', which the recipe reads",
        ),
        ('name = "mine"', 'name = "My Data"', r"name \(line 1: .*\): String should match pattern"),
        ("[[fields]]", "[fields", r"is not valid TOML: .*line 11"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(write(tmp_path, GOOD.replace(old, new, 1)))
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("movielens", r"no recipe 'movielens': did you mean movielens-100k\?"),
        ("qqq", r"no recipe 'qqq': there are age, gender, movielens-100k, rosbank"),
        ("nowhere/mine.toml", r"no recipe at nowhere/mine.toml: check the path, or write one with 'llm4es init'"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(name)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RecipeError, match=r"cannot read the recipe .*x.toml"):
        load_recipe(str(tmp_path / "x.toml"))


def test_tasks_and_presets_that_are_not_there() -> None:
    recipe = load_recipe("rosbank")
    with pytest.raises(RecipeError, match=r"recipe 'rosbank' has no task 'churn': there are target"):
        recipe.task("churn")
    with pytest.raises(RecipeError, match=r"recipe 'rosbank' has no text preset 'papr': there are raw, paper"):
        recipe.text_fields("papr")
