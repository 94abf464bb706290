"""What of this machine a process may use: cores, and memory.

In: nothing. Out: numbers. Imports nothing heavy.
"""

import os
from pathlib import Path


def cores() -> int:
    """Threads that may compute at once: as ``OMP_NUM_THREADS`` says, else the cores that this process may run on."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    return max(1, min(len({_core(cpu) for cpu in allowed}), _quota(len(allowed))))


def free_memory() -> int | None:
    """Bytes that can be had without swapping, within the limit of the container; None: the system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    limit, used = (_number(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    return free if limit is None or used is None else max(0, min(free, limit - used))


def _core(cpu: int) -> str:
    """The core that a logical processor is a thread of."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def _quota(most: int) -> int:
    """Cores that the container may take, rounded up."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):  # 'max': no limit
        return most


def _number(file: str) -> int | None:
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):
        return None
