"""The report beside an earlier version of the store, or beside another store: what was probed then and now.

In: a context, what is compared with, the evidence of now. Out: rows of values, differences and counts. Writes nothing.

A difference is paired: of the entities that were scored both times, where predictions of both are kept and nobody's
label has changed. Where it cannot be, its row says why.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError, ProbeError, StoreError
from ..core.sql import where
from .context import Context, open_store
from .diff import POINT
from .report_changed import answer_of, changed
from .report_evidence import TaskEvidence

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..report.against import Against

MOST_PAIRED = 24
"""Feature sets of a task that are paired: as many as are drawn."""

_COUNTED = {
    "raw texts": "SELECT concat_ws(' ', config_id, entity_id) AS id, text_hash AS content FROM texts "
    "WHERE {of} AND variant = 'raw'",
    "labels": "SELECT concat_ws(' ', task, entity_id) AS id, label AS content FROM labels WHERE {of}",
    "vectors": "SELECT concat_ws(' ', model, k, config_id, entity_id) AS id, NULL AS content "
    "FROM embeddings WHERE {of}",
    "tuned models": "SELECT model AS id, fingerprint AS content FROM models WHERE {of}",
}

_CHANGES = """SELECT count(a.id), count(b.id), count_if(a.id IS NULL), count_if(b.id IS NULL),
    count_if(a.content <> b.content) FROM before AS a FULL JOIN after AS b ON a.id = b.id"""


@dataclass(frozen=True)
class _Side:
    """One of the two."""

    store: "Store"
    at: str | None

    def rows(self, query: str) -> pa.Table:
        return self.store.sql(query, at=self.at).to_arrow_table()


def against(context: Context, other: str, found: TaskEvidence) -> "Against":
    """What there was then, or is there, beside what is here now.

    Parameters
    ----------
    context : Context
        Dataset and store.
    other : str
        A version, a time, or the path of another store.
    found : TaskEvidence
        What is shown of now.

    Returns
    -------
    Against
        Rows a (task, feature set), and counts.

    Raises
    ------
    OptionError
        For a store that has nothing of the dataset.
    StoreError
        For a version that never was, and a path that is no store.

    Examples
    --------
    >>> from llm4es.options import ReportOptions
    >>> from llm4es.project.report_evidence import evidence
    >>> then = against(context, "1", evidence(context, ["loyal"], ReportOptions()))
    >>> [(row["then"], row["words"]) for row in then.probes]
    [(None, 'added since'), (None, 'added since')]
    """
    from ..report.against import Against

    before, after = _side(context, other), _Side(context.store, None)
    elsewhere = before.store is not context.store
    sides = ("there", "here") if elsewhere else ("then", "now")
    rows, sentences = [], []
    for task in found.chosen:
        chosen = _chosen_then(before, task, found)
        of_task = list(_of_task(before, after, task, found, chosen, sides))
        new = [row["features"] for row in of_task if row["then"] is None]
        told = [before.rows(f"SELECT * FROM {view} WHERE {where(chosen)}") for view in ("probes", "predictions")]
        answer = answer_of(told[0], told[1], of_task[0]["metric"])
        sentences.append(changed(task, answer, found.rows_of(task), new, sides))
        rows += of_task
    counts = [_changes(what, query, context.dataset, before, after) for what, query in _COUNTED.items()]
    named = f"version {other}" if before.store is context.store and other.isdigit() else other
    return Against(named, tuple(rows), tuple(counts), tuple(sentences), *sides)


def _chosen_then(before: _Side, task: str, found: TaskEvidence) -> Mapping[str, Any]:
    """Which probes there stand beside those of here: of the same settings, else of others the newest."""
    chosen = found.chosen[task]
    plain = {key: value for key, value in chosen.items() if key != "config_id"}
    made = before.rows(f"SELECT run_id, config_id FROM probes WHERE {where(plain)} ORDER BY run_id")
    there = made["config_id"].to_pylist()
    return {**chosen, "config_id": there[-1]} if there and chosen["config_id"] not in there else chosen


def _side(context: Context, other: str) -> _Side:
    """What is compared with."""
    if re.fullmatch(POINT, other):
        try:
            context.store.sql("SELECT 1", at=other)
        except StoreError as error:
            raise StoreError(str(error).replace("--at ", "--against ", 1)) from error
        return _Side(context.store, other)
    store = open_store(other, create=False)
    if context.dataset not in store.datasets():
        known = ", ".join(store.datasets()) or "nothing"
        raise OptionError(f"--against {other}: the store has nothing of {context.dataset!r}: it has {known}")
    return _Side(store, None)


def _of_task(
    before: _Side, after: _Side, task: str, found: TaskEvidence, chosen: Mapping[str, Any], called: tuple[str, str]
) -> Iterator[dict[str, Any]]:
    """The rows of one task: those of now, the best first, and those that are gone."""
    shown = found.rows_of(task)
    metric = shown[0]["metric"]
    probed = before.rows(f"SELECT * FROM probes WHERE {where({**chosen, 'metric': metric})}")
    old = {(row["features"], row["probe"]): row for row in probed.to_pylist()}
    for n, row in enumerate(shown):
        key = row["features"], row["probe"]
        common = {"task": task, "features": key[0], "metric": metric, "now": row["value"]}
        if key not in old:
            yield _row(**common, words="added since" if called[0] == "then" else "here alone")
            continue
        name = {"features": key[0], "probe": key[1]}
        sides = [(before, {**chosen, **name}), (after, {**found.chosen[task], **name})]
        paired = (
            _paired(sides, metric) if n < MOST_PAIRED else {"words": f"not paired: only the best {MOST_PAIRED} are"}
        )
        yield _row(**common, then=old.pop(key)["value"], **paired)
    for (features, _), row in old.items():
        yield _row(
            task=task,
            features=features,
            metric=metric,
            then=row["value"],
            words="gone" if called[0] == "then" else "there alone",
        )


def _row(**known: Any) -> dict[str, Any]:
    return dict.fromkeys(("then", "now", "difference", "low", "high", "n")) | known


def _paired(sides: Sequence[tuple[_Side, Mapping[str, Any]]], metric: str) -> dict[str, Any]:
    """The paired difference of a feature set, or why there is none."""
    from ..probe.difference import probe_difference

    probes, scored = (
        [side.rows(f"SELECT * FROM {view} WHERE {where(of)}") for side, of in sides]
        for view in ("probes", "predictions")
    )
    if not len(scored[0]) or not len(scored[1]):
        return {"words": "not paired: predictions of then are not kept"}
    truth = [dict(zip(t["entity_id"].to_pylist(), t["y_true"].to_pylist(), strict=True)) for t in scored]
    common = truth[0].keys() & truth[1].keys()
    if not common:
        return {"words": "not paired: other entities were scored"}
    if changed := sum(truth[0][entity] != truth[1][entity] for entity in common):
        return {"words": f"not paired: the labels of {changed:,} of {len(common):,} entities differ"}
    if _same(*scored):
        return {"difference": 0.0, "n": len(common), "words": "the same predictions"}
    try:
        (row,) = probe_difference((probes[0], scored[0]), (probes[1], scored[1]), ("", ""), metric).to_pylist()
    except ProbeError as error:
        return {"words": f"not paired: {error}"}
    word = "within noise" if row["low"] <= 0 <= row["high"] else row["words"].partition(" ")[0]
    few = "" if len(common) == len(truth[0]) == len(truth[1]) else f", on the {len(common):,} scored both times"
    return {"difference": row["value"], "low": row["low"], "high": row["high"], "n": len(common), "words": word + few}


def _same(before: pa.Table, after: pa.Table) -> bool:
    """Whether everybody was given the same scores."""
    columns = ["repeat", "fold", "entity_id", "y_score"]
    order = [(name, "ascending") for name in columns[:3]]
    sides = [t.select(columns).take(pc.sort_indices(t.select(columns[:3]), sort_keys=order)) for t in (before, after)]
    return bool(sides[0].equals(sides[1]))


def _changes(what: str, query: str, dataset: str, before: _Side, after: _Side) -> dict[str, Any]:
    """How many there were and are, and how many came, went and changed."""
    import duckdb

    of = query.format(of=where({"dataset": dataset}))
    with duckdb.connect() as connection:
        connection.register("before", before.rows(of))
        connection.register("after", after.rows(of))
        counts = connection.sql(_CHANGES).fetchall()[0]
    return {"what": what, **dict(zip(("then", "now", "added", "gone", "changed"), counts, strict=True))}
