"""What differs between two feature sets of the same entities.

In: two feature sets, or the probes and predictions of both. Out: one row a measure: entities added, gone and changed,
the distribution of the cosine between an entity's two vectors, how many nearest neighbours it keeps, and the paired
difference of a probe. Knows no store, no versions and no screen.

Letters: N entities in both, D width, S entities sampled.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..features.feature_set import FeatureSet, check_finite
from ..features.neighbours import nearest
from .compare import compare

DIFFERENCE = pa.schema(
    [
        ("features", pa.string()),  # what is compared
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),  # of an interval; null: the value is exact
        ("high", pa.float64()),
        ("words", pa.string()),
    ]
)

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 1.0)
"""Of the cosines: the low end is where entities have moved."""


def difference(a: FeatureSet, b: FeatureSet, *, n: int = 10, sample: int = 200, seed: int = 0) -> pa.Table:
    """What happened to the entities between two feature sets: who came and went, whose vector moved, and how far.

    Parameters
    ----------
    a, b : FeatureSet
        Before, and after: (N, D) each. Widths may differ: cosines are then left out, neighbours still compared.
    n : int, default 10
        Nearest neighbours an entity of which the share is taken that it has in both.
    sample : int, default 200
        Entities whose neighbours are looked at.
    seed : int, default 0
        Of the sample.

    Returns
    -------
    pyarrow.Table
        ``DIFFERENCE``: features, measure, value, low, high, words; one row a measure.

    Raises
    ------
    ProbeError
        For NaN or infinity in a vector, or n or sample below 1.

    Examples
    --------
    >>> before = FeatureSet("m@8", ["a", "b"], np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> after = FeatureSet("m@8", ["b", "c"], np.array([[0.0, 2.0], [1.0, 1.0]]))
    >>> rows = difference(before, after).to_pylist()
    >>> [(row["measure"], row["value"]) for row in rows if row["measure"] in ("added", "gone", "changed")]
    [('added', 1.0), ('gone', 1.0), ('changed', 1.0)]
    """
    for name, number in (("n", n), ("sample", sample)):
        if number < 1:
            raise ProbeError(f"--{name} {number} is below 1: give 1 or more")
    for side in (a, b):
        check_finite(side.name, side.matrix, side.entity_ids)
    label = a.name if a.name == b.name else f"{a.name} -> {b.name}"
    rows = {entity: i for i, entity in enumerate(a.entity_ids)}
    theirs = {entity: i for i, entity in enumerate(b.entity_ids)}
    common = sorted(rows.keys() & theirs.keys())
    measures = _entities(rows, theirs)
    if common and a.width == b.width:
        first = _part(a, [rows[entity] for entity in common])  # (N, D)
        second = _part(b, [theirs[entity] for entity in common])  # (N, D)
        measures.append(_changed(int((first != second).any(axis=1).sum()), len(common)))
        cosine = _cosine(first, second)  # (N,)
        measures += [
            _measure(f"cosine {_percent(q)}", float(np.quantile(cosine, q)), "between an entity's two vectors")
            for q in QUANTILES
        ]
    elif common:
        measures.append(_measure("width", b.width - a.width, f"{a.width} and {b.width}: cosines have no meaning"))
    if len(common) > 1:
        measures.append(_overlap(_cut(a, common, rows), _cut(b, common, theirs), n, sample, seed))
    return _table(label, measures)


def content_difference(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> pa.Table:
    """Who came, who went and whose content is another: entity -> hash of its content, before and after."""
    common = before.keys() & after.keys()
    return _table(name, [*_entities(before, after), _changed(sum(before[e] != after[e] for e in common), len(common))])


def only_one(name: str, entities: int, side: str) -> pa.Table:
    """The rows for features that only one side has: all of its entities were added, or are gone."""
    word = "gone" if side == "before" else "added"
    return _table(name, [_measure(f"entities {side}", entities), _measure(word, entities, f"only {side}")])


def probe_difference(
    before: tuple[pa.Table, pa.Table],
    after: tuple[pa.Table, pa.Table],
    names: tuple[str, str],
    metric: str | None = None,
) -> pa.Table:
    """The paired difference of one task's probe: (probes, predictions) of each side, under their names there.

    ``metric``: None takes the task's primary one.
    """
    sides = (f"{names[0]} (before)", f"{names[1]} (after)")
    probes = pa.concat_tables([_renamed(t[0], s) for t, s in zip((before, after), sides, strict=True)])
    predictions = pa.concat_tables([_renamed(t[1], s) for t, s in zip((before, after), sides, strict=True)])
    compared = compare(probes, predictions, sides[0], metric=metric, common=True).to_pylist()
    task = predictions["task"][0].as_py()
    label = names[0] if names[0] == names[1] else f"{names[0]} -> {names[1]}"
    return pa.concat_tables(
        [
            _table(
                label,
                [
                    {
                        "measure": f"{task} {row['metric']}",
                        "value": row["difference"],
                        "low": row["diff_low"],
                        "high": row["diff_high"],
                        "words": row["words"],
                    }
                ],
            )
            for row in compared
            if row["difference"] is not None
        ]
    )


def not_compared(names: tuple[str, str], task: str, why: str) -> pa.Table:
    """The row of a probe whose two sides say nothing about the vectors alone."""
    label = names[0] if names[0] == names[1] else f"{names[0]} -> {names[1]}"
    row = {"measure": f"{task} probe", "value": None, "words": f"not compared: {why}; probe both on the same"}
    return _table(label, [row])


def left_out(name: str, entities: int, side: str) -> pa.Table:
    """The row of vectors that were made of texts that have changed since."""
    words = f"{side}: left out, their texts have changed or vanished since"
    return _table(name, [_measure("stale", entities, words)])


def _entities(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    common = len(before.keys() & after.keys())
    return [
        _measure("entities before", len(before)),
        _measure("entities after", len(after)),
        _measure("added", len(after) - common),
        _measure("gone", len(before) - common),
    ]


def _changed(changed: int, common: int) -> dict[str, Any]:
    return _measure("changed", changed, f"of {common} in both")


def _overlap(a: FeatureSet, b: FeatureSet, n: int, sample: int, seed: int) -> dict[str, Any]:
    """The mean share of neighbours kept, with the middle 90 % of entities."""
    chosen = np.random.default_rng(seed).permutation(len(a.entity_ids))[:sample]
    asked = sorted(a.entity_ids[i] for i in chosen)  # (S,)
    near = [_neighbours(nearest(each, asked, n)) for each in (a, b)]
    kept = np.array([len(near[0][entity] & near[1][entity]) / len(near[0][entity]) for entity in asked])  # (S,)
    low, high = np.quantile(kept, (0.05, 0.95))
    words = f"top {min(n, len(a.entity_ids) - 1)}, {len(asked)} entities; 90 % of them lie in the interval"
    return _measure("neighbours kept", float(kept.mean()), words) | {"low": float(low), "high": float(high)}


def _neighbours(table: pa.Table) -> dict[str, set[str]]:
    neighbours: dict[str, set[str]] = {}
    for entity, neighbour in zip(table["entity_id"].to_pylist(), table["neighbour"].to_pylist(), strict=True):
        neighbours.setdefault(entity, set()).add(neighbour)
    return neighbours


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) cosines of two matrices' rows; 0 where a vector is zero, unless both are."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)  # (N,)
    dots = np.einsum("nd,nd->n", a, b)  # (N,)
    cosine = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    cosine[(a == b).all(axis=1)] = 1.0
    clipped: NDArray[np.float64] = np.clip(cosine, -1.0, 1.0)
    return clipped


def _part(features: FeatureSet, rows: list[int]) -> NDArray[np.float64]:
    matrix = features.matrix[rows]
    return np.asarray(matrix.toarray() if hasattr(matrix, "tocsr") else matrix, dtype=np.float64)  # (N, D)


def _cut(features: FeatureSet, entities: list[str], place: dict[str, int]) -> FeatureSet:
    """The features of some entities, in that order."""
    return FeatureSet(
        name=features.name,
        entity_ids=entities,
        matrix=features.matrix[[place[entity] for entity in entities]],  # (N, D)
        model=features.model,
        k=features.k,
        seen=features.seen,
        source_hash=features.source_hash,
    )


def _renamed(table: pa.Table, name: str) -> pa.Table:
    at = table.schema.get_field_index("features")
    return table.set_column(at, "features", pa.array([name] * len(table), pa.string()))


def _measure(measure: str, value: float, words: str | None = None) -> dict[str, Any]:
    return {"measure": measure, "value": float(value), "words": words}


def _percent(quantile: float) -> str:
    return {0.0: "least", 0.5: "median", 1.0: "most"}.get(quantile, f"{quantile:.0%}")


def _table(label: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"features": label} | row for row in rows], schema=DIFFERENCE)
