"""The docs against the program: the reference of commands is what ``--help`` says, and every command shown exists."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from llm4es_cli.main import app

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def test_the_reference_of_commands_is_what_the_program_says(tmp_path: Path) -> None:
    written = tmp_path / "commands.md"
    words = ["llm4es_cli.main", "utils", "docs", "--name", "llm4es", "--title", "Commands", "--output", str(written)]
    subprocess.run([sys.executable, "-m", "typer", *words], check=True, capture_output=True)
    assert written.read_text() == (ROOT / "docs/commands.md").read_text(), "out of date: nox -s docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    for line in shown(page):
        words = shlex.split(line.split("|")[0], comments=True)
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands") and len(words) > 1 and words[1] in command.commands:
            command = command.get_command(None, words.pop(1))
        known = {name for parameter in command.params for name in parameter.opts} | {"--help", "--version"}
        assert words[0] == "llm4es"
        assert command.name != "llm4es" or words[1:] in ([], ["--help"], ["--version"]), line
        unknown = {word.split("=")[0] for word in words if word.startswith("--")} - known
        assert not unknown, f"{line}: {unknown}"


def shown(page: Path) -> Iterator[str]:
    """Every line of a code block, fenced or indented, that calls the program."""
    fenced = False
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        call = re.match(r"(?:\$ )?(?:\.venv/bin/)?(llm4es .*)", line.strip())
        if call and (fenced or line.startswith("    ")) and "[OPTIONS]" not in line:
            yield call[1]


def test_the_readme_shows_and_names_every_command() -> None:
    assert len(list(shown(ROOT / "README.md"))) > 10
    readme = (ROOT / "README.md").read_text()
    command: Any = typer.main.get_command(app)
    assert [name for name in command.commands if not re.search(rf"llm4es {name}\b|/ `{name}`", readme)] == []
