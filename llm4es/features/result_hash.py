"""What a probe was made from, as one hash: a probe is live as long as this is what it would be made from today.

In: the hash of its features, labels, a split, a cohort. Out: a hash. Knows no store; imports nothing heavy.
"""

from collections.abc import Sequence

import pyarrow as pa

from ..core.hashing import canonical_json, text_hash


def result_hash(
    features_hash: str,
    labels: pa.Table,
    splits: pa.Table | None = None,
    cohort: Sequence[str] | None = None,
    unseen: Sequence[str] | None = None,
) -> str:
    """``source_hash`` of a probe: content of its features, of its labels and, where they are read, of the others."""
    return hash_with(features_hash, contents(labels, splits), cohort, unseen)


def contents(labels: pa.Table, splits: pa.Table | None = None) -> str:
    """What all feature sets of a task share, as text, made once for all of them."""
    parts = [_content(labels, ("entity_id", "label"))]
    if splits is not None:
        parts.append(_content(splits, ("entity_id", "split")))
    return ",".join(map(canonical_json, parts))


def hash_with(
    features_hash: str, shared: str, cohort: Sequence[str] | None = None, unseen: Sequence[str] | None = None
) -> str:
    """The hash of features and ``contents``.

    Parameters
    ----------
    features_hash : str
        Content of the features.
    shared : str
        As ``contents`` makes it.
    cohort : sequence of str, optional
        Whom the folds were made of, where some of them lack the features; None: those who have them.
    unseen : sequence of str, optional
        Who was left out as seen, beyond those that the model's own dataset names.

    Returns
    -------
    str
        64 digits. Without cohort and unseen it is what llm4es 0.1 made.
    """
    more = {name: list(ids) for name, ids in (("cohort", cohort), ("unseen", unseen)) if ids}
    tail = f",{canonical_json(more)}" if more else ""
    return text_hash(f"[{canonical_json(features_hash)},{shared}{tail}]")


def _content(table: pa.Table, columns: Sequence[str]) -> list[list[str | None]]:
    """The columns' values as text, a list a row. In the table's order: the ``ptls`` protocol depends on it."""
    values = [table.column(column).cast(pa.string()).to_pylist() for column in columns]
    return [list(row) for row in zip(*values, strict=True)]
