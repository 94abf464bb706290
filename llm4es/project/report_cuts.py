"""How much of the histories each embedding has read: what the report warns of.

In: a context. Out: a row an embedding, and warnings. Writes nothing.
"""

import pyarrow as pa

from .context import Context
from .feature_source_vectors import readable
from .short_vectors import with_dims
from .space_versions import with_versions

_CUTS = """SELECT model, max(k) AS k, config_id, any_value(texts) AS texts, any_value(history) AS history,
    any_value(pooling) AS pooling, any_value(max_length) AS max_length,
    any_value(stored_as) AS stored_as, any_value(reading) AS reading, any_value(aligned_to) AS aligned_to,
    count(*) AS n_entities,
    count_if(n_events_dropped > 0) AS n_cut, sum(n_events) AS events, sum(n_events_dropped) AS events_lost,
    sum(n_tokens) AS tokens, sum(n_tokens_dropped) AS tokens_lost
    FROM (SELECT DISTINCT ON (entity_id, model, config_id) * FROM embeddings WHERE {beside})
    GROUP BY model, config_id ORDER BY model, config_id"""


def cuts(context: Context) -> pa.Table:
    """How much of the histories each embedding has read.

    Parameters
    ----------
    context : Context
        Dataset and store.

    Returns
    -------
    pyarrow.Table
        ``features``, ``n_entities``, ``n_cut``, and the shares ``events_kept`` and ``tokens_kept``.

    Examples
    --------
    >>> cuts(context)["n_entities"].to_pylist()
    [20]
    """
    found = context.store.sql(_CUTS.format(beside=context.beside)).to_arrow_table()
    rows = with_versions(context.store, with_dims(context.store, context.dataset, found.to_pylist()))
    names = [label.replace(f"@{row['k']}", "", 1) for label, row in zip(readable(rows), rows, strict=True)]
    kept = {
        "events_kept": [_share(row["events"], row["events_lost"]) for row in rows],
        "tokens_kept": [_share(row["tokens"], row["tokens_lost"]) for row in rows],
    }
    counts = {column: found[column] for column in ("n_entities", "n_cut")}
    return pa.table(
        {"features": pa.array(names, pa.string()), **counts, **{k: pa.array(v, pa.float64()) for k, v in kept.items()}}
    )


def cut_warnings(found: pa.Table) -> list[str]:
    """What a reader has to know of embeddings that lost events, and what mends it.

    Parameters
    ----------
    found : pyarrow.Table
        As ``cuts`` gives it.

    Returns
    -------
    list of str
        A sentence an embedding that lost some.

    Examples
    --------
    >>> row = {"features": "m", "n_entities": 4, "n_cut": 1, "events_kept": 0.5, "tokens_kept": 0.5}
    >>> cut_warnings(pa.Table.from_pylist([row]))
    ['m: 25% of the users lost events, 50% of all were read: embed with --history full, window by window']
    """
    return [
        f"{row['features']}: {row['n_cut'] / row['n_entities']:.0%} of the users lost events, "
        f"{row['events_kept']:.0%} of all were read: "
        + (
            "serialize without --max-events"
            if row["tokens_kept"] == 1
            else "embed with --history full, window by window"
        )
        for row in found.to_pylist()
        if row["n_cut"]
    ]


def _share(kept: float | None, lost: float | None) -> float:
    """Kept of all; all of nothing is all."""
    whole = (kept or 0) + (lost or 0)
    return float((kept or 0) / whole) if whole else 1.0
