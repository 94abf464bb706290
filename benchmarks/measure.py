"""What the benchmarks share: options said once, clocks, memory, and contestants that take turns.

Scripts import it as ``benchmarks.measure``: an editable install (``pip install -e .``) finds it, as does ``python -m``
from the repository's root.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from llm4es.options import DEFAULT_MODEL

T = TypeVar("T")

Clock = Callable[[], float]

CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
"""Seconds by the clock, and of processor time, which a busy machine changes least."""

Spent = tuple[float, float]
"""Seconds by the clock and of processor time."""

SHARED: dict[str, dict[str, Any]] = {
    "clock": {"default": "wall", "choices": sorted(CLOCKS), "help": "cpu: for a machine with other work on it"},
    "max_length": {"default": 256, "help": "tokens a text, or a window"},
    "model": {"default": DEFAULT_MODEL, "help": "built-in name, Hugging Face id, folder or .gguf file"},
    "repeats": {"default": 2, "help": "turns of each contestant; the best counts"},
    "seed": {"default": 0, "help": "of everything that is drawn"},
}
"""Options of several scripts: default and help."""


class _Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """A script's docstring as it stands, and each option's default."""


def parser(doc: str | None, *shared: str, **own: Any) -> argparse.ArgumentParser:
    """A script's options: shared ones by name, and a default for each that is its own or that differs."""
    made = argparse.ArgumentParser(description=doc, formatter_class=_Help)
    for name in (*shared, *(name for name in own if name not in shared)):
        settings = {"help": " ", **SHARED.get(name, {})}  # a blank help is shown with the default behind it
        settings["default"] = own.get(name, settings.get("default"))
        made.add_argument(f"--{name.replace('_', '-')}", type=type(settings["default"]), **settings)
    return made


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """What a piece of work gives, and what it takes: seconds by the clock and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def spent(work: Callable[[], object]) -> Spent:
    """What a piece of work takes."""
    _, wall, cpu = timed(work)
    return wall, cpu


def in_turns(contestants: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Spent]:
    """The best of each contestant's turns: a busy machine slows all of them."""
    turns: dict[str, list[Spent]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, work in contestants.items():
            turns[name].append(spent(work))
    return {name: (min(wall for wall, _ in taken), min(cpu for _, cpu in taken)) for name, taken in turns.items()}


def peak_mb() -> float:
    """The most memory that this process has had: MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Command:
    """What a command of its own process took."""

    cpu: float
    """Seconds of processor time."""

    peak_mb: float
    """The most memory that it had, MiB."""

    output: str
    """What it printed, messages included."""


_ALONE = """
import os, subprocess, sys
_, status, used = os.wait4(subprocess.Popen(sys.argv[2:]).pid, 0)
said = f"{used.ru_utime + used.ru_stime} {used.ru_maxrss} {os.waitstatus_to_exitcode(status)}"
os.write(int(sys.argv[1]), said.encode())
"""
"""A small process that starts the command: what a parent holds when it forks counts as the child's own memory."""


def command(*words: object) -> Command:
    """Run ``llm4es`` as users do, in a process of its own; what it says of a failure ends the script."""
    reading, writing = os.pipe()
    argv = [sys.executable, "-c", _ALONE, str(writing), sys.executable, "-m", "llm4es_cli.main", *map(str, words)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=(writing,))
    os.close(writing)
    with os.fdopen(reading) as said:
        cpu, peak_kb, code = map(float, said.read().split())
    if code:
        raise SystemExit(f"llm4es {' '.join(map(str, words))}: {code:.0f}\n{done.stdout}")
    return Command(cpu, peak_kb / 1024, done.stdout)
