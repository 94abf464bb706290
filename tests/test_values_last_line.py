"""A last line that DuckDB would drop without a word is refused."""

import gzip
from pathlib import Path

import pytest

from llm4es.core.errors import DataError

from .raw import events, maker

SHORT = "user,what\na,x\nb,y\n"


def _named(folder: Path, text: str, ending: str, packed: bool) -> Path:
    recipe = maker(folder)(SHORT)
    (folder / "events.csv").unlink()
    data = text.encode()
    (folder / f"events.csv{ending}").write_bytes(gzip.compress(data, 1) if packed else data)
    return recipe


@pytest.mark.parametrize(("ending", "packed"), [("", False), (".gz", True)])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_last_line_beyond_what_is_read_is_refused(tmp_path: Path, ending: str, packed: bool, end: str) -> None:
    recipe = _named(tmp_path, f"{SHORT}c,{'z' * (33 << 20)}{end}", ending, packed)
    with pytest.raises(DataError, match=rf"events.csv{ending}: the last line has \d\d MB, and a line has 2 MB at most"):
        events(recipe)


@pytest.mark.parametrize(("ending", "packed"), [("", False), (".gz", True)])
def test_long_lines_that_are_read_are_whole(tmp_path: Path, ending: str, packed: bool) -> None:
    recipe = _named(tmp_path, f"{SHORT}c,{'z' * (1 << 20)}", ending, packed)
    assert [len(value) for value in events(recipe)["what"].to_pylist()] == [1, 1, 1 << 20]
    recipe = _named(tmp_path, SHORT + "d,w\n" * 3_000_000, ending, packed)
    assert len(events(recipe)) == 3_000_002
