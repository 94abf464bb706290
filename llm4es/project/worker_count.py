"""How many processes are worth their start: one a GPU, or on a CPU as many as there are cores and memory for.

In: a model that was found, how it is to be loaded, how much there is to read. Out: a number. Loads no model.

On a CPU, processes of one thread each read more than one process with as many threads: nothing between the matrix
products runs on several threads, and threads wait for each other at each of them (``benchmarks/workers.py``).
"""

from ..core.cores import cores, free_memory
from ..core.errors import WorkerError
from ..models.devices import device_name
from ..models.placement import is_split, n_weights, weight_bytes
from ..models.ref import ModelRef
from ..options import Device, LoadOptions

MOST = 4
"""Processes on a CPU that nobody asked for: with more, it was not measured."""

ENOUGH_SECONDS = 20.0
"""Work of one process that is worth the start of another: imports and the weights take 5 to 10 seconds."""

FLOPS = 50e9
"""Of a core in a second, at reading texts: 47 to 70 billion were measured."""

PROCESS_BYTES = 900_000_000
"""What a process takes besides the weights: libraries, and the states of a pass."""


def worker_count(asked: int | None, ref: ModelRef, load: LoadOptions, n_tokens: int) -> int:
    """How many processes read so many tokens.

    Parameters
    ----------
    asked : int, optional
        As many as that; None: as many as pay.
    ref : ModelRef
        The model that each of them loads.
    load : LoadOptions
        Where it runs.
    n_tokens : int
        About how many tokens there are to read.

    Returns
    -------
    int
        1: nothing is gained by another process.

    Raises
    ------
    WorkerError
        Where more processes than GPUs are asked for.

    Examples
    --------
    >>> from llm4es.models import resolve
    >>> from llm4es.options import LoadOptions
    >>> worker_count(3, resolve(folder), LoadOptions(device="cpu"), n_tokens=10)
    3
    >>> worker_count(None, resolve(folder), LoadOptions(device="cpu"), n_tokens=10)
    1
    """
    device = device_name(load)
    if is_split(ref, load):
        if (asked or 1) > 1:
            raise WorkerError(f"--workers {asked}: {ref.name} is split over all devices, for one process: give 1")
        return 1
    if device == Device.CUDA:
        import torch

        gpus = torch.cuda.device_count()
        if asked is not None and asked > gpus:
            here = "1 GPU" if gpus == 1 else f"{gpus} GPUs"
            raise WorkerError(f"--workers {asked}: torch sees {here} here, and a process takes one: give {gpus}")
        return asked or (gpus if is_enough(ref, n_tokens) else 1)
    if asked is not None or device != Device.CPU:
        return asked or 1
    if not is_enough(ref, n_tokens):
        return 1
    free = free_memory()
    room = 1 if free is None else int(0.8 * free) // (weight_bytes(ref.folder, load) + PROCESS_BYTES)
    return max(1, min(cores(), MOST, room))


def is_enough(ref: ModelRef, n_tokens: int) -> bool:
    """Whether reading so many tokens is worth the start of a process: two operations a weight and token."""
    return 2 * n_weights(ref.folder) * n_tokens / FLOPS >= ENOUGH_SECONDS
