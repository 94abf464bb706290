"""Files stay below the recipe's folder or --data; what is no recipe is refused before it is read through."""

from pathlib import Path

import pytest

from llm4es.core.errors import RecipeError
from llm4es.recipes import load_recipe, locate
from llm4es.recipes.init.draft import draft_recipe

RECIPE = '[tables.events]\npath = "{path}"\n[events]\nentity = "user"\n[[fields]]\nname = "what"\n'
ROWS = "user,what\n" + "a,1\nb,2\n" * 6


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / "events.csv").write_text(ROWS)
    (tmp_path / "secret.csv").write_text("user,what\nroot,sesame\n")
    (tmp_path / "home" / "link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "home" / "links").symlink_to(tmp_path)
    return tmp_path / "home"


def recipe(home: Path, path: str) -> Path:
    (home / "mine.toml").write_text('name = "mine"\n' + RECIPE.format(path=path))
    return home / "mine.toml"


@pytest.mark.parametrize(
    "path", ["data/events.csv", "./data/../data/events.csv", "data/*.csv", "{home}/data/events.csv"]
)
def test_files_below_the_folder_are_read(home: Path, path: str) -> None:
    (found,) = locate(load_recipe(recipe(home, path.format(home=home)))).files["events"]
    assert found.resolve() == (home / "data" / "events.csv").resolve()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/etc/pass*",
        "../secret.csv",
        "data/../../secret.csv",
        "*/../../secret.csv",
        "~/.bashrc",
        "/nowhere",
        "link.csv",
        "links/secret.csv",
        "link*",
        "links/*.csv",
        "../home-/x.csv",
    ],
)
def test_no_file_outside_is_looked_at(home: Path, path: str) -> None:
    found = load_recipe(recipe(home, path))
    with pytest.raises(
        RecipeError, match=r"tables.events.path .* leads out of .*home, .*--data, or say --allow-outside"
    ):
        locate(found)
    with pytest.raises(RecipeError, match="leads out of"):
        locate(found, home)


@pytest.mark.parametrize("path", ["../secret.csv", "link.csv", "links/secret.csv"])
def test_who_trusts_a_recipe_says_so(home: Path, path: str) -> None:
    (found,) = locate(load_recipe(recipe(home, path)), allow_outside=True).files["events"]
    assert found.read_text().endswith("sesame\n")


def test_a_linked_folder_of_data_is_a_folder(home: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").symlink_to(home)
    found = load_recipe(recipe(home, "data/events.csv"))
    assert locate(found, tmp_path / "moved").fingerprint == locate(found).fingerprint


def test_a_drafted_recipe_needs_no_flag(home: Path, tmp_path: Path) -> None:
    inside = home / "inside.toml"
    inside.write_text(draft_recipe(home / "data" / "events.csv", folder=home).toml)
    assert len(locate(load_recipe(inside)).files["events"]) == 1
    (tmp_path / "other").mkdir()
    draft = draft_recipe(home / "data" / "events.csv", folder=tmp_path / "other")
    elsewhere = tmp_path / "other" / "elsewhere.toml"
    elsewhere.write_text(draft.toml)
    assert f"data: the files are not below the recipe's folder: read it with --data {home / 'data'}" in draft.unsure
    assert len(locate(load_recipe(elsewhere), home / "data").files["events"]) == 1


def test_what_is_no_recipe_is_one_line(tmp_path: Path) -> None:
    large = tmp_path / "large.toml"
    large.write_text("# " + "x" * 5_000_000)
    with pytest.raises(RecipeError, match=r"large.toml has 5 MB: a recipe is a TOML of a few kilobytes"):
        load_recipe(large)
    deep = tmp_path / "deep.toml"
    deep.write_text("a = " + "[" * 100_000 + "]" * 100_000)
    with pytest.raises(RecipeError, match=r"deep.toml nests tables or lists too deep"):
        load_recipe(deep)
    wide = tmp_path / "wide.toml"
    wide.write_text(f'name = "{"X" * 1_000_000}"\n' + RECIPE.format(path="a.csv"))
    with pytest.raises(RecipeError) as caught:
        load_recipe(wide)
    assert len(str(caught.value)) < 5000
