"""What a model says of three fixed texts: how fast it reads, and whether it says what it said at its first use.

In: a loaded model. Out: rows of ``canaries``, tokens a second, warnings. Knows no events and no users.
"""

import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.phases import phase
from ..core.sql import where
from ..models.devices import number_format
from ..models.ref import ModelRef
from ..models.wrong_before import Wrong
from ..options import EmbedOptions, LoadOptions
from .context import Context
from .read_anew import runs_that_read_plainly

if TYPE_CHECKING:
    from llm4es_store import Run

    from ..models.load import Model

UNCOMPILED = "uncompiled"
"""No table: under this name whoever reads texts tells why layers were not compiled."""

PASS_SECONDS = 7.0
"""Seconds that a forward pass may take at most: what is read in one is lost by a kill in it."""


def measured(model: "Model") -> tuple[pa.RecordBatch, float]:
    """The vectors of the fixed texts, and how many tokens a second they took; a slow first time is measured again."""
    from ..embed.drift import TEXTS, canaries
    from ..inputs.tokenize import tokenize

    n_tokens = sum(len(tokens.ids) for tokens in tokenize(model.tokenizer, list(TEXTS.values())))
    rate = 0.0
    for _ in range(2):
        began = time.monotonic()
        with phase("measuring how fast it reads"):
            rows = canaries(model)
        rate = max(rate, n_tokens / (time.monotonic() - began))
        if EmbedOptions.batch_tokens / rate <= PASS_SECONDS:
            break
    return rows, rate


def say_uncompiled(context: Context, said: set[str], _run: "Run", rows: pa.Table) -> None:
    """Say once why layers were not compiled, however many processes tell it."""
    for why in {*rows["why"].to_pylist()} - said:
        context.observer.warn(f"--compile: the layers run as they are ({why})")
        said.add(why)


def keep_canaries(
    context: Context, ref: ModelRef, load: LoadOptions, wrong: Wrong | None, run: "Run", now: pa.Table
) -> None:
    """Keep the vectors of the fixed texts at the first use of a space; later compare, and warn when they moved.

    Each process that reads texts tells its own: those of the first are kept, the others are compared with them. Those
    of a model that was read wrongly, from before, are replaced: they hold every layer, whatever k was asked for.
    """
    scope = {"model": now["model"][0].as_py(), "fingerprint": now["fingerprint"][0].as_py()}
    before = context.store.sql(f"SELECT * FROM canaries WHERE {where(scope)}").to_arrow_table().to_pylist()
    right = {run.run_id, *runs_that_read_plainly(context)} if wrong and before else set()
    if not before or (wrong and before[0]["run_id"] not in right):
        first = now.slice(0, pc.count_distinct(now["text"]).as_py())
        run.replace("canaries", scope, first)
        before, now = first.to_pylist(), now.slice(len(first))
    if not len(now):
        return
    from ..embed.drift import drifted

    for change in drifted(before, now.combine_chunks().to_batches()[0], ref.n_layers, number_format(load)):
        context.observer.warn(str(change))
