"""What work costs: how much of it there is, and how long as much of it took on this machine before.

In: an amount of work, the record of runs. Out: an estimate: tokens, and seconds where the record has runs of the same
kind on this machine, or ``rough_costs`` has an idea of them, which is said.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from ..core.sql import literal
from ..models.devices import device_name, number_format
from ..models.ref import ModelRef
from ..options import LoadOptions
from .rough_costs import rough_seconds
from .underway import TOKENS

if TYPE_CHECKING:
    from llm4es_store import Store

FAR_LONGER = 4
"""Times what windows of the newest events take at most: beyond it single events are read on request only."""

NEWEST = 5
"""Runs of the same kind that an estimate goes by: an older machine, or an older version, had another speed."""


@dataclass(frozen=True)
class Amount:
    """How much work there is: its time grows with it."""

    units: int
    """How many."""

    unit: str = TOKENS
    """Of what."""

    counted: bool = True
    """Whether they were counted; False: estimated."""

    tokens: int | None = None
    """Tokens of it, where the unit is another one; None: nobody knows, or there are none."""

    @property
    def n_tokens(self) -> int | None:
        """Tokens of it; None where nobody knows, or there are none."""
        return self.units if self.unit == TOKENS else self.tokens

    def recorded(self, like: Mapping[str, Any]) -> dict[str, Any]:
        """As a run's record keeps it, once it is done."""
        return {"units": self.units, "unit": self.unit, "tokens": self.n_tokens, "like": dict(like)}


@dataclass(frozen=True)
class Estimate:
    """What planned work will cost.

    Examples
    --------
    >>> print(Estimate(119_114, counted=True, seconds=95.0))
    119,114 tokens, about 2 min
    >>> print(Estimate(seconds=400.0, rough=True))
    about 7 min (rough)
    >>> print(Estimate(10_240, counted=False))
    about 10,240 tokens, no record on this machine yet
    """

    tokens: int | None = None
    """Tokens that a model reads; None: none, or nobody knows."""

    counted: bool = True
    """Whether they were counted; False: estimated."""

    seconds: float | None = None
    """By this machine's own record; None: it has none of such work yet, and nothing else tells it."""

    rough: bool = False
    """Whether this machine has no record of such work yet, and other things tell the seconds."""

    def __str__(self) -> str:
        tokens = "" if self.tokens is None else f"{'' if self.counted else 'about '}{self.tokens:,} tokens"
        took = "no record on this machine yet" if self.seconds is None else about(self.seconds)
        took += " (rough)" if self.rough else ""
        return ", ".join(filter(None, [tokens, took]))


def estimate(store: "Store", stage: str, like: Mapping[str, Any], amount: Amount) -> Estimate:
    """What work will cost, by the newest runs of the same kind on this machine.

    Parameters
    ----------
    store : Store
        Whose record is read.
    stage : str
        Which step's runs.
    like : mapping
        What makes as much work take as long: the shape of the model, where it runs.
    amount : Amount
        How much there is.

    Returns
    -------
    Estimate
        Rough where there is no such run; without seconds where nothing tells them.

    Examples
    --------
    >>> estimate(project.store, "embed", {"layers": 99}, Amount(1000))
    Estimate(tokens=1000, counted=True, seconds=None, rough=False)
    """
    past = _past(store, stage, like, amount.unit)
    tokens, counted, units = amount.n_tokens, amount.counted, sum(cost["units"] for _, cost in past)
    if not past:
        seconds = rough_seconds(store, stage, like, amount.unit, amount.units)
        return Estimate(tokens, counted, seconds, rough=seconds is not None)
    if tokens is None and all(cost["tokens"] is not None for _, cost in past):
        tokens, counted = round(amount.units * sum(cost["tokens"] for _, cost in past) / units), False
    # runs of before measured no work: theirs is all that was not loading
    working = [max(0.0, cost.get("working", seconds - cost["ready"])) for seconds, cost in past]
    start_up = median(seconds - worked for (seconds, _), worked in zip(past, working, strict=True))
    return Estimate(tokens, counted, start_up + amount.units * sum(working) / units)


def _past(store: "Store", stage: str, like: Mapping[str, Any], unit: str) -> list[tuple[float, dict[str, Any]]]:
    """Seconds and cost of the newest such runs on this machine."""
    from llm4es_store.run_log import host

    rows = store.sql(
        f"""SELECT seconds, cost, host FROM runs WHERE stage = {literal(stage)} AND status = 'done'
        AND cost IS NOT NULL ORDER BY version DESC"""
    ).fetchall()
    here, wanted = host(), json.loads(json.dumps(dict(like)))
    found: list[tuple[float, dict[str, Any]]] = []
    for seconds, text, where in rows:
        cost, on = json.loads(text), json.loads(where)
        same = (cost["like"], cost["unit"]) == (wanted, unit) and cost["units"] > 0
        if same and all(on.get(name) == here[name] for name in ("name", "machine", "cpus")):
            found.append((float(seconds), cost))
        if len(found) == NEWEST:
            break
    return found


def like_model(ref: ModelRef, load: LoadOptions, **more: Any) -> dict[str, Any]:
    """What makes a model take as long for as many tokens: its shape, its number format, where it runs, and more.

    Parameters
    ----------
    ref : ModelRef
        The model; one that was tuned from it has its shape.
    load : LoadOptions
        How it is loaded.
    **more
        What else it depends on.

    Returns
    -------
    dict
        Plain values.

    Examples
    --------
    >>> from pathlib import Path
    >>> ref = ModelRef("m", Path("m"), None, "m", n_layers=2, dim=8, context=64, fingerprint="f", revision=None)
    >>> like_model(ref, LoadOptions(device="cpu"), reads="events")["reads"]
    'events'
    """
    shape = {"layers": ref.n_layers, "dim": ref.dim, "context": ref.context}
    runs = {"load_in": load.load_in.value, "dtype": number_format(load), "device": device_name(load)}
    return {**shape, **runs, **more}


def about(seconds: float) -> str:
    """Seconds in words, as roughly as they are known.

    Parameters
    ----------
    seconds : float
        How long.

    Returns
    -------
    str
        Seconds, minutes or hours.

    Examples
    --------
    >>> about(0.2), about(48), about(400), about(9000)
    ('about 1 s', 'about 48 s', 'about 7 min', 'about 2.5 h')
    """
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def summed(estimates: Sequence[tuple[str, Estimate]]) -> str:
    """What several pieces of work cost together, in a line.

    Parameters
    ----------
    estimates : sequence of (str, Estimate)
        What each is called, and what it costs.

    Returns
    -------
    str
        Tokens, time, and what there is no record of.

    Examples
    --------
    >>> summed([("serialize", Estimate(seconds=4.0)), ("embed", Estimate(700, seconds=50.0))])
    '700 tokens, about 54 s'
    >>> summed([("serialize", Estimate(seconds=4.0)), ("embed", Estimate(700))])
    '700 tokens, about 4 s and what this machine has no record of yet: embed'
    >>> summed([("serialize", Estimate(seconds=4.0)), ("probe", Estimate(seconds=50.0, rough=True))])
    'about 54 s (rough: this machine has no record yet of probe)'
    """
    tokens = sum(each.tokens or 0 for _, each in estimates)
    rough = "" if all(each.counted for _, each in estimates) else "about "
    unknown = list(dict.fromkeys(name for name, each in estimates if each.seconds is None))
    guessed = ", ".join(dict.fromkeys(name for name, each in estimates if each.rough))
    known = [each.seconds for _, each in estimates if each.seconds is not None]
    why = f" (rough: this machine has no record yet of {guessed})" if guessed else ""
    parts = [about(sum(known)) + why] if known or not unknown else []
    parts += [f"what this machine has no record of yet: {', '.join(unknown)}"] if unknown else []
    return ", ".join([*([f"{rough}{tokens:,} tokens"] if tokens else []), " and ".join(parts)])
