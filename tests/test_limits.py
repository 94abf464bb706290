"""Reading somebody else's files takes no more time and memory than it is given, and files of no store's choosing."""

import bz2
import resource
import sqlite3
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from llm4es import Project
from llm4es.core.errors import DataError, OptionError, RecipeError
from llm4es.core.limits import Limits, limited, memory_bound
from llm4es.options import SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events
from llm4es_store import Store

from . import shop
from .shell import Shell

SLOW = "len(list_filter(range(400000 + len(product)), lambda x: sqrt(x) > 5)) > 0"


@pytest.fixture
def slow(shell: Shell) -> Path:
    shell.recipe.write_text(shop.RECIPE.replace("time = {", f'where = "{" AND ".join([SLOW] * 60)}"\ntime = {{'))
    return shell.recipe


@pytest.mark.parametrize("command", [["serialize"], ["serialize", "--dry-run"], ["run", "--dry-run"]])
def test_a_recipe_that_takes_too_long_is_stopped_in_one_line(shell: Shell, slow: Path, command: list[str]) -> None:
    line = shell.fails(command[0], slow, *command[1:], "--timeout", "0.3")
    assert "reading the raw files of 'shop' was stopped after 0.3 s: raise --timeout" in line


@pytest.mark.skipif(sys.platform != "linux", reason="the process is bounded on Linux only")
@pytest.mark.parametrize(
    "value", ["repeat('x', 1000000000 + length(product))", "list_sum(range(1000000000 + length(product)))"]
)
def test_an_expression_takes_no_more_memory_than_is_given(shell: Shell, value: str) -> None:
    shell.recipe.write_text(shop.RECIPE.replace("time = {", f'where = "length({value}::VARCHAR) > 1"\ntime = {{'))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert "Out of Memory" in shell.fails("serialize", shell.recipe, "--memory-limit", "200MB")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_limits_change_no_result(shell: Shell) -> None:
    shell.stage("serialize")
    limits = ["--memory-limit", "500MB", "--spill-limit", "1GB", "--threads", "1", "--timeout", "600"]
    (again,) = shell.stage("serialize", *limits)
    assert again["computed"] == 0
    assert len(shell.sql("SELECT DISTINCT config_id FROM texts")) == 1
    assert SerializeOptions(timeout=5, threads=1).fingerprint() == SerializeOptions().fingerprint()
    assert "--threads 0 is below 1" in shell.fails("serialize", shell.recipe, "--threads", "0")
    assert "--timeout" in shell.fails("serialize", shell.recipe, "--timeout", "never")
    for command in (["serialize", shell.recipe], ["run", shell.recipe, "--dry-run"], ["init", "x.csv"], ["sql", "x"]):
        line = shell.fails(*command, "--memory-limit", "4QB")  # also where nothing is to be read
        assert line == "error: --memory-limit '4QB' is no size: give a size such as 4GB"


def test_sizes_are_those_of_duckdb() -> None:
    connection = duckdb.connect()
    for size in ("4GB", "1.5 gib", "300M", "70000 KB", "2Tb"):
        Limits(memory=size, spill=size)
        connection.execute(f"SET memory_limit = '{size}'")
        connection.execute(f"SET max_temp_directory_size = '{size}'")
    for size in ("lots", "4", "4KI", "4QB", "200%", ""):
        with pytest.raises(duckdb.Error):
            connection.execute(f"SET memory_limit = '{size}'")
        with pytest.raises(OptionError, match=f"--memory-limit '{size}' is no size: give a size such as 4GB"):
            Limits(memory=size)
    Limits(memory="80%", spill="0GB")
    with pytest.raises(OptionError, match="--spill-limit '80%' is no size"):
        SerializeOptions(spill_limit="80%")
    with pytest.raises(OptionError, match="--memory-limit '0GB' is no size"):
        Limits(memory="0GB")


def test_what_is_in_time_is_not_stopped() -> None:
    with limited(Limits(timeout=60, memory="1GB"), "reading"), duckdb.connect() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(KeyError), limited(Limits(timeout=60), "reading"):
        raise KeyError("own")
    with pytest.raises(DataError, match="more memory than --memory-limit 1GB"), limited(Limits("1GB"), "reading"):
        raise MemoryError
    with memory_bound("80%"):
        pass


def test_a_view_of_a_database_file_is_stopped_too(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as database:
        endless = (
            "WITH RECURSIVE n(user) AS (SELECT 1 UNION ALL SELECT user + 1 FROM n) SELECT user, 'a' AS what FROM n"
        )
        database.execute(f"CREATE VIEW events AS {endless}")
    recipe = events_of(tmp_path, path.name)
    with pytest.raises(DataError, match=r"reading was stopped after 0.3 s"), limited(Limits(timeout=0.3), "reading"):
        read_events(load_recipe(recipe), locate(load_recipe(recipe)), SerializeOptions())


def test_a_view_of_a_database_file_reaches_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("user,what\nroot,sesame\n")
    (tmp_path / "home").mkdir()
    with duckdb.connect(str(tmp_path / "home" / "shop.duckdb")) as database:
        database.execute("CREATE TABLE fine AS SELECT 'u' || i % 2 AS user, i AS what FROM range(6) t(i)")
        database.execute("CREATE VIEW good AS FROM fine")
        database.execute(f"CREATE VIEW events AS FROM read_csv('{tmp_path / 'secret.csv'}')")
    recipe = events_of(tmp_path / "home", "shop.duckdb", 'table = "events"')
    with pytest.raises(DataError, match=r"shop.duckdb cannot be read as duckdb: Permission Error") as caught:
        read_events(load_recipe(recipe), locate(load_recipe(recipe)), SerializeOptions())
    assert "sesame" not in str(caught.value)
    recipe = events_of(tmp_path / "home", "shop.duckdb", 'table = "good"')
    events = read_events(load_recipe(recipe), locate(load_recipe(recipe)), SerializeOptions()).read_all()
    assert events["what"].to_pylist() == ["0", "2", "4", "1", "3", "5"]


@pytest.mark.parametrize("packing", ["zip", "bz2"])
def test_a_packed_file_with_a_flipped_byte_is_one_line(tmp_path: Path, packing: str) -> None:
    text, path = b"user,what\n" + b"a,1\n" * 500, tmp_path / f"events.csv.{packing}"
    if packing == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("events.csv", text)
    else:
        path.write_bytes(bz2.compress(text))
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    recipe = load_recipe(events_of(tmp_path, path.name))
    with pytest.raises(DataError, match=rf"cannot read .*events.csv.{packing}: "):
        read_events(recipe, locate(recipe), SerializeOptions())


def events_of(folder: Path, path: str, more: str = "") -> Path:
    recipe = folder / "mine.toml"
    recipe.write_text(
        f'name = "mine"\n[tables.events]\npath = "{path}"\n{more}\n'
        '[events]\nentity = "user"\n[[fields]]\nname = "what"\n'
    )
    return recipe


def test_a_strangers_store_names_no_folder_of_ours(shell: Shell, tmp_path: Path) -> None:
    """A recipe out of the store alone: its files are read where its own TOML says so, and where we do."""
    shell.stage("serialize")
    shop.write(shell.recipe.parent, 22)
    assert Project("shop", shell.root, observer="silent").serialize().computed == 2, "its TOML lies there and says so"
    shop.write(shell.recipe.parent, 23)
    moved = shell.recipe.rename(tmp_path / "moved.toml")
    line = shell.fails("serialize", "shop")
    assert (
        f"the store's recipe 'shop' reads files in {shell.recipe.parent}, and no recipe in that folder says so" in line
    )
    assert "--data" in line
    assert "--allow-outside" in line
    code, _, err = shell("enrich", "shop", "--dry-run")
    assert code == 0, "what reads no raw file goes on: " + err
    for other in ('name = "other"\n', moved.read_text().replace("events.csv", "customers.csv")):
        shell.recipe.write_text(other)
        assert "no recipe in that folder says so" in shell.fails("serialize", "shop", "--dry-run")
    shell.recipe.unlink()
    assert shell("serialize", "shop", "--allow-outside", "--dry-run")[0] == 0
    code, _, err = shell("serialize", "shop", "--data", shell.recipe.parent)
    assert code == 0, err
    assert len(shell.sql("SELECT entity_id FROM texts")) == 23
    assert Store(shell.root).recipe("shop") is not None
    with pytest.raises(RecipeError, match="no recipe in that folder"):
        Project("shop", shell.root, observer="silent").serialize(dry_run=True)
