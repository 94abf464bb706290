"""What Ray as an executor refuses, in a line; nothing of this needs Ray."""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project, Ray
from llm4es.core.errors import OptionError, WorkerError
from llm4es.options import WorkerOptions
from llm4es.project.executor import Local, check_devices
from llm4es.project.mapping import map_over
from llm4es.project.portions import Portions
from llm4es.project.ray_cluster import Head, as_meant, connected
from llm4es.project.ray_worker import LOOK_SECONDS, RayWorker
from llm4es.project.shared_place import SharedPlace

from .shell import Shell

REAL = socket.create_connection

Install = Callable[[Callable[..., None]], list[dict[str, Any]]]


@pytest.fixture
def with_ray(monkeypatch: pytest.MonkeyPatch) -> Install:
    """A Ray that does as it is told when it is to connect; keeps what it was asked."""

    def installed(init: Callable[..., None]) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def connect(**options: Any) -> None:
            asked.append(options)
            init()

        module: Any = ModuleType("ray")
        module.init, module.shutdown, module.is_initialized = connect, lambda: None, lambda: False
        monkeypatch.setitem(sys.modules, "ray", module)
        monkeypatch.setattr("time.sleep", lambda _: None)
        monkeypatch.setattr("atexit.register", lambda *_, **__: None)
        return asked

    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 32)
    monkeypatch.setenv("RAY_worker_niceness", "15")  # as it was comes back after the test
    monkeypatch.delenv("RAY_worker_niceness")
    monkeypatch.setattr("socket.create_connection", lambda *_: contextlib.nullcontext())
    return installed


def fails(message: str) -> Callable[..., None]:
    def init() -> None:
        raise RuntimeError(message)

    return init


def test_without_ray_the_extra_is_named(own: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = own.fails("enrich", own.recipe, "--variants", "1", "--executor", "ray")
    assert said == "error: --executor ray needs Ray: pip install 'llm4es[ray]'"
    assert own.stage("enrich", "--variants", "1")[0]["computed"] == 20


def test_another_ray_at_the_address_is_one_line(with_ray: Install) -> None:
    asked = with_ray(fails("Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.11.7"))
    with pytest.raises(WorkerError) as raised:
        connected("head:6379")
    assert str(raised.value) == (
        "no Ray at head:6379: Version mismatch: The cluster was started with: Ray: 2.50.0 Python: 3.11.7"
    )
    assert [options["address"] for options in asked] == ["head:6379"]
    with_ray(fails("Failed to connect to Ray cluster at 10.0.0.1:6379"))
    with pytest.raises(WorkerError, match=r"6379; where it asks for a token, set RAY_AUTH_MODE=token"):
        connected("head:6379")


def test_an_address_that_nobody_answers_at_is_said_at_once(with_ray: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = with_ray(lambda: None)
    monkeypatch.setattr("socket.create_connection", REAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WorkerError, match=f"no Ray at {address}: Connection refused"):
        connected(address)
    assert not asked


def test_a_ray_of_this_machine_that_is_slow_to_start_is_tried_again(with_ray: Install) -> None:
    left = [fails("The current node timed out during startup.")] * 2 + [lambda: None]
    asked = with_ray(lambda: left.pop(0)())
    connected()
    assert [options["address"] for options in asked] == ["local"] * 3
    assert os.environ["RAY_worker_niceness"] == "0"  # noqa: SIM112 - else whatever else runs on a busy machine goes first
    asked = with_ray(fails("The current node timed out during startup."))
    with pytest.raises(WorkerError, match=r"no Ray on this machine: The current node timed out during startup\."):
        connected()
    assert len(asked) == 3


def test_the_environment_says_which_cluster(with_ray: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = with_ray(lambda: None)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    connected()
    assert asked[0]["address"] == "head:6379"
    monkeypatch.setattr(sys.modules["ray"], "is_initialized", lambda: True)
    connected("head:6379")
    with pytest.raises(WorkerError, match=r"works on the Ray at head:6379 already: use another for other:6379"):
        connected("other:6379")
    monkeypatch.setattr(sys.modules["ray"], "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "local")
    connected()
    assert asked[1]["object_store_memory"]  # one of this machine's own, as where nothing is said
    monkeypatch.setenv("RAY_ADDRESS", "http://head:8265")
    with pytest.raises(WorkerError, match="http://head:8265 is an address to submit jobs to: `ray job submit"):
        connected()


def test_what_a_killed_driver_left_goes_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".shared-old", 90_000), (".shared-new", 80_000), ("kept", 90_000)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with SharedPlace.of(str(tmp_path)):
        assert len([*tmp_path.iterdir()]) == 3
    assert {path.name for path in tmp_path.iterdir()} == {".shared-new", "kept"}


def test_a_worker_that_is_another_or_sees_another_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "node7")
    with SharedPlace.of(str(tmp_path)) as place:
        place.check()
        with pytest.raises(WorkerError, match=r"the store /elsewhere is not seen by the worker on node7: every worker"):
            SharedPlace("/elsewhere", place.name).check()
        with pytest.raises(
            WorkerError, match=r"the worker on node7 has llm4es .* and this machine 0\.0: install the same"
        ):
            SharedPlace(str(tmp_path), place.name, "0.0").check()
    assert not [*tmp_path.iterdir()]
    with pytest.raises(WorkerError, match="is not seen"):
        place.check()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "--workers 0 is below 1: give 1 or more"),
        ({"gpus": -1}, "--worker-gpus -1 is below 0: give 0, 1, or a part of one"),
        ({"cpus": 0}, "--worker-cpus 0 is not above 0: give 1 or more"),
    ],
)
def test_shares_that_are_none(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Ray(**options)


def test_options_of_a_cluster_are_of_a_cluster(project: Project) -> None:
    with pytest.raises(OptionError, match="--worker-gpus 1 is of --executor ray: add it, or leave this out"):
        WorkerOptions(worker_gpus=1)
    with pytest.raises(
        OptionError, match=r"--workers 2 of this machine: serialize uses all of its cores in one process"
    ):
        project.serialize(workers=2)
    assert project.serialize().computed == 20
    with pytest.raises(OptionError, match="--executor ray with --engine openai"):
        project.embed("m", engine="openai", base_url="http://127.0.0.1:1", executor="ray")


def test_a_worker_killed_for_memory_died_of_that() -> None:
    said = "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 10.0.0.1, ID: 37b9)"
    assert str(as_meant(said)) == "of the cluster died for lack of memory"
    assert str(as_meant("The actor died unexpectedly before finishing this task.")) == "of the cluster died"


def test_workers_on_other_devices_than_the_command_are_refused() -> None:
    for gpus, device in ((0, "cpu"), (1, "cuda"), (0.5, "cuda"), (0, "mps")):
        check_devices(Ray(2, gpus=gpus), device)
    check_devices(Local(2), "cuda")
    with pytest.raises(OptionError, match=r"--worker-gpus 1 where the command itself computes on cpu: .* leave --work"):
        check_devices(Ray(2, gpus=1), "cpu")
    with pytest.raises(OptionError, match=r"all workers would take the first; give --worker-gpus 1 .*or --device cpu"):
        check_devices(Ray(2), "cuda")


class Alone:
    """A Ray of which no machine is left: whoever waits for a worker waits in vain."""

    exceptions = SimpleNamespace(
        RayTaskError=ValueError, RayActorError=KeyError, ObjectLostError=KeyError, OutOfMemoryError=KeyError
    )

    @staticmethod
    def remote(**_: Any) -> Callable[[type], Any]:
        method = SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *_: "ready"))
        return lambda _: SimpleNamespace(remote=lambda *_: SimpleNamespace(check=method))

    @staticmethod
    def wait(waited: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        assert 0 < timeout <= LOOK_SECONDS
        return [], waited

    @staticmethod
    def nodes() -> list[dict[str, bool]]:
        return [{"Alive": False}]


def test_nobody_waits_for_a_worker_that_no_machine_can_start() -> None:
    with pytest.raises(WorkerError, match="the cluster has no machine left: start it again"):
        RayWorker(Alone(), 1, 0, None).set_up(lambda: lambda batches, advance: iter(()))


def test_a_head_that_is_gone_is_said_before_ray_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        head = Head(f"127.0.0.1:{listening.getsockname()[1]}")
        for now[0] in (10.0, 20.0):
            head.check()
    for now[0] in (30.0, 40.0, 42.0, 50.0):
        head.check()
    now[0] = 55.0
    with pytest.raises(WorkerError, match=r"the cluster is gone: .*Connection refused.*what was committed stays"):
        head.check()


def test_nobody_waits_for_workers_of_a_cluster_that_is_gone() -> None:
    class Waits:
        """A worker that computes for ever, and that nobody can end."""

        def __getattr__(self, name: str) -> Callable[..., Any]:
            assert name not in ("kill", "hand_over")
            return lambda *_: threading.Event().wait() if name == "do" else None

    def gone() -> None:
        if time.monotonic() > ends:
            raise WorkerError("the cluster is gone")

    ends = time.monotonic() + 0.5
    portions = Portions([pa.record_batch({"entity_id": ["a"]})], 1)
    work = map_over([Waits], lambda: lambda batches, advance: iter(()), portions, print, print, look=gone)
    with pytest.raises(WorkerError, match="the cluster is gone"):
        next(work)
