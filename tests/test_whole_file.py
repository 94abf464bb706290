"""A file asked for with ``--out``: whole, or as it was; and what is no place for one."""

import os
from pathlib import Path

import pytest

from llm4es.core.errors import OptionError
from llm4es.project.whole_file import whole_file

from .shell import invoke


def test_it_is_whole_or_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "x.txt"
    with whole_file(place) as file:
        file.write(b"tea")
    with pytest.raises(TypeError), whole_file(place) as file:
        file.writelines([b"ten", "one"])  # type: ignore[list-item]  # what fails half way
    assert (place.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"tea", ["x.txt"])
    assert place.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_what_is_no_place_for_a_file(tmp_path: Path) -> None:
    events = tmp_path / "visits.csv"
    events.write_text("user,at,what\n" + "".join(f"u{n % 5},2024-01-{n % 28 + 1:02},{n % 3}\n" for n in range(60)))
    os.mkfifo(tmp_path / "pipe")
    for place, reason in [
        ("nowhere/x.toml", r"\(No such file or directory\): choose another folder"),
        ("visits.csv/x.toml", "cannot be written"),
        (".", r"\(Is a directory\): give the name of a file in it"),
        ("pipe", r"\(it is no regular file\): give the name of a file"),
    ]:
        with pytest.raises(OptionError, match=f"--out .*{reason}"):
            invoke("init", events, "--out", tmp_path / place, "--force", "--quiet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "visits.csv"]
    assert (tmp_path / "pipe").is_fifo()
    invoke("init", events, "--out", tmp_path / "x.toml", "--quiet")
    assert "[events]" in (tmp_path / "x.toml").read_text()


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    to, link = tmp_path / "there" / "rows.csv", tmp_path / "link.csv"
    to.write_text("old")
    link.symlink_to(to)
    with whole_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert to.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link.csv", "rows.csv", "there"]
