"""A command that runs while somebody looks at it: what its processes are and take, and one of them killed.

In: words of a command. Out: seconds, peak memory by kind of process. What ``benchmarks/cluster.py`` measures by.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

_CODE = "from llm4es_cli.main import main; main()"

_EVERY = 0.1
"""Seconds between looks."""

_RAYS_OWN = ("gcs_server", "log_monitor", "monitor.py", "agent", "dashboard", "runtime_env")


def kind_of(process: psutil.Process) -> str:
    """What a process below a command is: a worker, Ray's raylet, or another of Ray's own."""
    said = " ".join(process.cmdline())
    if said.startswith("ray::RayActor") or "llm4es.project.worker" in said:
        return "worker"
    if process.name() == "raylet":
        return "raylet"
    return "ray" if said.startswith("ray::") or "/ray/" in said or any(own in said for own in _RAYS_OWN) else "other"


@dataclass
class Watched:
    """A command, and the processes below it."""

    process: "subprocess.Popen[bytes]"
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    """By the clock, once it has ended."""

    peaks: dict[str, float] = field(default_factory=dict)
    """Kind of process -> MiB of the largest of them."""

    _cpu: dict[tuple[int, float], float] = field(default_factory=dict)
    """Process, and when it began -> seconds of processor time."""

    @classmethod
    def start(cls, *words: object, threads: int = 1) -> "Watched":
        """Start a command of llm4es that may have so many threads a process."""
        command = [sys.executable, "-c", _CODE, *map(str, words), "--quiet"]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        watched = cls(process)
        threading.Thread(target=watched._look, daemon=True).start()
        return watched

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def returncode(self) -> int:
        return int(self.process.returncode)

    @property
    def cpu(self) -> float:
        """Seconds of processor time of all processes, as far as they were looked at."""
        return sum(self._cpu.values())

    def processes(self) -> Iterator[tuple[psutil.Process, str]]:
        """It, and those below it, with what they are."""
        try:
            command = psutil.Process(self.process.pid)
            yield command, "command"
            for process in command.children(recursive=True):
                yield process, kind_of(process)
        except psutil.Error:  # gone in the meantime
            return

    def _look(self) -> None:
        while self.running:
            for process, kind in self.processes():
                try:
                    spent, memory = process.cpu_times(), process.memory_info().rss / 2**20
                    self._cpu[process.pid, process.create_time()] = spent.user + spent.system
                except psutil.Error:
                    continue
                self.peaks[kind] = max(self.peaks.get(kind, 0.0), memory)
            time.sleep(_EVERY)

    def kill(self, kind: str, after: float) -> bool:
        """Kill one of a kind after so many seconds, or once there is one; False where the command ended before."""
        while self.running:
            if time.monotonic() - self.began >= after:
                victims = [process for process, its in self.processes() if its == kind]
                if victims:
                    victims[0].kill()
                    return True
            time.sleep(0.02)
        return False

    def ended(self) -> str:
        """Wait for its end; what it said on stderr."""
        said = self.process.communicate()[1].decode(errors="replace").strip()
        self.seconds = time.monotonic() - self.began
        return said
