"""What is seen of work that is underway, and trees of it, at the widths that terminals have."""

import io
import time
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from llm4es.core.phases import heard_by, phase, read
from llm4es.project.drawn import show_tree
from llm4es.project.levels import InLines, Levels
from llm4es.project.outcome import Outcome
from llm4es.project.run_tree import Branch, done_tree, plan_tree
from llm4es.project.terminal import Terminal
from llm4es.project.underway import Underway
from llm4es_cli.screen import Screen as CommandScreen

GOLDEN = Path(__file__).parent / "golden" / "run_tree.txt"

TUNED = "smollm2-135m-movielens-100k"
STAGES = [("serialize", "movielens-100k", 60, "new"), ("finetune", TUNED, 1, "other settings (steps 5 → 10)"),
          ("embed", TUNED, 120, "new")]  # fmt: skip

SENTENCE = (
    "a sentence of words that is longer than a line of a terminal, so that it is parted between words and not in one"
)


class Screen(io.StringIO):
    """Stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


def outcomes(*, dry_run: bool) -> list[Outcome]:
    return [
        Outcome(stage, what, rows, rows, 0, {why: rows}, 0.0 if dry_run else 95.0, "c", dry_run=dry_run)
        for stage, what, rows, why in STAGES
    ]


def trees() -> list[Branch]:
    lies = [{"events_movielens_100k": 5123, "texts": 60}, {"models": 1}, {}]
    done = done_tree("movielens-100k", "/data/llm4es-store", outcomes(dry_run=False), lies)
    return [plan_tree("movielens-100k", outcomes(dry_run=True)), done]


def shown(width: int, term: str) -> str:
    file = io.StringIO()
    how = {"TERM": term, "COLUMNS": str(width)}
    console = Console(file=file, width=width, force_terminal=True, color_system=None, _environ=how)
    for tree in trees():
        show_tree(tree, console)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def test_trees_look_as_they_are_kept_at_every_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    looks = ((40, "xterm"), (80, "xterm"), (100, "xterm"), (40, "dumb"))
    text = "".join(f"-- {width} columns, {term}\n{shown(width, term)}" for width, term in looks)
    assert text == GOLDEN.read_text(encoding="utf-8")
    words = {word for tree in trees() for line in tree.lines() for word in line.split()}
    for width in range(40, 161, 10):
        lines = shown(width, "xterm").splitlines()
        assert max(map(cell_len, lines)) <= width
        assert {word for line in lines for word in line.split() if word not in ("├──", "└──", "│")} == words


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_a_line_of_progress_fits_and_says_the_most_that_it_can(width: int) -> None:
    work = Underway(f"finetune {TUNED}", 5, "steps", 0.0, done=2, at=100.0, read=120_000)
    name, bar, rest = work.drawn(width, 100.0, tokens=120_000)
    assert work.told(130.0, tokens=120_000)[1] == "1,200 tokens/s"  # as fast while the third step is underway
    told = "2/5 steps  1,200 tokens/s  2m30s left"
    assert rest == f"\n{told}" if width < 80 else told
    assert name == f"finetune {TUNED}"
    assert bool(bar) == (width == 160)
    assert work.drawn(width, 100.0, tokens=120_000, around=True)[2].strip() == "2/5 steps"
    assert max(map(len, "  ".join(filter(None, (name, bar, rest))).splitlines())) <= width


def test_a_screen_reader_a_dumb_terminal_and_a_log_get_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TTY_INTERACTIVE", "0"), ("TERM", "dumb"), ("", "")):
        with monkeypatch.context() as patch:
            screen = Screen()
            patch.setattr("sys.stderr", screen)
            patch.setenv("TERM", "xterm")
            if name:
                patch.setenv(name, value)
            assert Terminal().draws == (not name)
            assert CommandScreen().watched  # who gets a plan first
            Terminal().say(SENTENCE)
            assert {word for line in screen.getvalue().splitlines() for word in line.split()} == set(SENTENCE.split())
    assert not Terminal(quiet=True).draws


def test_parts_of_work_are_told_to_whoever_listens_and_a_log_has_a_line_of_them() -> None:
    said: list[str] = []
    work = InLines(said.append, seconds=0.1)
    heard_by(work.follow)
    try:
        with phase("finetune m", 5, "steps"), phase("measuring before training", 4, "rows") as advance:
            read(1000)
            advance(1)
            time.sleep(0.15)
    finally:
        heard_by(None)
    assert said
    assert said[0].startswith("finetune m: 0/5 steps: measuring before training: 1/4 rows, ")
    assert "tokens/s" in said[0]
    assert said[0].endswith("s left")
    with phase("nobody listens"):
        pass


def test_a_log_has_its_first_line_at_once_and_tells_time_spent_from_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.project.levels.FIRST_SECONDS", 0.01)
    said: list[str] = []
    work = InLines(said.append, seconds=600)
    with work.follow("run, stage 1 of 5: serialize", None, ""):
        while not said:
            time.sleep(0.01)
    with work.follow("run, stage 2 of 5: enrich", None, ""):
        time.sleep(0.05)
    assert len(said) == 1
    assert said[0].startswith("run, stage 1 of 5: serialize: after 0.")
    ended = Underway("finetune m", 5, "steps", 0.0, done=5, at=60.0)
    assert ended.line(90.0) == "finetune m: 5/5 steps, after 1m30s"  # and not that nothing is left


def test_training_and_the_second_measuring_tell_the_time_left_from_their_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("llm4es.project.levels.time.monotonic", lambda: now[0])
    work = Levels()
    with work.follow("measuring before training", 200, "tokens") as advance:
        now[0] = 10.0
        advance(200)
    with work.follow("training", 400, "tokens") as advance:
        assert work.levels[0].line(now[0]) == "training: 0/400 tokens, 1m00s left"  # about, by what was measured
        now[0] = 40.0
        advance(200)
        assert work.levels[0].line(now[0]) == "training: 200/400 tokens, 30s left"
    now[0] = 10.0
    with work.follow("measuring after training", 200, "tokens"):
        now[0] = 14.0
        assert work.levels[0].line(now[0]) == "measuring after training: 0/200 tokens, 6.0s left"
