"""Whether a model goes onto one device, or is shared out over all that there are.

In: a found model, and how it is to be loaded. Out: yes or no, and in words where it runs. Which layer then goes where
is accelerate's choice. Torch is asked only where there is CUDA. Knows no texts.
"""

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ..core.processes import local_rank, several
from ..options import Device, Dtype, LoadIn, LoadOptions
from .devices import device_name, number_format
from .ref import ModelRef
from .weight_files import weight_files

ROOM = 0.85
"""Share of a GPU's free memory that weights may take: the rest is for the states of a pass."""

QUANTISED_BYTES = {LoadIn.INT8: 1.0, LoadIn.NF4: 0.5}
"""Bytes of a weight that bitsandbytes keeps."""


def is_split(ref: ModelRef, options: LoadOptions) -> bool:
    """Whether one model is shared out over devices: asked for, or by itself where no single GPU has room for it.

    Examples
    --------
    >>> from pathlib import Path
    >>> ref = ModelRef("m", Path("m"), None, "m", n_layers=2, dim=8, context=64, fingerprint="f", revision=None)
    >>> is_split(ref, LoadOptions(device=Device.SPLIT)), is_split(ref, LoadOptions(device=Device.CPU))
    (True, False)
    """
    if options.device != Device.AUTO:
        return options.device == Device.SPLIT
    if several() or device_name(options) != "cuda":
        return False
    import torch

    free, _ = torch.cuda.mem_get_info(local_rank())
    return weight_bytes(ref.folder, options) > ROOM * free


def as_found_here(options: LoadOptions) -> LoadOptions:
    """The same for a process that sees other devices: what ``auto`` is here is said.

    On CUDA devices the device is left open: whether one of them has room is known where the model is loaded.

    Examples
    --------
    >>> found = as_found_here(LoadOptions())
    >>> found.dtype is Dtype.AUTO, as_found_here(LoadOptions(device=Device.SPLIT)).device.value
    (False, 'split')
    """
    device = options.device
    if device == Device.AUTO and device_name(options) != "cuda":
        device = Device(device_name(options))
    return replace(options, dtype=Dtype(number_format(options)), device=device)


def where_it_runs(ref: ModelRef, options: LoadOptions) -> str:
    """Such as 'cpu', or 'cuda, split over all devices'."""
    return device_name(options) + (", split over all devices" if is_split(ref, options) else "")


def weight_bytes(folder: Path, options: LoadOptions) -> int:
    """What the weights take in memory, in the number format that they are loaded in. Reads headers alone."""
    plain = 4.0 if number_format(options) == "float32" else 2.0
    return int(n_weights(folder) * QUANTISED_BYTES.get(options.load_in, plain))


def n_weights(folder: Path) -> int:
    """How many numbers the weights are, in whatever format their files have them. Reads headers alone."""
    count = 0
    for file in weight_files(folder, "model"):
        with safe_open(file, "np") as opened:
            count += sum(prod(opened.get_slice(key).get_shape()) for key in opened.keys())  # noqa: SIM118 (no mapping)
    return count


def devices_of(network: Any) -> list[str]:
    """The devices that hold its parts, 'disk' among them; none where it lies on one."""
    placed = getattr(network, "hf_device_map", {})
    return sorted({f"cuda:{place}" if isinstance(place, int) else str(place) for place in placed.values()})
