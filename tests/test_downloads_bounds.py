"""Downloads and archives of strangers: bounds, secrets, and what a user's recipe may fetch."""

import zipfile
from pathlib import Path

import pytest

from llm4es.core import downloads as fetch
from llm4es.core.errors import FetchError, RecipeError
from llm4es.recipes import load_recipe, locate

from .wheels import MD5, MEMBERS, names, sha256


def test_an_address_is_told_without_its_secrets(tmp_path: Path) -> None:
    for url in (
        "https://me:sesame@127.0.0.1:1/x.zip?key=sesame#sesame",
        "https://me:sesame@127.0.0.1:1/a b?key=sesame",
    ):
        with pytest.raises(FetchError, match=r"cannot download https://127\.0\.0\.1:1/.*check the network") as caught:
            fetch.download(url, MD5, tmp_path / "x")
        assert "sesame" not in str(caught.value)


def test_a_download_has_bounds(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(fetch, "MOST_BYTES", 4)
    with pytest.raises(FetchError, match=r"data.zip has more than 0 MB: fetch it by hand"):
        fetch.download(f"{server}/data.zip", MD5, tmp_path / "data.zip")
    assert names(tmp_path) == []


def test_an_archive_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MOST_UNPACKED", (1000, 100))
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(10_000_000))
        out.writestr("small", b"x" * 100)
    with pytest.raises(FetchError, match=r"zeros of bomb.zip has more than .* MB: fetch it by hand"):
        fetch.unpack(archive, ("small", "zeros"), tmp_path / "to")
    with pytest.raises(FetchError, match=r"1001 members of bomb.zip are asked for: 1000 at most"):
        fetch.unpack(archive, tuple(map(str, range(1001))), tmp_path / "to")
    assert names(tmp_path) == ["bomb.zip"]


def test_an_archive_that_cannot_be_unpacked_is_one_line(tmp_path: Path) -> None:
    archive = tmp_path / "locked.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a", b"alpha")
    whole = bytearray(archive.read_bytes())
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(head) + at] |= 1  # the flag of an encrypted member
    archive.write_bytes(whole)
    with pytest.raises(FetchError, match=r"locked.zip cannot be unpacked \(.*encrypted.*\): unpack it by hand"):
        fetch.unpack(archive, ("a",), tmp_path / "to")


def test_files_of_others_stay(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    fetch.unpack(wheel, MEMBERS, tmp_path / "demo")
    assert names(tmp_path / "demo") == ["a.txt", "b.bin", "mine.txt"]
    assert (tmp_path / "demo" / "mine.txt").read_text() == "mine"


FETCHED = """name = "mine"
[layouts.wheel]
fetch = [{{ {origin}, digest = "{digest}", members = ["demo/data/a.txt"] }}]
[layouts.wheel.tables.events]
path = "a.txt"
[events]
entity = "alpha"
[[fields]]
name = "alpha"
"""


def test_a_users_recipe_fetches_its_files(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "home" / "mine.toml"
    recipe.parent.mkdir()
    recipe.write_text(FETCHED.format(origin='wheel = "llm4es-demo==1.0"', digest=sha256(wheel)))
    (found,) = locate(load_recipe(recipe)).files["events"]
    assert found.read_text() == "alpha\n" * 100
    assert found.is_relative_to(tmp_path / "cache")
    (tmp_path / "home" / "a.txt").write_text("alpha\nmine\n")
    (found,) = locate(load_recipe(recipe)).files["events"]
    assert found.read_text() == "alpha\nmine\n"


@pytest.mark.parametrize(
    "origin",
    [
        'wheel = "--index-url=http://x"',
        'wheel = "demo"',
        'wheel = "demo @ file:///x"',
        'url = "http://x/y.zip"',
        'url = "file:///etc/passwd"',
        'url = "https://"',
    ],
)
def test_only_pinned_wheels_and_encrypted_addresses(tmp_path: Path, origin: str) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(FETCHED.format(origin=origin, digest=f"sha256:{'0' * 64}"))
    with pytest.raises(RecipeError, match=r"layouts.wheel.fetch.0.(wheel|url)"):
        load_recipe(recipe)
