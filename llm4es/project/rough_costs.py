"""What work costs roughly, where this machine has done nothing of the kind yet.

In: an amount of work, what it depends on. Out: seconds. A model of the same shape tells how fast it reads, by what it
read in another way or by ``llm4es doctor``; else a matrix product does, on a CPU. Loads no model and fetches none.
"""

import json
import os
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.cache_folder import cache_dir
from ..core.hashing import canonical_json
from .underway import TOKENS

if TYPE_CHECKING:
    from llm4es_store import Store

ROWS_FITTED = "rows fitted"
"""The unit of work of a probe."""

A_ROW_FITTED = 6e-4
"""Seconds, about: 0.4 ms of 943 entities and 1.4 ms of 40, for each of eleven feature sets, on two cores."""

TUNING = 5.0
"""Times what reading a token takes that training with it takes, about, what is measured before and after included."""

LOADING = 5.0
"""Seconds that a model takes to be there, about."""

_SHAPE = ("layers", "dim", "load_in", "dtype", "device")


def rough_seconds(store: "Store", stage: str, like: Mapping[str, Any], unit: str, units: int) -> float | None:
    """Seconds that work takes, roughly; None where nothing here tells it.

    Parameters
    ----------
    store : Store
        Whose record of other work is read.
    stage : str
        Which step's.
    like : mapping
        What makes as much work take as long: the shape of the model, where it runs.
    unit : str
        What is counted.
    units : int
        How many.

    Returns
    -------
    float or None
        Seconds, loading included.

    Examples
    --------
    >>> round(rough_seconds(project.store, "probe", {}, ROWS_FITTED, 50_000))
    30
    >>> rough_seconds(project.store, "serialize", {}, "texts", 1) is None
    True
    """
    if unit == ROWS_FITTED:
        return units * A_ROW_FITTED
    rate = rough_rate(store, like) if unit == TOKENS else None
    return None if rate is None else LOADING + units * (TUNING if stage == "finetune" else 1.0) / rate


def rough_rate(store: "Store | None", like: Mapping[str, Any]) -> float | None:
    """Tokens a second that a model of a shape reads here, roughly; None where nothing tells it.

    Parameters
    ----------
    store : Store or None
        Whose record is read.
    like : mapping
        As ``costs.like_model`` gives it.

    Returns
    -------
    float or None
        By the store's record of that shape, else by ``llm4es doctor``, else by a matrix product.

    Examples
    --------
    >>> shape = {"layers": 30, "dim": 576, "load_in": "none", "dtype": "float32"}
    >>> rough_rate(None, shape | {"device": "cpu"}) > 0, rough_rate(None, {})
    (True, None)
    """
    if any(name not in like for name in _SHAPE):
        return None
    shape = {name: like[name] for name in _SHAPE}
    if store is not None and (rate := tokens_a_second(store, shape)) is not None:
        return rate
    if (tried := _tried().get(_key(shape))) is not None:
        return float(tried)
    if (shape["device"], shape["load_in"]) != ("cpu", "none"):
        return None
    weights = 12.0 * shape["layers"] * shape["dim"] ** 2  # of attention and feed-forward
    return float(_products_a_second() / weights)


def tokens_a_second(store: "Store", like: Mapping[str, Any] | None = None) -> float | None:
    """How fast this machine reads with a model, by the newest of its embeddings; None: there is no record of one.

    Parameters
    ----------
    store : Store
        Whose record is read.
    like : mapping, optional
        What the embedding was made by, such as ``{"layers": 30}``; None: any.

    Returns
    -------
    float or None
        Tokens a second, loading left out.

    Examples
    --------
    >>> tokens_a_second(project.store) is None or tokens_a_second(project.store) > 0
    True
    """
    from llm4es_store.run_log import host

    here = host()
    for seconds, text, where in store.sql(
        "SELECT seconds, cost, host FROM runs WHERE stage = 'embed' AND status = 'done' AND cost IS NOT NULL "
        "ORDER BY version DESC"
    ).fetchall():
        cost, on = json.loads(text), json.loads(where)
        working = cost.get("working", seconds - cost["ready"])
        alike = cost["unit"] == TOKENS and all(cost["like"].get(n) == value for n, value in (like or {}).items())
        if alike and working > 0 and all(on.get(n) == here[n] for n in ("name", "machine", "cpus")):
            return float(cost["units"] / working)
    return None


def keep_rate(like: Mapping[str, Any], rate: float) -> None:
    """Keep how fast a model was tried to read, for the plans of every store on this machine.

    Parameters
    ----------
    like : mapping
        As ``costs.like_model`` gives it.
    rate : float
        Tokens a second.

    Examples
    --------
    >>> shape = {"layers": 2, "dim": 8, "load_in": "none", "dtype": "float32", "device": "cuda"}
    >>> keep_rate(shape, 1234.5)  # doctest: +SKIP
    >>> rough_rate(None, shape)  # doctest: +SKIP
    1234.5
    """
    rates = {**_tried(), _key({name: like[name] for name in _SHAPE}): rate}
    _file().parent.mkdir(parents=True, exist_ok=True)
    part = _file().with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(rates, indent=1), encoding="utf-8")
    part.replace(_file())


def _file() -> Path:
    return cache_dir() / "speeds.json"


def _tried() -> dict[str, float]:
    """What was tried before; nothing where it cannot be read."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(shape: Mapping[str, Any]) -> str:
    """The shape on this machine: a cache folder may be shared."""
    from llm4es_store.run_log import host

    here = host()
    return canonical_json({"shape": dict(shape), "on": [here[name] for name in ("name", "machine", "cpus")]})


@cache
def _products_a_second() -> float:
    """Multiplications, each with its sum, of a second of a matrix product on the CPU."""
    import numpy as np

    side, fastest = 1024, float("inf")
    ones = np.ones((side, side), np.float32)
    for _ in range(3):
        began = time.perf_counter()
        ones @ ones
        fastest = min(fastest, time.perf_counter() - began)
    return float(side**3 / fastest)
