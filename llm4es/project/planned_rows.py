"""The rows of a plan in the order in which portions are cut from them.

In: planned rows. Out: batches. Knows no stage and no store.
"""

import pyarrow as pa


def planned_rows(todo: pa.Table, subject: str, batch_rows: int = 1 << 16) -> list[pa.RecordBatch]:
    """The rows of a plan as portions are cut from them: by what they are about, in ``entity_id``.

    Parameters
    ----------
    todo : pyarrow.Table
        Planned rows.
    subject : str
        The column that says what a row is about.
    batch_rows : int
        Rows at a time.

    Returns
    -------
    list of pyarrow.RecordBatch
        Sorted by it.

    Examples
    --------
    >>> todo = pa.table({"event_hash": ["b", "a"], "event_text": ["tea", "milk"]})
    >>> [batch.to_pydict() for batch in planned_rows(todo, "event_hash")]
    [{'event_hash': ['a', 'b'], 'event_text': ['milk', 'tea'], 'entity_id': ['a', 'b']}]
    """
    todo = todo.sort_by(subject)
    if "entity_id" not in todo.column_names:
        todo = todo.append_column("entity_id", todo[subject])
    batches: list[pa.RecordBatch] = todo.combine_chunks().to_batches(batch_rows)
    return batches
