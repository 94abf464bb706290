"""What comes from data is shown as text: no escape sequence, no turned line, no formula."""

import csv
import io
import os
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es.core.errors import OptionError
from llm4es.core.printable import printable, printable_line
from llm4es.options import ImportOptions
from llm4es.project.cells import write_csv
from llm4es.project.outcome import Outcome
from llm4es.project.result import Result
from llm4es.project.run_tree import plan_tree
from llm4es_cli.screen import show
from llm4es_store import Store

from .rows import KEY, SCOPE, texts

EVIL = "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe \x9b2J\r"


@pytest.mark.parametrize(
    ("text", "shown"), [(EVIL, r"\x1b[31mred\x1b]0;title\x07 \u202egnp.exe \x9b2J\r"), ("a\tü é 漢", "a\tü é 漢")]
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_tables_show_them_as_text(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    from llm4es_cli.options import OutputFormat

    show([{f"id{EVIL}": EVIL, "n": 1}], OutputFormat(form))
    said = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e", "\x07", "\r"} & set(said)
    assert said.count(r"\x1b[31mred") == 2


def test_what_python_prints_and_a_runs_tree_are_text_in_one_line() -> None:
    what = f"t{EVIL}\nx"
    outcome = Outcome("probe", what, rows=1, computed=1, reused=0, dry_run=True)
    tree = plan_tree(what, [outcome])
    for said in (repr(outcome), *tree.lines(), repr(Result(pa.table({what: [what]})))):
        assert printable_line(what) in said
        assert not {"\x1b", "\x9b", "\u202e", "\x07", "\r"} & set(said)
    assert len(tree.lines()) == 2
    assert "\x1b" not in str(tree.drawn(200).label)


def test_a_spreadsheet_computes_nothing() -> None:
    file = io.StringIO()
    row = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "plain", -1.5, None]
    write_csv(["=a", *"bcdefghi"], [row], file, spreadsheet_safe=True)
    assert file.getvalue() == "'=a,b,c,d,e,f,g,h,i\n'=1+1,'+1,'-1,'@x,'\t=1,\"'\r=1\",plain,-1.5,\n"
    assert list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1][5] == "'\r=1"
    plain = io.StringIO()
    write_csv(["a"], [["=1+1"]], plain)
    assert plain.getvalue() == "a\n=1+1\n"


@pytest.mark.parametrize("dataset", ["", "a b", "..", "_delta_log", "A", "a/b", "\x1b[31m", "-a"])
def test_imported_vectors_are_of_a_dataset_with_a_name(dataset: str) -> None:
    with pytest.raises(OptionError, match="cannot name a dataset: take lower-case letters"):
        ImportOptions.of(name="coles", dataset=dataset)


@pytest.mark.skipif(os.name == "nt", reason="no such permissions on Windows")
@pytest.mark.parametrize(("umask", "others"), [(0o077, 0o077), (0o022, 0o022)])
def test_a_store_is_made_as_the_umask_says(tmp_path: Path, umask: int, others: int) -> None:
    before = os.umask(umask)
    try:
        store = Store(tmp_path / "store", create=True)
        with store.run("serialize", "d", {}, "0") as run:
            run.append("texts", SCOPE, texts({"1": "a"}), KEY)
    finally:
        os.umask(before)
    made = list((tmp_path / "store").rglob("*"))
    assert [path for path in made if path.stat().st_mode & others] == []
