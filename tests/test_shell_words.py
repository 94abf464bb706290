"""Words of commands that are shown: bash itself takes them for what they stand for."""

import shutil
import subprocess

import pytest

from llm4es.core.printable import printable_line
from llm4es.core.shell_words import shell_word
from llm4es.project.report_commands import in_store, sql_command
from llm4es.project.report_warnings import of_task

TEXTS = [
    "plain", "two words", "it's $HOME `id` \"q\" \\\\n !x",
    "two\nlines\tand a tab", "a\u202eb\u2066c\u2028d", "\x1b[31m!'\\\\",
    "\x9b31m", "\u05e9\u05dc\u05d5\u05dd \U0001f600 \u202e", "-\u200f",
]  # fmt: skip


def taken(command: str) -> list[str]:
    """The words that bash makes of a command."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    script = f"llm4es() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("text", TEXTS)
def test_a_shell_takes_what_is_seen(text: str) -> None:
    assert printable_line(shell_word(text)) == shell_word(text)
    assert taken(f"llm4es {shell_word(text)} end") == [text, "end"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_query_and_its_store(text: str) -> None:
    query = "SELECT features\nFROM probes WHERE features = '" + text.replace("'", "''") + "'"
    command = in_store(sql_command(query), f"/{text}/store")
    assert taken(command) == ["sql", query, "--store", f"/{text}/store"]
    assert command.count("\n") == (1 if printable_line(text) == text else 0)  # the query's own, where it has no other
    assert printable_line(command.replace("\n", " ")) == command.replace("\n", " ")


def test_a_remark_stays_at_the_end_and_is_none_within_a_word() -> None:
    (caution,) = of_task(
        "shop",
        "left",
        ["the label is made from state: the probe may only be reading it back"],
        recipe="/a  # after b.toml",
    )
    command = in_store(caution.command, "/s")
    assert command == (
        "llm4es serialize '/a  # after b.toml' --store /s  # after it shows that column no more; then embed and probe "
        "as before"
    )
    assert taken(command) == ["serialize", "/a  # after b.toml", "--store", "/s"]
