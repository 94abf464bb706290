"""The part of ``diff`` that is about probes: what vectors gained, where nothing else has changed.

In: a store, two sides. Out: rows of ``probe.difference.DIFFERENCE``. Writes nothing.

A probe that learnt from other labels, on other entities or by another split says nothing about vectors; nor does one
that is older than the vectors beside it. Then the two are not compared, and the row says why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.sql import where
from ..core.tasks import OWN_FOLDS, plain_protocol

if TYPE_CHECKING:
    from llm4es_store import Store


@dataclass(frozen=True)
class Probed:
    """Features of one side, as they were probed."""

    store: "Store"
    """Where they are."""
    dataset: str
    """Whose."""
    name: str
    """The features."""
    at: str | None
    """Version or time; None: now."""
    vectors: Mapping[str, Any]
    """``model``, ``k`` and ``config_id`` of them."""
    entities: frozenset[str]
    """Who has them."""

    def rows(self, table: str, **chosen: str) -> pa.Table:
        """Rows of probes or predictions of these features."""
        scope = where({"dataset": self.dataset, "features": self.name, **chosen})
        return self.store.sql(f"SELECT * FROM {table} WHERE {scope}", at=self.at).to_arrow_table()

    def made(self) -> set[tuple[str, str]]:
        """Task and configuration of its probes."""
        table = self.rows("probes")
        return set(zip(table["task"].to_pylist(), table["config_id"].to_pylist(), strict=True))

    def labels(self, task: str) -> dict[str, str]:
        """The labels of that point, of those who have the features."""
        return {entity: label for entity, label in self._pairs("labels", task=task) if label is not None}

    def split(self, name: str) -> dict[str, str]:
        """A split of that point, of those who have the features; empty where the protocol makes its own."""
        return {} if name in OWN_FOLDS else dict(self._pairs("splits", name=name))

    def _pairs(self, table: str, **chosen: str) -> list[tuple[str, str]]:
        value, scope = {"labels": "label", "splits": "split"}[table], where({"dataset": self.dataset, **chosen})
        rows = self.store.sql(f"SELECT entity_id, {value} FROM {table} WHERE {scope}", at=self.at).fetchall()
        return [(entity, found) for entity, found in rows if entity in self.entities]

    def is_older_than_vectors(self, run_id: str) -> bool:
        """Whether a probe's run came before one that has written vectors."""
        record = self.store.record().select(["run_id", "version"]).to_pylist()
        first: dict[str, int] = {}
        for row in record:
            first.setdefault(row["run_id"], row["version"])
        scope = where({"dataset": self.dataset, **{key: self.vectors[key] for key in ("model", "k", "config_id")}})
        wrote = self.store.sql(f"SELECT DISTINCT run_id FROM embeddings WHERE {scope}", at=self.at).fetchall()
        return any(first.get(run, 0) > first.get(run_id, 0) for (run,) in wrote)


def probe_differences(before: Probed, after: Probed) -> Iterator[pa.Table]:
    """The paired difference of every (task, configuration) that both sides were probed with, or why there is none.

    Parameters
    ----------
    before, after : Probed
        The two sides.

    Yields
    ------
    pyarrow.Table
        Rows of ``probe.difference.DIFFERENCE``.
    """
    from ..probe.difference import not_compared, probe_difference

    for task, config_id in sorted(before.made() & after.made()):
        sides = [
            (
                side.rows("probes", task=task, config_id=config_id),
                side.rows("predictions", task=task, config_id=config_id),
            )
            for side in (before, after)
        ]
        why = _other(before, after, task, plain_protocol(sides[0][0]["protocol"][0].as_py()))
        for side, word, (probes, predictions) in zip((before, after), ("before", "after"), sides, strict=True):
            why = why or _stale(side, word, task, probes, predictions)
        if why:
            yield not_compared((before.name, after.name), task, why)
        else:
            yield probe_difference(sides[0], sides[1], (before.name, after.name))


def _other(before: Probed, after: Probed, task: str, protocol: str) -> str:
    """What besides the vectors differs; nothing where nothing does."""
    for what, old, new in (
        ("labels", before.labels(task), after.labels(task)),
        ("split", before.split(protocol), after.split(protocol)),
    ):
        changed = sum(old[entity] != new[entity] for entity in old.keys() & new.keys())
        counts = {"changed": changed, "added": len(new.keys() - old.keys()), "gone": len(old.keys() - new.keys())}
        if any(counts.values()):
            numbers = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
            return f"the {what} of those who have the vectors differ too ({numbers})"
    return ""


def _stale(side: Probed, word: str, task: str, probes: pa.Table, predictions: pa.Table) -> str:
    """Why a probe is not about what stands beside it; nothing where it is."""
    labels = side.labels(task)
    pairs = set(zip(predictions["entity_id"].to_pylist(), predictions["y_true"].to_pylist(), strict=True))
    if any(not _same(labels.get(entity), truth) for entity, truth in pairs):
        return f"the probe {word} was made of other labels"
    if side.is_older_than_vectors(probes["run_id"][0].as_py()):
        return f"the probe {word} is older than its vectors"
    return ""


def _same(label: str | None, truth: str) -> bool:
    """Labels of a regression are kept as numbers."""
    if label == truth:
        return True
    try:
        return label is not None and float(label) == float(truth)
    except ValueError:
        return False
