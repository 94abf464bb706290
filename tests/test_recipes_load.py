"""Recipes by name and path: what is in the package, and what each kind of mistake is told as."""

from pathlib import Path

import pytest

from llm4es.core.errors import RecipeError
from llm4es.core.hashing import canonical_json, text_hash
from llm4es.recipes import builtin_recipes, load_recipe, recipe_from_json

from . import shop

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
    assert builtin_recipes() == ["age", "baseball", "gender", "meds", "movielens-100k", "rosbank"]
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


CONTENT_HASHES = {
    "age": "d314cf4234120d66d9a20312df9583a2762bdbb974793fd95f9662eee80a9039",
    "gender": "434f0fdd5929f27aa43d04dd93432a67cc9a948202b03a0164e59fd895221258",
    "movielens-100k": "f6d1bd1e36f4278e32f69e6a96a21e504c14a4c3f10cf4db9642655de36662c0",
    "rosbank": "a62b6307bc7564680d02e6ebf82592338488e82bd0fe8e87cc77833e1676a6a1",
    "shop": "66afb98821a5f873d52647bc73ea1d4e229e0e3fe68fdbbbd832e7c9b7876119",
}
FINGERPRINTS = {
    "age": "d58650c02a1f12638ab7b85b7ba768c675fbabda113a3b1d7d321757861fcf9a",
    "gender": "4b1c503ec231e88f8c7bd8dd2623ea134069d0328b93acbde6cef6585da8b6c2",
    "movielens-100k": "5aee791694ee4e6bf6b50a066643ef2d4343fea41b4e7d869ff6fbb2dffa685d",
    "rosbank": "825aab8d60396c28835eaba499fa320fb3bde75018a2ef48054669e2100903a8",
    "shop": "16b1c7f28ea00e2528d48cabe2027cf9e795e929890cba42a48079d8f4562f53",
}
"""Computed by version 0.1: its stores are keyed on them."""


@pytest.mark.parametrize("name", CONTENT_HASHES)
def test_hashes_are_those_that_stores_are_keyed_on(tmp_path: Path, name: str) -> None:
    recipe = load_recipe(shop.write(tmp_path) if name == "shop" else name)
    assert recipe.serialized_hash() == CONTENT_HASHES[name]
    assert (recipe.content_hash() == CONTENT_HASHES[name]) == (not recipe.texts.by)  # keys that 0.1 did not know
    assert text_hash(canonical_json(recipe.fingerprint())) == FINGERPRINTS[name]


@pytest.mark.parametrize("name", CONTENT_HASHES)
def test_a_kept_recipe_is_the_same_recipe(tmp_path: Path, name: str) -> None:
    recipe = load_recipe(shop.write(tmp_path) if name == "shop" else name)
    kept = recipe_from_json(recipe.to_json(), recipe.folder, recipe.origin)
    assert kept == recipe
    assert kept.content_hash() == recipe.content_hash()
    assert kept.serialized_hash() == CONTENT_HASHES[name]
    assert list(kept.all_layouts) == list(recipe.all_layouts)  # the first whose files are there is taken
    assert recipe_from_json(recipe.to_json(), tmp_path / "moved").folder == tmp_path / "moved"
    assert "folder" not in recipe.to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"the kept recipe is not valid JSON: Expecting property name"),
        ("[1]", r"the kept recipe is no object but '\[1\]': keep it again from its TOML"),
        ('{"name": "a", "colour": 1}', r"the kept recipe 'a': events: Field required"),
    ],
)
def test_a_kept_recipe_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from_json(text)


def test_datasets_of_the_store_are_suggested() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'bnk-a': did you mean bank-a or rosbank\?"):
        load_recipe("bnk-a", known=["bank-a", "age"])
    with pytest.raises(RecipeError, match=r"no recipe 'qqq': there are mine, age, baseball, gender"):
        load_recipe("qqq", known=["mine", "age"])


def test_a_recipe_does_not_say_where_it_lies(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"mine.toml: folder: there is no such key"):
        load_recipe(write(tmp_path, 'folder = "/tmp"\n' + GOOD))


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
        (
            'name = "amount"',
            'name = "position"',
            r"fields.1: every event has a column 'position' already: name the field",
        ),
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
        ("qqq", r"no recipe 'qqq': there are age, baseball, gender, meds, movielens-100k, rosbank"),
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


def test_a_preset_that_is_not_there() -> None:
    recipe = load_recipe("rosbank")
    with pytest.raises(RecipeError, match=r"recipe 'rosbank' has no text preset 'papr': there are raw, paper"):
        recipe.text_fields("papr")
