"""What ``finetune`` does in a dry run: say how many tokens it will train on, and have the base stand for what it makes.

In: options, texts, the base. Out: an amount of work; a row of ``models`` and a folder in a rehearsal's store. Trains
nothing.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models.ref import ModelRef
from ..options import FinetuneOptions, Method
from .costs import Amount
from .embed_executor import CHARACTERS
from .underway import TOKENS


def tokens_to_train(options: FinetuneOptions, characters: int) -> Amount:
    """About how many tokens a training reads: full rows, or as much of them as the texts fill.

    Parameters
    ----------
    options : FinetuneOptions
        How long it trains.
    characters : int
        Of all texts that it may read.

    Returns
    -------
    Amount
        Estimated.

    Examples
    --------
    >>> [tokens_to_train(FinetuneOptions(**how), 120).units for how in ({"steps": 5}, {"epochs": 2})]
    [150, 60]
    """
    of_all = max(1, characters // CHARACTERS)
    if options.steps is None:
        return Amount(round(options.epochs * of_all), TOKENS, counted=False)
    return Amount(options.steps * options.accumulate * min(options.row_tokens, of_all), TOKENS, counted=False)


def stand_in_model(row: Mapping[str, Any], ref: ModelRef) -> dict[str, Any]:
    """What the row says that stands for the model to come: that it is as its base, with weights of its own.

    Parameters
    ----------
    row : mapping
        What the row of ``models`` says before the training.
    ref : ModelRef
        The base.

    Returns
    -------
    dict
        Column -> value, without those of the plan.
    """
    told = {name: value for name, value in row.items() if name not in ("model", "source_hash")}
    return {**told, "method": Method.FULL.value, "n_layers": ref.n_layers, "dim": ref.dim}


def stand_in_weights(ref: ModelRef, folder: Path) -> None:
    """Have the base's folder stand where the weights will be, in a rehearsal's store."""
    from llm4es_store.rehearsal import link

    if folder.is_symlink():  # to what a killed training has left
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    link(ref.folder, folder)
