"""How many processes embed where nobody says: as many as pay, and never more than there are GPUs or memory for."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from transformers import AutoModelForCausalLM

from llm4es import Project
from llm4es.core import cores as machine
from llm4es.core.errors import OptionError, WorkerError
from llm4es.models.devices import device_name, number_format
from llm4es.models.placement import as_found_here, weight_bytes
from llm4es.models.resolve import resolve
from llm4es.options import Device, Dtype, LoadOptions, WorkerOptions
from llm4es.project import worker_count as counting
from llm4es.project.context import Context
from llm4es.project.executor import Executor, Increment, Local, Setup
from llm4es.project.observer import Advance
from llm4es.project.worker_count import worker_count
from llm4es.project.workers import environments
from llm4es_store import Store

from . import shop
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
    weights = 4 * sum(weight.numel() for weight in AutoModelForCausalLM.from_pretrained(folder).parameters())
    assert weight_bytes(folder, CPU) == weights
    monkeypatch.setattr(counting, "PROCESS_BYTES", 1)
    monkeypatch.setattr(counting, "free_memory", lambda: int(2.9 * (weights + 1) / 0.8))
    assert worker_count(None, ref, CPU, MUCH) == 2
    monkeypatch.setattr(counting, "free_memory", lambda: int(1.9 * (weights + 1) / 0.8))
    assert worker_count(None, ref, CPU, MUCH) == 1
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
    with pytest.raises(WorkerError, match="--workers 3: torch sees 2 GPUs here, and a process takes one: give 2"):
        worker_count(3, ref, load, MUCH)


def test_each_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    of = environments(2)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in of] == ["4", "6"]
    assert {one["OMP_NUM_THREADS"] for one in of} == {"3"}
    assert {one["OMP_NUM_THREADS"] for one in environments(20)} == {"1"}


@pytest.mark.parametrize("said", ["", ","])
def test_who_is_shown_no_gpu_shows_none(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments(2)] == ["", ""]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments(2)] == ["0", "1"]


def test_the_time_is_of_the_weights_in_whatever_format_their_files_are(
    folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = AutoModelForCausalLM.from_pretrained(folder)
    n_weights = sum(weight.numel() for weight in network.parameters())
    half = shutil.copytree(folder, tmp_path / "half")
    network.bfloat16().save_pretrained(half)
    monkeypatch.setattr(counting, "cores", lambda: 3)
    monkeypatch.setattr(counting, "free_memory", lambda: 10**11)
    enough = int(counting.ENOUGH_SECONDS * counting.FLOPS / 2 / n_weights)
    for kept in (folder, half):
        ref = resolve(str(kept))
        assert [worker_count(None, ref, CPU, n) for n in (int(0.99 * enough), int(1.01 * enough))] == [1, 3]


def test_each_computes_where_and_in_the_format_that_was_found_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.models.devices._cuda", lambda: False)
    monkeypatch.setattr("llm4es.models.devices._mps", lambda: False)
    told = as_found_here(LoadOptions())
    assert (told.device, told.dtype) == (Device.CPU, Dtype.FLOAT32)
    monkeypatch.setattr("llm4es.models.devices._cuda", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    assert (device_name(told), number_format(told)) == ("cpu", "float32")
    here = as_found_here(LoadOptions())
    assert (here.device, here.dtype) == (Device.AUTO, Dtype.BFLOAT16)
    assert as_found_here(LoadOptions(device=Device.SPLIT)).device is Device.SPLIT


class Noted:
    """An executor that keeps what it is given, and does nothing."""

    setup: Any = None

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        self.setup = setup
        return iter(())


def test_the_set_up_leaves_nothing_to_be_found_anew(tmp_path: Path, folder: Path) -> None:  # noqa: F811
    noted = Noted()
    project = Project(str(shop.write(tmp_path / "shop")), tmp_path / "store", executor=Local(1))
    project.serialize()
    Project(str(tmp_path / "shop/shop.toml"), tmp_path / "store", executor=noted).embed(
        str(folder), k=1, max_length=32, device="auto"
    )
    (load,) = [given for given in noted.setup.args if isinstance(given, LoadOptions)]
    assert load == as_found_here(LoadOptions())
    assert load.dtype is not Dtype.AUTO


def test_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert machine.cores() == 5
    free = machine.free_memory()
    assert free is None or 0 <= free < 2**50


@pytest.mark.parametrize("version", [1, 2])
def test_files_that_a_container_keeps_in_memory_are_room(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    assert machine.free_memory() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    assert machine.free_memory() == 8000 * 1024
    at = tmp_path / "memory" if version == 1 else tmp_path
    at.mkdir(exist_ok=True)
    limit, used, word = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
        2: ("memory.max", "memory.current", ""),
    }[version]
    (at / limit).write_text("1000000\n")
    (at / used).write_text("900000\n")
    assert machine.free_memory() == 100_000
    (at / "memory.stat").write_text(f"anon 1\n{word}inactive_file 200000\n{word}active_file 300000\n")
    assert machine.free_memory() == 600_000
    (at / used).write_text("5000000\n")
    assert machine.free_memory() == 0
    (at / limit).write_text("9223372036854771712\n" if version == 1 else "max\n")
    assert machine.free_memory() == 8000 * 1024


def test_an_executor_of_another_kind_has_workers_of_its_own(tmp_path: Path) -> None:
    class Elsewhere(Local):
        """Maps on a cluster, perhaps."""

    context = Context("shop", Store(tmp_path / "store", create=True))
    several = context.working(WorkerOptions(workers=2)).executor
    assert isinstance(several, Local)
    assert several.workers == 2
    assert context.working(WorkerOptions()) is context
    elsewhere: Executor = Elsewhere()
    with pytest.raises(OptionError, match=r"--workers 2 is of llm4es.Local, and the executor is another"):
        replace(context, executor=elsewhere).working(WorkerOptions(workers=2))


def test_what_run_cannot_do_at_its_end_is_refused_before_its_start(tmp_path: Path) -> None:
    recipe = str(shop.write(tmp_path / "shop"))
    project = Project(recipe, tmp_path / "store", executor=Noted())
    with pytest.raises(OptionError, match=r"--workers 2 is of llm4es\.Local"):
        project.run(model="m", workers=2)
    with pytest.raises(OptionError, match="--workers 2 with --engine openai"):
        project.run(model="m", engine="openai", base_url="http://127.0.0.1:9/v1", workers=2)
    assert project.sql("SELECT count(*) AS n FROM runs").to_pylist() == [{"n": 0}]
