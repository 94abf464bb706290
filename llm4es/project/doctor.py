"""What this machine brings: versions, devices, memory, disk, cache, and how fast it reads.

In: where a store is or will be, a model. Out: rows. Changes nothing but the cache: a model may have to be unpacked, and
how fast it reads is kept for plans.
"""

import os
import platform
import re
import shutil
import time
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.cache_folder import CACHE_VARIABLE, cache_dir
from ..core.cores import cores, free_memory
from ..core.errors import Llm4esError, one_line
from ..core.version import __version__
from .costs import about
from .observer import Observer
from .result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("torch", "transformers", "duckdb", "deltalake", "pyarrow", "scikit-learn", "peft", "accelerate")
"""What every installation has."""

SECONDS = 10.0
"""Of the speed test."""

MAX_LENGTH = 256
"""Tokens of each of its texts: what ``embed`` takes by default."""

_EVENT = "date: 2026-01-{:02d} | shop: corner store | product: green tea | amount: {}.50\n"

_AT_ONCE = 8
"""Texts of a batch."""

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def doctor(store: str | Path, model: str, observer: Observer, *, speed: bool = True) -> Result:
    """Look at the machine.

    Parameters
    ----------
    store : str or Path
        Where a store is, or will be: its disk is looked at.
    model : str
        What is read with in the speed test.
    observer : Observer
        Who hears of it.
    speed : bool, default True
        Whether to try how fast the model reads: ten seconds, and its loading.

    Returns
    -------
    Result
        ``what``, ``found`` and ``note``, a row a thing.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> [row["what"] for row in doctor("llm4es-store", folder, Null(), speed=False)][:3]
    ['llm4es', 'Python', 'torch']
    """
    import pyarrow as pa

    rows = [*_versions(), *_machine(), *_disks(store), _hub()]
    if speed:
        observer.say(f"doctor: trying how fast {model} reads, for {SECONDS:.0f} seconds once it is loaded")
        rows.append(_speed(store, model))
    return Result(pa.Table.from_pylist([dict(zip(("what", "found", "note"), row, strict=True)) for row in rows]))


Row = tuple[str, str, str]


def _versions() -> "Iterator[Row]":
    yield "llm4es", __version__, ""
    yield "Python", platform.python_version(), platform.platform(terse=True)
    for name in LIBRARIES:
        yield name, _version(name) or "missing", "" if _version(name) else f"pip install {name}"
    optional = _optional()
    there = [f"{name} {number}" for name in optional if (number := _version(name))]
    absent = [f"{name} (extra {extra})" for name, extra in optional.items() if not _version(name)]
    yield "extras", ", ".join(there) or "none", f"not installed: {', '.join(absent)}" if absent else ""


def _optional() -> dict[str, str]:
    """What some steps alone need -> the extra that brings it."""
    try:
        required = requires("llm4es") or []
    except PackageNotFoundError:  # run from its source
        return {}
    found = [re.match(r"([\w.-]+).*; *extra == ['\"]([\w-]+)['\"]$", line) for line in required]
    return {each[1]: each[2] for each in found if each and each[2] != "all"}  # `all` says the others again


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _machine() -> "Iterator[Row]":
    from ..models.devices import device_name, number_format
    from ..options import LoadOptions

    threads = cores()
    said = os.environ.get("OMP_NUM_THREADS")
    yield "cores", str(threads), f"OMP_NUM_THREADS={said}" if said else ""
    device = device_name(LoadOptions())
    yield "device", _device(device), f"number format: {number_format(LoadOptions())}"
    free = free_memory()
    yield "memory free", "unknown" if free is None else _size(free), ""


def _device(name: str) -> str:
    if name != "cuda":
        return {"cpu": "CPU", "mps": "Apple GPU"}[name]
    import torch

    found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return ", ".join(f"{each.name} ({_size(each.total_memory)})" for each in found)


def _disks(store: str | Path) -> "Iterator[Row]":
    moved = f"set by {CACHE_VARIABLE}" if os.environ.get(CACHE_VARIABLE) else ""
    yield "cache", str(cache_dir()), ", ".join(filter(None, [f"{_free(cache_dir())} free", moved]))
    if "://" in str(store):
        yield "store", str(store), "not on this machine"
    else:
        there = "" if Path(store).exists() else "not there yet, "
        yield "store", str(store), f"{there}{_free(Path(store))} free"


def _free(place: Path) -> str:
    """Room on the disk of a place that may not be there yet."""
    place = place.absolute()
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    return _size(shutil.disk_usage(there).free)


def _hub() -> Row:
    offline = [name for name in _OFFLINE if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")]
    if offline:
        return "hub", "offline", f"set by {offline[0]}"
    return "hub", "asked where a model is not on this machine", "built-in models and folders need none"


def _speed(store: str | Path, model: str) -> Row:
    """Tokens a second of short texts, the weights in memory."""
    import pyarrow as pa

    from ..core.schemas import TEXTS
    from ..embed import embed
    from ..models import load_model
    from ..options import EmbedOptions, LoadOptions
    from .costs import like_model
    from .kept_recipes import existing
    from .rough_costs import keep_rate
    from .stored_models import resolved

    what = f"speed of {model}"
    began = time.monotonic()
    try:
        ref = resolved(existing(store), model)
        loaded = load_model(ref, LoadOptions())
    except Llm4esError as error:
        return what, "not tried", one_line(error)
    ready = time.monotonic() - began
    options = EmbedOptions.of(k=1, max_length=min(MAX_LENGTH, ref.context))
    text = "".join(_EVENT.format(1 + day % 28, day) for day in range(60))
    row = dict.fromkeys(TEXTS.names) | {"dataset": "", "variant": "raw", "text": text, "text_hash": ""}
    row |= {"n_events": 60, "n_events_dropped": 0, "source_hash": ""}
    batch = pa.RecordBatch.from_pylist([row | {"entity_id": str(i)} for i in range(_AT_ONCE)], schema=TEXTS)
    tokens, spent = 0, 0.0
    while spent < SECONDS:
        began = time.monotonic()
        read = sum(sum(rows["n_tokens"].to_pylist()) for rows in embed([batch], loaded, options))
        spent += time.monotonic() - began
        tokens += read
    rate = tokens / spent
    keep_rate(like_model(ref, LoadOptions()), rate)
    return what, f"{rate:,.0f} tokens/s", f"a million tokens: {about(1e6 / rate)}; loaded in {ready:.0f} s"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB"
