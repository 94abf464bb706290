"""The learning curve of a report: probes of fewer training entities, and of all, that differ in nothing else.

In: a context, a task, a protocol. Out: rows of ``probes`` with how many each fit was trained on. Writes nothing.
"""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.sql import literal, where
from ..options import CompareOptions
from .context import Context
from .evidence import only_live
from .shown_probes import shown_probes

_PROBES = """SELECT probed.*, CAST(runs.config AS VARCHAR) AS run_config
    FROM (SELECT * FROM probes WHERE {of_task} AND split_part(protocol, '@', 1) = {protocol}) AS probed
    JOIN runs USING (run_id) ORDER BY probed.run_id"""

_IN_TRAINING = """SELECT count(DISTINCT entity_id) FROM labels JOIN splits USING (dataset, entity_id)
    WHERE {of_task} AND splits.name = {protocol} AND split IN ('train', 'validation')"""

_TIMES_SCORED = {"holdout": 4.0, "ptls": 7.2}
"""Entities that a fit is trained on for each one that is scored: 80 % and 20 %; four fifths of 90 %, and 10 %."""


def learning_curves(context: Context, tasks: Sequence[str], protocol: str) -> pa.Table:
    """Probes that ``compare`` shows of each task, and of fewer training entities, each with the column ``trained``.

    Parameters
    ----------
    context : Context
        Recipe and store.
    tasks : sequence of str
        What was probed.
    protocol : str
        How, without a size.

    Returns
    -------
    pyarrow.Table
        ``features``, ``probe``, ``model``, ``task``, ``metric``, ``value``, ``ci_low``, ``ci_high``, ``trained``; no
        row where nothing was probed with fewer.

    Examples
    --------
    >>> len(learning_curves(context, ["loyal"], "cv"))
    0
    """
    rows = [row for task in tasks for row in _of_one(context, task, protocol)]
    return pa.Table.from_pylist(rows, schema=_LEARNING)


def _of_one(context: Context, task: str, protocol: str) -> list[dict[str, Any]]:
    """The rows of one task."""
    beside = f"{context.of_task(task).beside} AND {where({'task': task})}"
    probed = context.store.sql(_PROBES.format(of_task=beside, protocol=literal(protocol))).to_arrow_table()
    rows = only_live(context, probed).to_pylist()
    try:  # the cohort and settings of the comparison that it stands below
        shown = shown_probes(context.of_task(task), task, CompareOptions(protocol=protocol)).config_id
    except ProbeError:
        return []
    whole = [row for row in rows if row["protocol"] == protocol and row["config_id"] == shown]
    wanted = _besides_size(whole[-1]) if whole else None
    sized = [row for row in rows if row["protocol"] != protocol and _besides_size(row) == wanted]
    names = {(row["features"], row["probe"]) for row in sized}
    for row in sized:
        row["trained"] = int(row["protocol"].partition("@")[2])
    whole = [row for row in whole if (row["features"], row["probe"]) in names]
    for row in whole:
        row["trained"] = _all_trained(context, task, protocol, row, wanted or {})
    return [*sized, *whole]


_LEARNING = pa.schema(
    [(name, pa.string()) for name in ("features", "probe", "model", "task", "metric")]
    + [(name, pa.float64()) for name in ("value", "ci_low", "ci_high")]
    + [("trained", pa.int64())]
)


def _besides_size(row: dict[str, Any]) -> dict[str, Any]:
    """What a probe was asked for, but for how many to train on."""
    config = json.loads(row["run_config"])
    options = {name: value for name, value in config.get("options", {}).items() if name != "train_size"}
    return options | {name: config.get(name) for name in ("positive", "max_entities", "as_of")}


def _all_trained(context: Context, task: str, protocol: str, row: dict[str, Any], options: dict[str, Any]) -> int:
    """How many entities a fit of the whole protocol is trained on."""
    if protocol == "cv":
        return int(row["n"] * (1 - 1 / options["folds"]) + 0.5)
    if protocol in _TIMES_SCORED:
        return int(row["n"] * _TIMES_SCORED[protocol] + 0.5)
    of_task = where({"dataset": context.dataset, "task": task})
    query = _IN_TRAINING.format(of_task=of_task, protocol=literal(protocol))
    return int(context.store.sql(query).fetchall()[0][0])
