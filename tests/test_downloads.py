import importlib.util
import os
import shutil
import sys
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from llm4es.core import downloads as fetch
from llm4es.core.cache_folder import cache_dir
from llm4es.core.errors import FetchError

from .wheels import MD5, MEMBERS, build_wheel, names, sha256


def test_cache_dir_is_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"


def test_cache_dir_follows_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LLM4ES_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    home = {"linux": ".cache/llm4es", "darwin": "Library/Caches/llm4es"}.get(sys.platform, "AppData/Local/llm4es/Cache")
    assert cache_dir() == Path.home() / home


def test_wheel_files_extracts_only_the_members_flat(wheel: Path, tmp_path: Path) -> None:
    to = tmp_path / "cache" / "demo"
    assert fetch.wheel_files("llm4es-demo==1.0", sha256(wheel), MEMBERS, to) == to
    assert names(to) == ["a.txt", "b.bin"]
    assert (to / "b.bin").read_bytes() == bytes(range(256))
    assert names(to.parent) == ["demo"]
    shutil.rmtree(wheel.parent)  # nothing to download from any more
    assert fetch.wheel_files("llm4es-demo==1.0", "sha256:0", MEMBERS, to) == to


def test_wheel_files_refuses_other_bytes(wheel: Path, tmp_path: Path) -> None:
    to = tmp_path / "cache" / "demo"
    with pytest.raises(FetchError, match=r"llm4es-demo==1\.0 is not the file expected: sha256:[0-9a-f]{64} instead of"):
        fetch.wheel_files("llm4es-demo==1.0", "sha256:00", MEMBERS, to)
    assert names(to.parent) == []


def test_wheel_files_without_network(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"pip could not download nothing-here==1\.0: .*; check the network") as caught:
        fetch.wheel_files("nothing-here==1.0", "sha256:0", MEMBERS, tmp_path / "to")
    assert "\n" not in str(caught.value)


def test_wheel_files_without_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match=r"this Python environment has no pip; run `.* -m ensurepip` first"):
        fetch.wheel_files("llm4es-demo==1.0", "sha256:0", MEMBERS, tmp_path / "to")


def test_a_damaged_member_leaves_nothing(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "index")
    data = bytearray(wheel.read_bytes())
    data[60:70] = bytes(10)  # within the first member
    wheel.write_bytes(data)
    with pytest.raises(FetchError, match=r"\.whl is corrupt or cut short \(.*\): delete it and fetch it again"):
        fetch.unpack(wheel, MEMBERS, tmp_path / "out" / "demo")
    assert names(tmp_path / "out") == []


def test_a_truncated_archive(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "index")
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(FetchError, match="is corrupt or cut short"):
        fetch.unpack(wheel, MEMBERS, tmp_path / "demo")


def test_no_archive(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"no archive at .*: fetch it first"):
        fetch.unpack(tmp_path / "missing.zip", MEMBERS, tmp_path / "demo")


def test_a_member_that_is_not_there(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "index")
    with pytest.raises(FetchError, match=r"holds no demo/c\.txt: it is not the archive"):
        fetch.unpack(wheel, ("demo/b.bin", "demo/c.txt"), tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_names_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("../../escaped.txt", "x")
        out.writestr("..", "x")
    fetch.unpack(archive, ("../../escaped.txt",), tmp_path / "a" / "b" / "c")
    assert names(tmp_path / "a" / "b" / "c") == ["escaped.txt"]
    assert not list(tmp_path.glob("escaped.txt")) + list((tmp_path / "a").glob("escaped.txt"))
    with pytest.raises(FetchError, match=r"'\.\.' names no file of an archive"):
        fetch.unpack(archive, ("..",), tmp_path / "d")


def test_two_members_of_one_name(tmp_path: Path) -> None:
    archive = tmp_path / "twice.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("x/a", "1")
        out.writestr("y/a", "2")
    with pytest.raises(FetchError, match=r"two members of twice\.zip are called a"):
        fetch.unpack(archive, ("x/a", "y/a"), tmp_path / "d")


def test_a_folder_that_lacks_a_member_is_made_again(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "index")
    to = tmp_path / "demo"
    fetch.unpack(wheel, MEMBERS[:1], to)
    fetch.unpack(wheel, MEMBERS, to)
    assert names(to) == ["a.txt", "b.bin"]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "index")
    left = tmp_path / ".demo.part"
    (left / "files").mkdir(parents=True)
    (left / "files" / "a.txt").write_text("half")
    assert (fetch.unpack(wheel, MEMBERS, tmp_path / "demo") / "a.txt").read_text() == "alpha\n" * 100
    assert not left.exists()


def test_callers_at_once_build_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = build_wheel(tmp_path / "index")
    built: list[Path] = []
    extract = fetch._extract

    def counted(archive: Path, members: Sequence[str], to: Path) -> None:
        built.append(to)
        extract(archive, members, to)

    monkeypatch.setattr(fetch, "_extract", counted)
    threads = [threading.Thread(target=fetch.unpack, args=(wheel, MEMBERS, tmp_path / "demo")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert names(tmp_path / "demo") == ["a.txt", "b.bin"]


def test_download_once(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    to = tmp_path / "deep" / "data.zip"
    assert fetch.download(f"{server}/data.zip", MD5, to) == to
    assert to.read_bytes() == b"12345"
    assert fetch.download("http://127.0.0.1:1/none", MD5, to) == to  # it is there: nothing is asked for
    assert names(to.parent) == ["data.zip"]


def test_download_refuses_other_bytes(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(FetchError, match=f"data.zip is not the file expected: {MD5} instead of md5:0"):
        fetch.download(f"{server}/data.zip", "md5:0", tmp_path / "data.zip")
    assert names(tmp_path) == []


def test_download_says_why_it_could_not(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(FetchError, match=r"cannot download .*/other: HTTP Error 404.*; check the network"):
        fetch.download(f"{server}/other", MD5, tmp_path / "x")
    with pytest.raises(FetchError, match=r"cannot download http://127\.0\.0\.1:1/none: .*refused"):
        fetch.download("http://127.0.0.1:1/none", MD5, tmp_path / "x")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"cannot write .*; free some space, or set LLM4ES_CACHE"):
        fetch.unpack(build_wheel(tmp_path / "index"), MEMBERS, tmp_path / "file" / "demo")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "keep").write_text("x")
    (tmp_path / ".demo.part").symlink_to(tmp_path / "precious")
    fetch.unpack(build_wheel(tmp_path / "index"), MEMBERS, tmp_path / "demo")
    assert (tmp_path / "precious" / "keep").exists()
