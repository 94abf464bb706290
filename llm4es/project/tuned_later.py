"""Models that were tuned on events after those that they are scored on: what came later is in their weights.

In: a context, what was probed. Out: sentences. Writes nothing.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .context import Context
from .cutoffs import DONE, Cutoff, is_later, keys
from .recorded import runs_of
from .stored_models import lineage_of

if TYPE_CHECKING:
    from llm4es_store import Store


def tuned_later(context: Context, probes: pa.Table) -> list[str]:
    """Warnings about models whose tuning read histories that end later than the texts that they are scored on.

    Parameters
    ----------
    context : Context
        Recipe and store, of a task.
    probes : pyarrow.Table
        Column ``model``; of features side by side the models' names are joined by '+'.

    Returns
    -------
    list of str
        A sentence a model; none where the texts hold whole histories.

    Examples
    --------
    >>> tuned_later(context, context.store.sql("SELECT * FROM probes").to_arrow_table())
    []
    """
    cutoff = context.cutoff
    if not cutoff.key or "model" not in probes.column_names:
        return []
    ends, tunings = keys(context.store, context.dataset), _tunings(context.store, context.dataset)
    models = {model for joined in probes["model"].to_pylist() if joined for model in joined.split("+")}
    lines = []
    for model in sorted(models):
        read = {
            ends.get(str(config), "")
            for name in lineage_of(context.store, model)
            for _, config in tunings.get(name, {}).get("texts", ())
        }
        lines += [
            f"{model} was tuned on {_in_words(end)}, and is scored on {cutoff}: it may know what came after; "
            "tune it on texts that end as these do"
            for end in sorted(read)
            if is_later(end, cutoff)
        ]
    return lines


def _tunings(store: "Store", dataset: str) -> dict[str, dict[str, Any]]:
    """Tuned model -> what its newest tuning was asked for."""
    done = [run.config for run in runs_of(store, dataset, "finetune") if run.status == DONE]
    return {str(config["model_name"]): config for config in done if "model_name" in config}


def _in_words(end: str) -> str:
    try:
        return str(Cutoff("", datetime.fromisoformat(end)))
    except ValueError:
        return str(Cutoff("", own=end))
