"""``--help`` of every command in narrow terminals: nothing broken in mid-word, the most used first."""

import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from llm4es.options.panels import Panel
from llm4es_cli.commands import COMMANDS
from llm4es_cli.main import app

ROOT: Any = typer.main.get_command(app)
BELOW = (("models", "list"), ("models", "show"), ("models", "pull"), ("models", "export"), ("runs", "show"))
WORDS = [(), *((command.name,) for command in COMMANDS), *BELOW]


def shown(*words: str, columns: int) -> str:
    """The help as a terminal of so many columns shows it."""
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": str(columns), "NO_COLOR": "1"})
    assert done.exit_code == 0, done.output
    return done.output


def options_of(*words: str) -> list[Any]:
    command = ROOT
    for word in words:
        command = command.get_command(None, word)
    return [parameter for parameter in command.params if parameter.param_type_name == "option"]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_no_line_is_too_long_and_no_type_is_broken(words: tuple[str, ...]) -> None:
    for columns in (80, 60):
        text = shown(*words, columns=columns)
        # An example's quoted text goes on where a line would break it: it is to be copied.
        lines = [line for line in text.splitlines() if len(line) > columns and "'" not in line and '"' not in line]
        assert lines == []
        assert "<bool>" not in text
        for option in options_of(*words):
            typed = option.metavar or ""
            assert typed in text.replace("|\n", "|")
            assert [f"{flag} {typed}".rstrip() for flag in option.opts if f"{flag} {typed}".rstrip() in text] != []
            told = " ".join((option.help or "").split())
            assert told in re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_options_stand_under_headings_the_most_used_first(command: Any) -> None:
    text = shown(command.name, columns=100)
    titles = re.findall(r"^(\S.*):$", text.rpartition(f"    llm4es {command.name}")[2], re.MULTILINE)
    panels = [str(panel) for panel in Panel]
    found = [title for title in titles if title in panels]
    assert found == sorted(found, key=panels.index)
    assert set(titles) - set(found) <= {"Arguments", "Commands"}
    flags = {flag for option in options_of(command.name) for flag in option.opts}
    assert set(command.often) <= flags
    first = text.partition(f"{Panel.OFTEN}:\n")[2].split("\n\n")[0]
    starts = re.findall(r"^  (-.*)", first, re.MULTILINE)
    assert len(starts) == len(command.often)
    assert all(flag in start.split() + start.split(", ") for flag, start in zip(command.often, starts, strict=True))
    for flag in flags:  # each stands in one place
        assert len(re.findall(rf"^  (?:-\w, |--[\w-]+ / )?{flag}(?: |$)", text, re.MULTILINE)) <= 1


def test_bounds_and_defaults_are_words_in_one_piece() -> None:
    text = shown("enrich", columns=60)
    assert "[default: 0.9; 0 to 1]" in text
    assert "[default: 16; 1 or more]" in text
