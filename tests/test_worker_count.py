"""How many processes embed where nobody says: as many as pay, and never more than there are GPUs or memory for."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from llm4es.core import cores as machine
from llm4es.core.errors import OptionError, WorkerError
from llm4es.models.resolve import resolve
from llm4es.options import Device, LoadOptions
from llm4es.project import worker_count as counting
from llm4es.project.context import Context
from llm4es.project.executor import Executor, Local
from llm4es.project.worker_count import worker_count
from llm4es.project.workers import environments
from llm4es_store import Store

from .models import CPU, folder, made  # noqa: F401  # fixtures

MUCH = 10**12
"""Tokens."""


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "cores", lambda: 3)
    monkeypatch.setattr(counting, "free_memory", lambda: 10**11)


@pytest.mark.usefixtures("cores")
def test_on_a_cpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    ref = resolve(str(folder))
    assert worker_count(None, ref, CPU, MUCH) == 3
    assert worker_count(None, ref, CPU, 100) == 1
    assert worker_count(7, ref, CPU, 100) == 7
    monkeypatch.setattr(counting, "cores", lambda: 64)
    assert worker_count(None, ref, CPU, MUCH) == counting.MOST
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    monkeypatch.setattr(counting, "free_memory", lambda: int(2.1 * (counting.PROCESS_BYTES + 2 * weights) / 0.8))
    assert worker_count(None, ref, CPU, MUCH) == 2
    monkeypatch.setattr(counting, "free_memory", lambda: 0)
    assert worker_count(None, ref, CPU, MUCH) == 1
    monkeypatch.setattr(counting, "free_memory", lambda: None)
    assert worker_count(None, ref, CPU, MUCH) == 1


def test_one_a_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("llm4es.models.devices.DRIVERS", (os.devnull,))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    ref, load = resolve(str(folder)), LoadOptions(device=Device.CUDA)
    assert worker_count(None, ref, load, MUCH) == 2
    assert worker_count(None, ref, load, 100) == 1
    assert worker_count(1, ref, load, MUCH) == 1
    with pytest.raises(WorkerError, match="--workers 3: torch sees 2 GPU here, and a process takes one: give 2"):
        worker_count(3, ref, load, MUCH)


def test_each_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    of = environments(2)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in of] == ["4", "6"]
    assert {one["OMP_NUM_THREADS"] for one in of} == {"3"}
    assert {one["OMP_NUM_THREADS"] for one in environments(20)} == {"1"}


def test_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert machine.cores() == 5
    free = machine.free_memory()
    assert free is None or 0 <= free < 2**50


def test_an_executor_of_another_kind_has_workers_of_its_own(tmp_path: Path) -> None:
    class Elsewhere(Local):
        """Maps on a cluster, perhaps."""

    context = Context("shop", Store(tmp_path / "store", create=True))
    several = context.with_workers(2).executor
    assert isinstance(several, Local)
    assert several.workers == 2
    assert context.with_workers(None) is context
    elsewhere: Executor = Elsewhere()
    with pytest.raises(OptionError, match=r"--workers 2 is of llm4es.Local, and the executor is another"):
        replace(context, executor=elsewhere).with_workers(2)
