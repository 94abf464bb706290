"""What of this machine a process may use: cores, and memory.

In: nothing. Out: numbers. Imports nothing heavy.
"""

import os
from pathlib import Path

MEMORY = Path("/proc/meminfo")
"""What the system says of its memory."""

CGROUP = Path("/sys/fs/cgroup")
"""What the container's limits are."""

MEMORY_LIMITS = (
    ("memory.max", "memory.current", ""),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_"),
)
"""Files of the limit and of what is used, and what words of ``memory.stat`` start with: cgroups version 2, and 1."""


def cores() -> int:
    """Threads that may compute at once: as ``OMP_NUM_THREADS`` says, else the cores that this process may run on."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return own_cores()


def own_cores() -> int:
    """Cores that this process may run on, whatever a library was told."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    return max(1, min(len({_core(cpu) for cpu in allowed}), _quota(len(allowed))))


def free_memory() -> int | None:
    """Bytes that can be had without swapping, within the limit of the container; None: the system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    for limit_file, used_file, prefix in MEMORY_LIMITS:
        limit, used = _number(CGROUP / limit_file), _number(CGROUP / used_file)
        if limit is not None and used is not None:
            return max(0, min(free, limit - used + _cached(CGROUP / used_file, prefix)))
    return free


def _cached(used_file: Path, prefix: str) -> int:
    """Bytes of files that the kernel keeps in what is used, and gives back when memory is asked for."""
    try:
        lines = dict(line.split() for line in used_file.with_name("memory.stat").read_text().splitlines())
        return sum(int(lines[f"{prefix}{part}_file"]) for part in ("inactive", "active"))
    except (OSError, KeyError, ValueError):
        return 0


def _core(cpu: int) -> str:
    """The core that a logical processor is a thread of."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def _quota(most: int) -> int:
    """Cores that the container may take, rounded up."""
    try:
        quota, period = (CGROUP / "cpu.max").read_text().split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):  # 'max': no limit
        return most


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
