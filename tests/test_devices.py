"""Which device, number format and attention a load gets."""

import os
import sys
from dataclasses import replace

import pytest

from llm4es.core.errors import ModelError
from llm4es.models import devices
from llm4es.options import Attention, Device, Dtype, LoadOptions

from .models import CPU


def test_a_machine_without_a_driver_is_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "DRIVERS", ())
    assert devices.device_name(LoadOptions()) == "cpu"
    assert devices.number_format(LoadOptions()) == "float32"
    with pytest.raises(ModelError, match=r"--device cuda: torch sees no CUDA device here; give --device cpu"):
        devices.device_name(LoadOptions(device=Device.CUDA))


def test_a_cuda_machine_computes_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "DRIVERS", (os.devnull,))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    assert devices.device_name(LoadOptions()) == "cuda"
    assert devices.number_format(LoadOptions()) == "bfloat16"
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: False)
    assert devices.number_format(LoadOptions()) == "float32"
    assert devices.number_format(LoadOptions(device=Device.CPU)) == "float32"


def test_flash_attention_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    flash = replace(CPU, attention=Attention.FLASH)
    with pytest.raises(ModelError, match=r"--attention flash_attention_2 needs flash-attn, which is not installed"):
        devices.attention_name(flash)
    assert devices.attention_name(CPU) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: object())
    assert devices.attention_name(CPU) is None
    assert devices.attention_name(flash) == "flash_attention_2"
    monkeypatch.setattr(devices, "device_name", lambda options: "cuda")
    assert devices.attention_name(replace(CPU, dtype=Dtype.BFLOAT16)) == "flash_attention_2"
    assert devices.attention_name(replace(CPU, dtype=Dtype.FLOAT32)) is None


@pytest.mark.skipif(sys.platform == "darwin", reason="an Apple GPU may be there")
def test_no_apple_gpu() -> None:
    with pytest.raises(ModelError, match=r"--device mps: torch sees no Apple GPU here; give --device cpu"):
        devices.device_name(LoadOptions(device=Device.MPS))


def test_auto_takes_an_apple_gpu_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "DRIVERS", ())
    monkeypatch.setattr(devices, "_mps", lambda: True)
    for works in (True, False):
        monkeypatch.setattr(devices, "_mps_works", lambda works=works: works)
        assert devices.device_name(LoadOptions()) == ("mps" if works else "cpu")
        assert devices.number_format(LoadOptions()) == "float32"


@pytest.mark.skipif(sys.platform == "darwin", reason="an Apple GPU may be there")
def test_an_apple_gpu_that_is_listed_and_is_not_there() -> None:
    assert not devices._mps_works()
