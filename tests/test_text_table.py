"""Tables as a terminal of some width shows them, and as a pipe does: golden files, and what each promises."""

import io
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from llm4es.project.comparison_table import print_text
from llm4es.project.text_table import Overflow, TextColumn, text_table
from llm4es_cli.commands.diff import _said_once
from llm4es_cli.commands.runs import SPARE
from llm4es_cli.options import OutputFormat
from llm4es_cli.screen import show
from llm4es_cli.table import NARROW, Look

from .test_comparison import ROWS

GOLDEN = Path(__file__).parent / "golden"

LONG = "Events, oldest first:\n- 1997-11-03: Doom Generation, The (bad)\n" + "- 1997-11-04: Akira (good)\n" * 9
HASH = "ef1c7342b02fbcfb915cff3ef1c7342b02fbcfb915cff3ef1c7342b02fbcfb915cff3"
TEXTS = [
    {"dataset": "shop", "entity_id": entity, "variant": "raw", "text": LONG, "text_hash": HASH, "n_events": n,
     "as_of": None, "fidelity": 0.98765432, "config_id": HASH[:16], "run_id": "20261130-135358-bbdb40"}
    for entity, n in (("c1", 10), ("a\nline\x1b[2J \u202e", 9), ("שלום", None), ("漢字", 8))
]  # fmt: skip
VECTORS = [
    {"dataset": "shop", "entity_id": f"c{n}", "model": "smollm2-135m-movielens-100k", "k": 8, "pooling": "mean",
     "texts": "raw", "dim": 576, "vector": [0.1234, -0.03, *[0.5] * 574], "max_length": 512, "history": "events",
     "load_in": "none", "n_tokens": 12345, "n_tokens_dropped": 0, "config_id": HASH[:16], "run_id": "20261130-1353"}
    for n in range(3)
]  # fmt: skip
RUNS = [
    {"run_id": f"20261130-135400-d635d{n}", "version": n, "stage": "finetune", "dataset": "movielens-100k",
     "started_at": datetime(2026, 11, 30, 13, 54), "seconds": round(186.0487 / n, 1), "status": "done", "rows_in": 943,
     "rows_computed": 943, "rows_reused": 0}
    for n in (9, 8)
]  # fmt: skip


class Screen(io.StringIO):
    """Stdout that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 100 columns, 50 lines and no colours."""
    for name, value in {"COLUMNS": "100", "LINES": "50", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)


def on_terminal(*results: Any, look: Look = NARROW) -> str:
    """What results look like there, one under the other."""
    with redirect_stdout(Screen()) as screen:
        for rows in results:
            show(rows, None, look=look)
    return screen.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_golden(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    compared = io.StringIO()
    print_text(ROWS, Console(file=compared, width=width), wide=False)
    text = "\n".join([on_terminal(TEXTS, VECTORS, []), on_terminal(RUNS, look=Look(spare=SPARE)), compared.getvalue()])
    assert text == (GOLDEN / f"tables_{width}.txt").read_text(encoding="utf-8")
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [24, 40, 80])
def test_ids_are_whole_and_what_is_hidden_is_counted(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    header, first, _, count = on_terminal(RUNS, look=Look(spare=SPARE)).splitlines()
    assert header.split()[0] == "run_id"
    assert first.startswith("20261130-135400-d635d9")
    assert count == f"2 rows; {len(RUNS[0]) - len(header.split())} columns hidden: --wide"


def test_wide_and_a_pipe_show_everything(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{f"column{n}": n for n in range(100)} | {"text": LONG, "vector": [0.123456] * 9}]
    values = [*map(str, range(100)), *LONG.replace("\n", "\\n").split()]
    header, line, count = on_terminal(rows, look=Look(wide=True)).splitlines()
    assert (header.split(), count) == (list(rows[0]), "1 row")
    assert line.split() == [*values, *str([0.123456] * 9).split()]
    show(rows, OutputFormat.TABLE)
    assert capsys.readouterr().out.splitlines() == [header, line]


def test_names_that_a_diff_is_about_stand_once_each() -> None:
    rows = [{"features": name, "n": n} for n, name in enumerate(["a -> b", "a -> b", "c -> d", "a -> b"])]
    lines = on_terminal(_said_once(rows)).splitlines()
    assert [line[:6].strip() for line in lines[1:5]] == ["a -> b", "", "c -> d", "a -> b"]


def test_numbers_stand_at_the_right() -> None:
    table = on_terminal([{"n": 1, "yes": True, "t": "a"}, {"n": 1000, "yes": False, "t": None}])
    assert table.splitlines() == ["   n  yes    t", "   1  True   a", "1000  False", "2 rows"]


@pytest.mark.parametrize(("settings", "bold"), [({}, True), ({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)])
def test_light_on_colour(settings: dict[str, str], bold: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ({"TERM": "xterm-256color"} | settings).items():
        monkeypatch.setenv(name, value)
    styled = "\x1b[1mn\x1b[0m\n1\n\x1b[2m1 row\x1b[0m\n"
    assert on_terminal([{"n": 1}]) == (styled if bold else "n\n1\n1 row\n")


def test_long_results_go_through_the_pager(monkeypatch: pytest.MonkeyPatch) -> None:
    paged: list[str] = []
    monkeypatch.setattr("rich.pager.SystemPager.show", lambda _, content: paged.append(content))
    assert on_terminal([{"n": n} for n in range(47)]).splitlines()[-1] == "47 rows"
    assert not paged
    assert on_terminal([{"n": n} for n in range(48)]) == ""
    assert paged[0].splitlines()[-1] == "48 rows"


def test_a_terminal_that_has_no_ellipsis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Screen, "encoding", "ascii", raising=False)
    assert on_terminal([{"text": "x" * 200, "n": 1}]).splitlines()[1] == "x" * 94 + "...  1"


def column(overflow: Overflow, *cells: str, **more: Any) -> TextColumn:
    return TextColumn("t", cells, overflow=overflow, **more)


def test_wrapped_text_breaks_no_word_while_columns_can_be_left_out() -> None:
    name = column(Overflow.WRAPPED, "vote(tfidf, smollm2-135m-movielens-100k@8 [events])")
    table = text_table([name, column(Overflow.WHOLE, "figures" * 3, spare=1)], 40)
    assert table.lines == ["vote(tfidf,", "smollm2-135m-movielens-100k@8 [events])"]
    assert table.count == "1 row; 1 column hidden: --wide"
    narrow = text_table([name, column(Overflow.WHOLE, "figures" * 3)], 40).lines
    assert max(map(len, narrow)) == 40
    assert narrow[0].endswith("figures" * 3)


def test_probes_show_what_they_are_about() -> None:
    probe = {"dataset": "movielens-100k", "task": "gender", "features": "smollm2-135m-movielens-100k@8 [events]",
             "model": "smollm2-135m-movielens-100k", "k": 8, "protocol": "cv", "probe": "logistic", "metric": "roc_auc",
             "value": 0.7654, "ci_low": 0.71, "ci_high": 0.8, "n": 943, "n_seen": 0, "seed": 0, "leaks": [],
             "chosen": None, "source_hash": HASH, "config_id": HASH[:16], "run_id": "20261130-1353"}  # fmt: skip
    shown = on_terminal([probe], look=NARROW)
    assert {"features", "metric", "value"} <= set(shown.splitlines()[0].split())
    assert not {"leaks", "chosen", "config_id"} & set(shown.splitlines()[0].split())


def test_a_name_that_is_too_long_goes_on_behind_a_sign_in_it() -> None:
    names = ["smollm2-135m-movielens-100k@8 [events]", "an_unbroken_name", "x" * 25]
    table = text_table([TextColumn("features", names, overflow=Overflow.WRAPPED)], 17)
    assert table.lines == ["smollm2-135m-", "movielens-100k@8", "[events]", "an_unbroken_name", "x" * 17, "x" * 8]


def test_a_terminal_without_an_ellipsis_has_dots_in_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es_cli.table.ellipsis", lambda: "...")
    assert "[0.12, -0.03, ... 576]" in on_terminal(VECTORS)
