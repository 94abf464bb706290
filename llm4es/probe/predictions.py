"""Out-of-fold predictions as arrays, and as the ``predictions`` table.

In: the scores of fits, or the table's rows. Out: the arrays, or the rows. Knows no model and no metric.

Letters: R repeats, N entities, C classes (1 for a regression).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..core.tasks import left_out_of
from .metrics import Floats, Ints

if TYPE_CHECKING:
    from .cohort import Cohort
    from .protocols import Fit  # scikit-learn comes with it: a comparison does without


@dataclass(frozen=True)
class Scored:
    """Every scored entity's truth and scores, in each repeat."""

    entity_ids: tuple[str, ...]
    """Sorted; each once."""

    classes: tuple[str, ...]
    """Sorted class names; empty for a regression."""

    truth: NDArray[Any]
    """(N,) class numbers, or the values of a regression."""

    scores: Floats
    """(R, N, C) probabilities, or the predicted values."""

    folds: Ints
    """(R, N) the fold whose model scored the entity."""

    seen: NDArray[np.bool_]
    """(N,) a model in the features' lineage was trained on the entity."""

    left_out: float | None = None
    """Share of the items that each repeat learns nothing from, other ones each time; None: repeats differ in their
    folds alone."""

    def only(self, kept: NDArray[np.bool_]) -> "Scored":
        """The entities where ``kept`` (N,) is true."""
        return replace(
            self,
            entity_ids=tuple(e for e, k in zip(self.entity_ids, kept, strict=True) if k),
            truth=self.truth[kept],
            scores=self.scores[:, kept],
            folds=self.folds[:, kept],
            seen=self.seen[kept],
        )

    def with_positive(self, positive: str | None) -> "Scored":
        """The same, with the class ``positive`` as the second of two; None leaves the second in sorted order.

        ProbeError where it is none of the two.
        """
        if positive is None or len(self.classes) != 2 or positive == self.classes[1]:
            return self
        if positive not in self.classes:
            raise ProbeError(
                f"the task's positive class '{positive}' is no label: there are {', '.join(self.classes)}; change "
                "`positive` in the recipe"
            )
        return replace(self, classes=self.classes[::-1], truth=1 - self.truth, scores=self.scores[:, :, ::-1])


def gather(cohort: "Cohort", fits: "Sequence[Fit]", scores: Sequence[Floats], seen: frozenset[str]) -> Scored:
    """The scores of the fits (N tested, C each), entity by entity and repeat by repeat."""
    repeats = []
    for repeat in sorted({fit.repeat for fit in fits}):
        pairs = [(fit, score) for fit, score in zip(fits, scores, strict=True) if fit.repeat == repeat]
        rows = np.concatenate([fit.test for fit, _ in pairs])
        folds = np.concatenate([np.full(len(fit.test), fit.fold) for fit, _ in pairs])
        order = np.argsort(rows)
        repeats.append((rows[order], folds[order], np.concatenate([score for _, score in pairs])[order]))
    tested = repeats[0][0]
    classes = tuple(str(c) for c in np.unique(cohort.y)) if cohort.classes else ()
    entity_ids = tuple(cohort.entity_ids[row] for row in tested)
    return Scored(
        entity_ids=entity_ids,
        classes=classes,
        truth=np.searchsorted(classes, cohort.y[tested]) if classes else cohort.y[tested],
        scores=np.stack([score for _, _, score in repeats]),  # (R, N, C)
        folds=np.stack([folds for _, folds, _ in repeats]),  # (R, N)
        seen=np.array([entity in seen for entity in entity_ids], dtype=bool),
    )


def columns(scored: Scored) -> dict[str, pa.Array]:
    """The columns ``entity_id, fold, repeat, y_true, y_score, seen``: one row an entity and repeat."""
    repeats, n, width = scored.scores.shape
    truth = [scored.classes[t] for t in scored.truth] if scored.classes else [repr(float(t)) for t in scored.truth]
    offsets = pa.array(np.arange(0, repeats * n * width + 1, width), pa.int32())
    return {
        "entity_id": pa.array(list(scored.entity_ids) * repeats, pa.string()),
        "fold": pa.array(scored.folds.ravel(), pa.int32()),
        "repeat": pa.array(np.repeat(np.arange(repeats), n), pa.int32()),
        "y_true": pa.array(truth * repeats, pa.string()),
        "y_score": pa.ListArray.from_arrays(offsets, pa.array(scored.scores.ravel(), pa.float64())),
        "seen": pa.array(np.tile(scored.seen, repeats), pa.bool_()),
    }


def scored(predictions: pa.Table, regression: bool) -> Scored:
    """Arrays of the predictions of one feature set. Raises ProbeError where a repeat lacks an entity."""
    table = predictions.sort_by([("repeat", "ascending"), ("entity_id", "ascending")])
    repeats = len(pc.unique(table["repeat"]))
    n = table.num_rows // max(repeats, 1)
    ids = table["entity_id"].to_pylist()
    if table.num_rows == 0 or ids != ids[:n] * repeats or len(set(ids[:n])) != n:
        name = table["features"][0].as_py() if table.num_rows else "?"
        raise ProbeError(f"predictions of '{name}' do not score the same entities once in every repeat: probe again")
    y_true: Sequence[str] = table["y_true"][:n].to_pylist()
    classes = () if regression else tuple(sorted(set(y_true)))
    width = 1 if regression else len(classes)
    lists = table["y_score"].combine_chunks()
    scores = lists.flatten().to_numpy(zero_copy_only=False)  # (R * N * C,)
    if len(scores) != table.num_rows * width or pc.min_max(pc.list_value_length(lists))["min"].as_py() != width:
        raise ProbeError(f"predictions of '{table['features'][0]}' have not {width} scores a row: probe again")
    if not np.isfinite(scores).all():
        raise ProbeError(f"predictions of '{table['features'][0]}' hold NaN or infinity: probe again")
    return Scored(
        entity_ids=tuple(ids[:n]),
        classes=classes,
        truth=np.array([float(y) for y in y_true]) if regression else np.searchsorted(classes, y_true),
        scores=scores.reshape(repeats, n, width),
        folds=table["fold"].to_numpy().astype(np.int64).reshape(repeats, n),
        seen=np.array(table["seen"][:n].to_pylist(), dtype=bool),
        left_out=left_out_of(table["protocol"][0].as_py()) if "protocol" in table.column_names else None,
    )
