"""Whether an entity has one value of a field: how far the best of them tells the label.

In: events of one field, in any order, and the labels. Out: a score on entities that the value was not chosen by. DuckDB
counts; of the counts nothing but a table of (value, fold, class) comes back, however many events there are.

Letters: V values, F folds, C classes.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from ..core.sql import identifier
from ..features.events_table import loaded
from .giveaways import FOLDS, LEAST, NOTHING, Score, Truth, beyond_chance
from .metrics import Floats

MOST_VALUES = 1000
"""Values of a field that are looked at: those that most labelled entities have."""


def single_values(events: Iterable[pa.RecordBatch], field: str, truth: Truth) -> Score:
    """How far it tells the label whether an entity has one value of a field: the best value, chosen on other entities.

    'No value' and 'any value' are values too. ``events``: ``entity_id`` and the field, in any order.
    """
    with loaded(events, [field]) as connection:
        connection.register("truth", pa.table({"entity_id": list(truth.entity_ids), "y": truth.y, "fold": truth.fold}))
        value = f"nullif({identifier(field)}::VARCHAR, '')"
        table = connection.sql(
            f"""WITH pairs AS (
                SELECT DISTINCT entity_id, {value} IS NULL AS lacks, {value} AS value, false AS whole FROM events
                UNION ALL SELECT DISTINCT entity_id, false, NULL, true FROM events WHERE {value} IS NOT NULL
            ), known AS (SELECT * FROM pairs JOIN truth USING (entity_id)),
            commonest AS (
                SELECT *, row_number() OVER (ORDER BY n DESC, lacks, whole, value) - 1 AS number FROM (
                    SELECT lacks, value, whole, count(*) AS n FROM known GROUP BY lacks, value, whole
                    ORDER BY n DESC, lacks, whole, value LIMIT {MOST_VALUES}
                )
            )
            SELECT number, any_value(CASE WHEN commonest.lacks THEN 'no value'
                WHEN commonest.whole THEN 'any value' ELSE '''' || commonest.value || '''' END) AS value, fold,
                {"y" if truth.classes else "0.0"} AS class, count(*) AS n, sum(y) AS total, sum(y * y) AS squares
            FROM known JOIN commonest ON known.lacks = commonest.lacks AND known.whole = commonest.whole
                AND known.value IS NOT DISTINCT FROM commonest.value
            GROUP BY ALL ORDER BY number, fold, class"""
        ).to_arrow_table()
    if not len(table):
        return NOTHING
    number, fold, class_ = (table[name].to_numpy().astype(np.int64) for name in ("number", "fold", "class"))
    names = dict(zip(number.tolist(), table["value"].to_pylist(), strict=True))
    shape = (number.max() + 1, FOLDS, max(len(truth.classes), 1))  # (V, F, C)
    sums = np.zeros((3, *shape))
    for at, column in enumerate(("n", "total", "squares")):
        np.add.at(sums[at], (number, fold, class_), table[column].to_numpy().astype(float))
    best, score = _classes(sums[0], truth) if truth.classes else _numbers(sums[..., 0], truth)
    return NOTHING if best is None else Score(score, str(names[best]))


def _classes(have: Floats, truth: Truth) -> tuple[int | None, float]:
    """The best of (V, F, C) entities with a value, and the ROC-AUC of having it, over folds."""
    everybody = np.zeros(have.shape[1:])  # (F, C)
    np.add.at(everybody, (truth.fold, truth.y.astype(np.int64)), 1.0)
    chosen, of_class, scores = [], [], []
    for fold in range(FOLDS):
        rest = np.arange(FOLDS) != fold
        lean, sizes = _lean(have[:, rest].sum(axis=1), everybody[rest].sum(axis=0))  # (V, C), (C,)
        if not np.isfinite(lean).any():
            continue  # the one member of a class is in this fold: the others have nothing to choose by
        best, of = np.unravel_index(np.nanargmax(np.abs(lean) * sizes), lean.shape)
        test, _ = _lean(have[:, fold], everybody[fold])
        if np.isfinite(test[best, of]):
            chosen.append(int(best))
            of_class.append(int(of))
            scores.append(0.5 + 0.5 * np.sign(lean[best, of]) * test[best, of])
    if not chosen:
        return None, float("nan")
    size = int(everybody.sum(axis=0)[max(set(of_class), key=of_class.count)])
    return max(set(chosen), key=chosen.count), beyond_chance(float(np.mean(scores)), size, len(truth.y))


def _lean(have: Floats, everybody: Floats) -> tuple[Floats, Floats]:
    """Of (V, C) entities with a value among (C,): share of a class that has it less that of the others, and weights."""
    others = everybody.sum() - everybody  # (C,)
    with np.errstate(divide="ignore", invalid="ignore"):
        lean = have / everybody - (have.sum(axis=1, keepdims=True) - have) / others  # (V, C)
    small = np.minimum(everybody, others) < 1
    return np.where(small, np.nan, lean), np.sqrt(np.where(small, 0, everybody * others))


def _numbers(sums: Floats, truth: Truth) -> tuple[int | None, float]:
    """The best of (3, V, F) counts, sums and squares of those with a value, and the R² of the two means, over folds."""
    whole = np.stack([np.bincount(truth.fold, truth.y**power, FOLDS) for power in (0, 1, 2)])[:, None]  # (3, 1, F)
    sides = np.stack([sums, whole - sums])  # (2, 3, V, F)
    chosen, error, spread = [], 0.0, 0.0
    for fold in range(FOLDS):
        known = sides.sum(axis=3) - sides[..., fold]  # (2, 3, V)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = known[:, 1] / known[:, 0]  # (2, V)
            explained = np.where(known[:, 0].min(axis=0) < LEAST, -np.inf, (known[:, 1] * means).sum(axis=0))
        best = int(np.argmax(explained))
        if not np.isfinite(explained[best]):
            return None, float("nan")
        chosen.append(best)
        n, total, squares = sides[:, :, best, fold].T
        error += float((squares - 2 * means[:, best] * total + n * means[:, best] ** 2).sum())
        mean = known[:, 1, best].sum() / known[:, 0, best].sum()
        spread += float((squares - 2 * mean * total + n * mean**2).sum())
    return max(set(chosen), key=chosen.count), 1 - error / spread if spread > 0 else float("nan")
