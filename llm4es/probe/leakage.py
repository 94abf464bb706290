"""Leaks: ways in which a probe's test entities may have been known before.

In: predictions, texts, names of columns. Out: counts, and warnings in plain words. Judges and drops nothing.
"""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc


def identical_texts(predictions: pa.Table, texts: pa.Table) -> int:
    """Scored entities whose text (``texts``: entity_id, text_hash) some entity outside their own fold has as well.

    The scoring model was trained on that very text. Folds are those of the first repeat.
    """
    first = predictions.filter(pc.equal(predictions["repeat"], pc.min(predictions["repeat"])))
    fold = dict(zip(first["entity_id"].to_pylist(), first["fold"].to_pylist(), strict=True))
    texts_of: dict[str, set[str]] = {}
    folds_with: dict[str, set[int | None]] = {}
    for entity, text in zip(texts["entity_id"].to_pylist(), texts["text_hash"].to_pylist(), strict=True):
        texts_of.setdefault(entity, set()).add(text)
        folds_with.setdefault(text, set()).add(fold.get(entity))
    return sum(any(folds_with[text] - {fold[entity]} for text in texts_of.get(entity, ())) for entity in fold)


def warnings(
    task: str,
    n_identical: int,
    n_seen: int,
    n: int,
    label_columns: Collection[str] = (),
    text_columns: Collection[str] = (),
) -> list[str]:
    """What a reader of this task's figures has to know; nothing where there is nothing."""
    lines = []
    shared = sorted(set(label_columns) & set(text_columns))
    if shared:
        lines.append(
            f"the label of task '{task}' is made from {', '.join(shared)}, which the texts show: "
            "the probe may only be reading it back"
        )
    if n_identical:
        lines.append(f"{n_identical} of {n} scored entities have a text that the probe was trained on under another id")
    if n_seen:
        lines.append(
            f"{n_seen} of {n} scored entities were seen by the model in fine-tuning: compare with --unseen-only"
        )
    return lines
