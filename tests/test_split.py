"""A model whose parts lie on several devices: the vectors of one device, and one line where that cannot be."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch

from llm4es.core.errors import ModelError, WorkerError
from llm4es.core.input_device import input_device
from llm4es.embed import embed
from llm4es.finetune import finetune
from llm4es.models import load_model, placement
from llm4es.models.load import Model
from llm4es.models.ref import StoredModel
from llm4es.models.resolve import resolve
from llm4es.options import Device, Dtype, EmbedOptions, FinetuneOptions, LoadIn, LoadOptions
from llm4es.project.worker_count import worker_count

from . import tiny
from .models import CPU, adapter, cache, folder, made  # noqa: F401  # fixtures

SPLIT = LoadOptions(device=Device.SPLIT)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the tiny model fits: accelerate leaves the rest on disk."""
    half = 2 * sum(weight.numel() for weight in tiny.network().parameters())
    monkeypatch.setattr("transformers.integrations.accelerate.get_max_memory", lambda _=None: {"cpu": half})


def vectors(model: Model) -> np.ndarray:
    many = tiny.texts(*[(f"e{i}", "9\n" + "\n".join("5 6" for _ in range(1 + 7 * i % 5))) for i in range(12)])
    rows = embed([many], model, EmbedOptions(k=(1, 2, 0), max_length=16, batch_tokens=48))
    return np.array([vector for batch in rows for vector in batch["vector"].to_pylist()])


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("dtype", [Dtype.FLOAT32, Dtype.BFLOAT16])
def test_vectors_are_those_of_one_device(folder: Path, dtype: Dtype) -> None:  # noqa: F811
    ref = resolve(str(folder))
    split, whole = (load_model(ref, replace(how, dtype=dtype)) for how in (SPLIT, CPU))
    assert "disk" in placement.devices_of(split.network)
    assert any(weight.is_meta for weight in split.network.parameters())
    assert split.device == torch.device("cpu")
    np.testing.assert_allclose(vectors(split), vectors(whole), rtol=1e-5, atol=1e-6)
    assert split.fingerprint == whole.fingerprint


@pytest.mark.usefixtures("little_memory")
def test_an_adapter_on_weights_on_disk_is_refused(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    base = resolve(str(folder))
    stored = StoredModel("tuned", adapter(tmp_path / "a", folder, 0.1), "lora", str(folder), base.fingerprint)
    ref = resolve("tuned", {"tuned": stored})
    with pytest.raises(ModelError, match="tuned is a LoRA, and its base mine does not fit the GPUs: give --load-in"):
        load_model(ref, SPLIT)


@pytest.mark.usefixtures("little_memory")
def test_it_is_not_tuned(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    model, texts = load_model(resolve(str(folder)), SPLIT), tiny.texts(("a", "1 2\n3 4"))
    table = pa.Table.from_batches([texts])
    with pytest.raises(ModelError, match=r"mine are shared out over cpu, disk: tune them by torchrun with FSDP"):
        finetune(table, table[:0], model, FinetuneOptions(steps=1, max_length=16), tmp_path / "out")


def test_it_is_split_by_itself_where_no_gpu_has_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    ref = resolve(str(folder))
    bytes_ = 4 * sum(weight.numel() for weight in load_model(ref, CPU).network.parameters())
    assert placement.weight_bytes(folder, CPU) == pytest.approx(bytes_, rel=0.3)  # tied weights are in the file once
    assert placement.weight_bytes(folder, replace(CPU, load_in=LoadIn.INT8)) * 4 == placement.weight_bytes(folder, CPU)
    monkeypatch.setattr(placement, "device_name", lambda options: "cuda")
    monkeypatch.setattr(placement, "number_format", lambda options: "bfloat16")
    for free, split in ((bytes_ // 8, True), (bytes_ * 2, False)):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda rank, free=free: (free, 2 * free))
        assert placement.is_split(ref, LoadOptions()) is split
        assert placement.where_it_runs(ref, LoadOptions()) == "cuda" + ", split over all devices" * split
        assert not placement.is_split(ref, LoadOptions(device=Device.CUDA))


def test_one_process_reads_with_it(folder: Path) -> None:  # noqa: F811
    ref = resolve(str(folder))
    assert worker_count(None, ref, SPLIT, 10**12) == 1
    with pytest.raises(WorkerError, match=r"--workers 2: mine is split over all devices, for one process: give 1"):
        worker_count(2, ref, SPLIT, 10)


def test_inputs_go_where_the_first_part_is_computed() -> None:
    def network(weight: str, hook: object, **more: object) -> SimpleNamespace:
        embeddings = SimpleNamespace(weight=torch.empty(1, device=weight), _hf_hook=hook)
        return SimpleNamespace(device=torch.device("meta"), get_input_embeddings=lambda: embeddings, **more)

    hook = SimpleNamespace(execution_device=0)
    assert input_device(network("meta", hook, hf_device_map={})) == torch.device("cuda", 0)
    assert input_device(network("cpu", None, hf_device_map={})) == torch.device("cpu")
    assert input_device(network("cpu", hook)) == torch.device("meta")


def test_what_cannot_be_shared_out_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no device has room\nfor a layer")

    monkeypatch.setattr("transformers.PreTrainedModel.from_pretrained", broken)
    with pytest.raises(ModelError, match=r"no device has room .*: accelerate cannot share it out; give --load-in 4bit"):
        load_model(resolve(str(folder)), SPLIT)
