"""Stdout that ends well: each case a process of its own, as a shell starts it."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

PROGRAM = "import sys; from llm4es_cli import main; main.app = lambda: {}; main.program()"


def run(command: str, encoding: str | None = None, **how: object) -> "subprocess.CompletedProcess[bytes]":
    """A program whose only command is this expression."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONIOENCODING", "PYTHONUTF8")}
    environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    if encoding is not None:
        environment["PYTHONIOENCODING"] = encoding
    words = [sys.executable, "-c", PROGRAM.format(command).encode()]
    return subprocess.run(words, **{"capture_output": True, "env": environment} | how)  # type: ignore[call-overload,no-any-return]


def test_a_pipe_holds_utf8_whatever_the_locale() -> None:
    done = run("sys.stdout.write('tea\\n\\u0141\\xf3d\\u017a\\n')")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"tea{os.linesep}Łódź{os.linesep}", b"")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_that_lacks_a_character_is_one_line(encoding: str) -> None:
    done = run("sys.stdout.write('tea\\n\\u0141\\xf3d\\u017a\\n')", encoding)
    line = f"error: stdout takes {encoding}, which has no '\\u0141': set PYTHONIOENCODING=utf-8"
    assert (done.returncode, done.stderr.decode().splitlines()) == (2, [line])
    replaced = run("sys.stdout.write('\\u0141\\n')", f"{encoding}:replace")
    assert (replaced.returncode, replaced.stdout.split()) == (0, [b"?"])


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no device that is full")
@pytest.mark.parametrize("command", ["print(1)", "print('x' * 10**6)", "sys.stdout.buffer.write(bytes(10**6))"])
def test_a_full_disk_is_one_line(command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    line = "error: cannot write to stdout: No space left on device"
    assert (done.returncode, done.stderr.decode().splitlines()) == (2, [line])


@pytest.mark.parametrize("command", ["print(1)", "print('x' * 10**6)", "[print(n) for n in range(10**5)]"])
def test_a_reader_who_has_left_ends_it_quietly(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as left:
        done = run(command, capture_output=False, stdout=left, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="file descriptors are closed otherwise there")
def test_a_closed_stdout_is_told_by_what_would_write_to_it() -> None:
    done = run("print(1)", capture_output=False, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr.splitlines()) == (2, [b"error: cannot write to stdout: it is closed"])
    done = run("None", capture_output=False, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, b"")


def _close(*streams: int) -> None:
    for stream in streams:
        os.close(stream)


@pytest.mark.skipif(os.name == "nt", reason="file descriptors are closed otherwise there")
def test_a_closed_stdin_is_empty_and_a_closed_stderr_takes_all() -> None:
    done = run(
        "print(sys.stdin.isatty(), sys.stdin.read() + 'nothing', sys.stderr.write('tea'))",
        capture_output=False,
        stdout=subprocess.PIPE,
        preexec_fn=partial(_close, 0, 2),
    )
    assert (done.returncode, done.stdout.split()) == (0, [b"False", b"nothing", b"3"])
