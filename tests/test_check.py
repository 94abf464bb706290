"""``check`` finds what is wrong with a store, says what to do, and puts right what is safe."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from llm4es.core.errors import StoreError
from llm4es_store import Store
from llm4es_store.check import check
from llm4es_store.finding import Finding

from .rows import KEY, SCOPE, texts, three_texts
from .shell import Shell

TEXTS = "tables/texts"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return three_texts(tmp_path / "store")


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.level.value, finding.what) for finding in findings]


def entry(root: Path, version: int, table: str = "texts") -> Path:
    return root / "tables" / table / "_delta_log" / f"{version:020d}.json"


def data_file(root: Path) -> Path:
    return min((root / TEXTS).rglob("*.parquet"))


def flip(path: Path, at: int = 30) -> None:
    """One bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_whole_store_has_no_findings(root: Path) -> None:
    assert check(root) == []
    assert Store(root).check().num_rows == 0


LOST: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit of a data file": (lambda root: flip(data_file(root)), "its checksum differs"),
    "a data file cut": (lambda root: cut(data_file(root)), "the log says"),
    "a data file gone": (lambda root: data_file(root).unlink(), "the file is gone"),
    "a bit of an entry": (
        lambda root: flip(entry(root, 2), entry(root, 2).read_bytes().index(b"run_id") + 1),
        "differs",
    ),
    "a bit of the first entry": (
        lambda root: flip(entry(root, 0), entry(root, 0).read_bytes().index(b"timestamp") + 12),
        "differs",
    ),
    "an entry between": (lambda root: entry(root, 1).unlink(), "entry is missing"),
    "an entry between cut": (lambda root: cut(entry(root, 1)), "is cut short or damaged"),
}
"""What no repair can bring back."""


@pytest.mark.parametrize("fault", LOST)
def test_what_is_lost_is_told_and_left_alone(root: Path, fault: str) -> None:
    befall, words = LOST[fault]
    befall(root)
    for repair in (False, True, False):
        found = check(root, repair=repair)
        assert told(found) == [("damaged", "texts")]
        assert words in found[0].finding
        assert "restore it from a copy" in found[0].remedy


ENDS: dict[str, Callable[[Path], object]] = {
    "lost": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": cut,
    "a word changed": lambda path: path.write_bytes(path.read_bytes().replace(b'"add"', b'"adx"')),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("table", "version"), [("texts", 3), ("runs", 8)])
def test_the_damaged_end_of_a_log_is_set_aside_and_the_work_goes_on(
    root: Path, end: str, table: str, version: int
) -> None:
    ENDS[end](entry(root, version, table))
    assert ("damaged", table) in told(check(root))
    assert {level for level, _ in told(check(root, repair=True))} == {"mended"}
    assert told(check(root)) == [("note", table)]  # that something was given up is told for ever
    store = Store(root)
    left = 2 if table == "texts" else 3
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(left,)]
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"c": "1"}), KEY)
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(3,)]
    assert told(check(root)) == [("note", table)]


@pytest.mark.parametrize("flip", [b'{"log"', b"}}"])
def test_a_damaged_note_of_checksums_is_told_and_noted_anew(root: Path, flip: bytes) -> None:
    note = sorted((root / "tables" / "texts" / "_checksums").glob("*.json"))[-1]
    note.write_bytes(note.read_bytes().replace(flip, flip[:-1] + b"\x07"))
    first = check(root)[0]
    assert (first.level, first.file) == ("damaged", f"_checksums/{note.name}")
    assert {level for level, _ in told(check(root, repair=True))} == {"mended"}
    assert check(root) == []


def test_what_killed_writers_left_is_removed_unless_somebody_writes(root: Path) -> None:
    left = [data_file(root).with_name("stray.parquet"), entry(root, 9).with_name(f"{9:020d}.json#1")]
    left.append(root / "running/20200101-000000-aaaaaa.lock")
    for path in left:
        path.touch()
    store = Store(root)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"e": "1"}), KEY)
        assert told(check(root, repair=True)) == [("mended", "store")], (
            "what a living run has written may be committed yet"
        )
    assert told(check(root)) == [("untidy", "texts")] * 2
    assert told(check(root, repair=True)) == [("mended", "texts")] * 2
    assert not [path for path in left if path.exists()]
    assert store.sql("SELECT count(*) FROM texts").fetchall() == [(4,)]


def test_a_half_made_store_is_finished(tmp_path: Path) -> None:
    (tmp_path / "store/tables/runs/_delta_log").mkdir(parents=True)
    (tmp_path / f"store/tables/runs/_delta_log/{0:020d}.json#1").touch()
    assert told(check(tmp_path / "store")) == [("untidy", "store")]
    assert told(check(tmp_path / "store", repair=True)) == [("mended", "store")]
    assert check(tmp_path / "store") == []
    assert Store(tmp_path / "store").datasets() == []
    with pytest.raises(StoreError, match="no store at"):
        check(tmp_path / "nowhere")


def test_files_without_a_checksum_are_a_note_and_can_get_one(root: Path) -> None:
    for folder in root.glob("tables/*/_checksums"):
        shutil.rmtree(folder)
    assert set(told(check(root))) == {("note", "runs"), ("note", "texts"), ("note", "labels")}
    assert {level for level, _ in told(check(root, repair=True))} == {"mended"}
    assert check(root) == []
    flip(data_file(root))
    assert told(check(root)) == [("damaged", "texts")]


def test_a_key_that_is_there_twice_and_rows_of_an_unknown_run(root: Path) -> None:
    store = Store(root)
    table = store.table("texts")
    assert table is not None
    table.append(store.sql("SELECT * FROM texts").to_arrow_table().cast(table.schema), "a stranger", SCOPE)
    words = [finding.finding for finding in check(root)]
    assert "3 keys are there more than once, such as (dataset, entity_id, variant, config_id) = (d, " in words[0]
    assert words[1] == "its newest rows are of run a stranger, which the record of runs does not know"


def test_a_store_copied_by_half_is_found(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "half", ignore=shutil.ignore_patterns("*.parquet"))
    assert {level for level, _ in told(check(tmp_path / "half"))} == {"damaged"}
    shutil.rmtree(root / "tables/runs")
    assert ("damaged", "runs") in told(check(root))


def test_the_command_prints_findings_and_says_by_its_exit_code(shell: Shell) -> None:
    shell.stage("serialize")
    code, out, err = shell("check", "--format", "json")
    assert (code, json.loads(out)) == (0, [])
    assert "nothing is damaged" in err
    victim = min((shell.root / TEXTS).rglob("*.parquet"))
    flip(victim, 200)  # in the values of a page, not in its header
    code, out, _ = shell("check", "--format", "json")
    (row,) = json.loads(out)
    assert (code, row["level"], row["what"]) == (1, "damaged", "texts")
    assert victim.name in row["file"]
    assert shell("sql", "SELECT count(*) FROM texts")[0] == 0, "nobody asked"
    assert f"{victim.name}" in shell.fails("sql", "SELECT count(*) FROM texts", "--verify")
    assert shell("sql", "SELECT count(*) FROM labels", "--verify")[0] == 0


def test_changed_weights_are_found(shell: Shell) -> None:
    shell.stage("serialize")
    for name, method in (("whole", "full"), ("adapter", "lora")):
        words = ("--model", shell.model, "--name", name, "--method", method, "--steps", "2", "--max-length", "64")
        shell.stage("finetune", *words)
    assert shell("check")[0] == 0
    weights = sorted(shell.root.glob("models/*/*model.safetensors"))
    assert len(weights) == 2
    for path in weights:
        flip(path, path.stat().st_size - 1)
    rows = json.loads(shell("check", "--format", "json")[1])
    assert [(row["what"], row["level"]) for row in rows] == [("model adapter", "damaged"), ("model whole", "damaged")]
