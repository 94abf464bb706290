"""Leaks: ways in which a probe's test entities, or their labels, may have been known before.

In: predictions, texts, columns and scores that somebody has found. Out: counts, and warnings in plain words. Judges and
drops nothing.
"""

from collections.abc import Collection, Mapping

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


def met_before(n_seen: int, n_steering: int, n: int, declared: bool = False) -> str:
    """What is to be said of scored entities that the maker of their vectors has met, some to end its training only.

    >>> met_before(3, 1, 9)
    '3 of 9 scored entities were seen in tuning, 1 as validation only: compare with --unseen-only'
    """
    steering = f", {n_steering} as validation only" if n_steering else ""
    where = "by what made the vectors, as was declared" if declared else "in tuning"
    seen = f"{n_seen} of {n} scored entities were seen {where}"
    return f"{seen}{steering}: compare with --unseen-only"


def same_texts(n_identical: int, n: int) -> list[str]:
    """What is to be said of scored entities whose text was trained on; nothing where there is nothing."""
    line = f"{n_identical} of {n} scored entities have a text that the probe was trained on under another id"
    return [line] if n_identical else []


def told_by_columns(task: str, shared: Mapping[str, Collection[str]], who: str) -> list[str]:
    """What is to be said where ``who`` ('the texts show') shows fields of the columns that a label is made from.

    >>> told_by_columns("left", {"state": ["status"]}, "the texts show")[0][:78]
    "the label of task 'left' is made from state, which the texts show as 'status':"
    """
    lines = []
    for column, fields in shared.items():
        other = ", ".join(repr(field) for field in fields if field.lower() != column)
        lines.append(
            f"the label of task '{task}' is made from {column}, which {who}{' as ' + other if other else ''}: the "
            "probe may only be reading it back"
        )
    return lines


def told_by_field(task: str, field: str, rule: str, score: str, bound: float) -> str:
    """What is to be said where one value or number of a field tells the label."""
    return (
        f"field '{field}' gives the label of task '{task}' away: {rule} alone scores {score} out of fold (told of from "
        f"{bound}); see whether it is the label under another name, or was written after it"
    )


def told_by_ends(task: str, score: str, bound: float) -> str:
    """What is to be said where the day on which a history ends tells the label."""
    return (
        f"the label of task '{task}' is told by when histories end: the time of the last event alone scores {score} "
        f"out of fold (told of from {bound}); where they are not cut yet, cut them before the labels are made "
        "(--as-of), and believe only what beats the baseline 'recency'"
    )
