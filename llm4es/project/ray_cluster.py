"""A Ray to work with: the cluster that there is, or one of this machine's own; quiet, and gone with this process.

In: an address. Out: the module ``ray``, connected. Knows no stage and no worker.
"""

import atexit
import logging
import os
import secrets
import socket
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from ..core.cores import own_cores
from ..core.errors import WorkerError
from .mapping import LostWorkerError

_MEMORY = ("low on memory", "memory usage threshold")
"""What Ray says where its own watch, not the kernel's, has killed a worker: of 2.60 and before."""

_TRIES = 3
"""A machine under load may take longer than Ray waits for its own parts."""

_SECONDS = 10.0
"""For an address to answer at all."""

_joined: list[str] = []
"""Where this process is connected to, if an address was given."""

_BETWEEN, _SILENT = 5.0, 30.0
"""Seconds between looks at a cluster's head, and of silence after which it is gone: Ray ends this process after 60."""

_LOCAL = {"address": "local", "include_dashboard": False, "object_store_memory": 120 * 2**20}
"""Of a Ray of this machine's own: what travels is ids and names of files, and nobody looks at it in a browser."""


def check_installed() -> None:
    """Raise WorkerError where there is no Ray: said before any work, and without importing it."""
    there = sys.modules["ray"] is not None if "ray" in sys.modules else find_spec("ray") is not None
    if not there:
        raise WorkerError("--executor ray needs Ray: pip install 'llm4es[ray]'")


def connected(address: str | None = None) -> Any:
    """Ray, connected to a cluster.

    Parameters
    ----------
    address : str, optional
        Of a cluster; None: as ``RAY_ADDRESS`` says, else a Ray of this machine, started once a process.

    Returns
    -------
    module
        ``ray``.

    Raises
    ------
    WorkerError
        Where Ray is not installed, nothing answers at the address, it is of another version of Ray or Python, or one
        that jobs are submitted to.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    check_installed()
    import ray

    address = address or os.environ.get("RAY_ADDRESS") or None
    if address == "local":
        address = None
    if ray.is_initialized():
        if address and _joined and address != _joined[0]:
            raise WorkerError(f"this process works on the Ray at {_joined[0]} already: use another for {address}")
        return ray
    if address and address.startswith(("ray://", "http://", "https://")):
        raise WorkerError(
            f"{address} is an address to submit jobs to: `ray job submit -- llm4es ...` runs the command on the cluster"
        )
    if address:
        _answers(address)
    else:
        os.environ.setdefault("RAY_worker_niceness", "0")  # workers as urgent as the command: Ray's are at 15
    if not address and not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # else Ray writes one into the home folder, for good
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    for left in reversed(range(_TRIES)):
        try:
            ray.init(**({"address": address} if address else {**_LOCAL, "num_cpus": own_cores()}), **quiet)
        except Exception as error:  # of many kinds, some of them of no public class
            ray.shutdown()
            said = " ".join(str(error).split())[:300]
            if address or not left:
                where = f"at {address}" if address else "on this machine"
                hint = "; where it asks for a token, set RAY_AUTH_MODE=token" if "Failed to connect" in said else ""
                raise WorkerError(f"no Ray {where}: {said}{hint}") from error
            time.sleep(2.0)
        else:
            break
    _joined[:] = [address] if address else []
    atexit.register(ray.shutdown, wait_for_processes=True)
    _silence()
    return ray


class Head:
    """The head of a cluster, looked at now and then while work is done.

    Parameters
    ----------
    address : str
        Host and port.

    Examples
    --------
    >>> Head("127.0.0.1:1").check()
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._asked = self._answered = time.monotonic()

    def check(self) -> None:
        """Raise WorkerError where it has not answered for half a minute; at once where it was just looked at."""
        if time.monotonic() - self._asked < _BETWEEN:
            return
        try:
            _answers(self._address)
            self._answered = time.monotonic()
        except WorkerError as error:
            if time.monotonic() - self._answered > _SILENT:
                raise WorkerError(
                    f"the cluster is gone: its head has not answered for {_SILENT:g} seconds ({error}); start it "
                    "again: what was committed stays, and the same command goes on from there"
                ) from error
        self._asked = time.monotonic()


def _answers(address: str) -> None:
    """Raise WorkerError where nothing listens at such an address as ``head:6379``: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _SECONDS):
            pass
    except OSError as error:
        raise WorkerError(f"no Ray at {address}: {error.strerror or error}") from error


def _silence() -> None:
    """Keep what Ray prints of dead workers off stdout, where results go: it is told in a line of ours."""
    with suppress(ImportError):  # of no public module: ``log_to_driver`` is only about what workers print
        from ray._private import worker

        worker.print_to_stdstream = lambda *_, **__: None


def told(error: Any) -> BaseException:
    """What a stage raised in a worker, as it raised it there.

    ``error`` is a ``ray.exceptions.RayTaskError``, which Ray raises here.
    """
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, BaseException) else RuntimeError(str(error))


def as_meant(said: str) -> Exception:
    """What Ray says of an actor that is gone: it cannot start there, or it died."""
    if "creation task" in said:
        last = said.strip().splitlines()[-1]
        return WorkerError(f"a worker cannot start on the cluster ({last}): install the same llm4es on every node")
    memory = " for lack of memory" if any(words in said for words in _MEMORY) else ""
    return LostWorkerError(f"of the cluster died{memory}")
