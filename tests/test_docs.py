"""The docs against the program: the reference of commands is what ``--help`` says, and every command shown exists."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import typer

from llm4es_cli.main import app

ROOT = Path(__file__).parent.parent
ROOT_COMMAND: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = {name: ROOT_COMMAND.get_command(None, name) for name in ROOT_COMMAND.commands}
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").glob("*/*.md")))


def test_the_reference_of_commands_is_what_the_program_says(tmp_path: Path) -> None:
    written = tmp_path / "commands.md"
    words = ["llm4es_cli.main", "utils", "docs", "--name", "llm4es", "--title", "Commands", "--output", str(written)]
    subprocess.run([sys.executable, "-m", "typer", *words], check=True, capture_output=True)
    assert written.read_text() == (ROOT / "docs/commands.md").read_text(), "out of date: nox -s docs"
    assert not [line for line in written.read_text().splitlines() if line.startswith("* ") and line.endswith("...")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.name}")
def test_every_command_shown_is_taken_by_the_program(page: Path) -> None:
    for line in shown(page):
        parse(line)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_in_help_is_taken_by_the_program(name: str) -> None:
    examples = re.findall(
        rf"^ *(llm4es {name}\b.*)$", (COMMANDS[name].help or "").partition("Example")[2], re.MULTILINE
    )
    assert examples, "its help shows no example"
    for line in examples:
        parse(line)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("llm4es embd x", "no such command"),
        ("llm4es embed x --kay 8", "No such option"),
        ("llm4es embed x --max-entities many", "valid integer"),
        ("llm4es embed", "Missing"),
        ("llm4es recipes age && llm4es embed x y", "unexpected extra argument"),
    ],
)
def test_a_line_that_the_program_does_not_take_is_found(line: str, complaint: str) -> None:
    with pytest.raises(Exception, match=complaint):
        parse(line)


def parse(line: str) -> None:
    """Read the commands of a line as the program would, without doing what they say."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for pipe, part in groupby(lexer, key=lambda word: set(word) <= set("|&>")):
        words = list(part)
        if pipe or words[0] != "llm4es" or words[1:] in ([], ["--help"], ["--version"]):
            continue
        command = ROOT_COMMAND
        while len(words) > 1 and words[1] in getattr(command, "commands", {}):
            command = command.get_command(None, words.pop(1))
        assert command is not ROOT_COMMAND, f"no such command: {line}"
        command.make_context(command.name, words[1:])


def shown(page: Path) -> Iterator[str]:
    """Every line of a code block, fenced or indented, that calls the program."""
    fenced = False
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        call = re.match(r"(?:\$ )?(?:python \S+ && )?(?:\.venv/bin/)?(llm4es .*)", line.strip())
        if call and (fenced or line.startswith("    ")) and "[OPTIONS]" not in line:
            yield call[1]


def test_every_command_is_named_at_a_glance_and_the_readme_shows_the_first_ones() -> None:
    overview = (ROOT / "docs/overview.md").read_text()
    assert [name for name in COMMANDS if not re.search(rf"llm4es {name}\b|/ `{name}`", overview)] == []
    assert {line.split()[1] for line in shown(ROOT / "README.md")} >= {"run", "init", "report"}
