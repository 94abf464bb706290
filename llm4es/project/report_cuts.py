"""How much of the histories each embedding has read: what the report warns of.

In: a context. Out: a row an embedding, and warnings. Writes nothing.
"""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.shell_words import shell_word
from ..core.sql import literal
from ..features.import_vectors import IMPORTED
from ..options import EmbedOptions
from .context import Context
from .feature_source_vectors import readable
from .recorded import runs_of
from .short_vectors import with_dims
from .space_versions import with_versions

if TYPE_CHECKING:
    from ..report.answer import Caution

_CUTS = """SELECT model, max(k) AS k, config_id,
    any_value(texts) AS texts, any_value(history) AS history,
    any_value(pooling) AS pooling, any_value(max_length) AS max_length,
    any_value(stored_as) AS stored_as, any_value(reading) AS reading, any_value(aligned_to) AS aligned_to
    FROM embeddings WHERE {beside} AND pooling <> {imported} GROUP BY model, config_id ORDER BY model, config_id"""
"""All but imported ones: nobody knows what those were made of."""

_NAMED = """SELECT features, count(*) AS n_entities, count_if(n_events_dropped > 0) AS n_cut,
    coalesce(sum(n_events) / nullif(sum(n_events) + sum(n_events_dropped), 0), 1) AS events_kept,
    coalesce(sum(n_tokens) / nullif(sum(n_tokens) + sum(n_tokens_dropped), 0), 1) AS tokens_kept
FROM (SELECT DISTINCT ON (entity_id, model, config_id) model, config_id, coalesce(n_events, 0) AS n_events,
    coalesce(n_events_dropped, 0) AS n_events_dropped, coalesce(n_tokens, 0) AS n_tokens,
    coalesce(n_tokens_dropped, 0) AS n_tokens_dropped FROM embeddings WHERE {beside})
JOIN (VALUES {names}) AS named (model, config_id, features) USING (model, config_id)
GROUP BY model, config_id, features ORDER BY model, config_id"""


def cuts_sql(context: Context) -> str:
    """SELECT of how much of the histories each embedding has read.

    Parameters
    ----------
    context : Context
        Dataset and store.

    Returns
    -------
    str
        Of ``features``, ``n_entities``, ``n_cut``, and the shares ``events_kept`` and ``tokens_kept``.

    Examples
    --------
    >>> context.store.sql(cuts_sql(context)).to_arrow_table()["n_entities"].to_pylist()
    [20]
    """
    rows = _embeddings(context)
    keys = [f"({literal(row['model'])}, {literal(row['config_id'])}, {literal(row['features'])})" for row in rows]
    return _NAMED.format(beside=context.beside, names=", ".join(keys) or "(NULL, NULL, NULL)")


def _embeddings(context: Context) -> list[dict[str, Any]]:
    """Every embedding with its readable name."""
    found = context.store.sql(_CUTS.format(beside=context.beside, imported=literal(IMPORTED))).to_arrow_table()
    rows = with_versions(context.store, with_dims(context.store, context.dataset, found.to_pylist()))
    names = [label.replace(f"@{row['k']}", "", 1) for label, row in zip(readable(rows), rows, strict=True)]
    return [row | {"features": name} for row, name in zip(rows, names, strict=True)]


def cut_warnings(context: Context, found: pa.Table) -> "list[Caution]":
    """What a reader has to know of embeddings that lost events, and what mends it.

    Parameters
    ----------
    context : Context
        Dataset and store.
    found : pyarrow.Table
        Rows of ``cuts_sql``.

    Returns
    -------
    list of Caution
        One an embedding that lost some.

    Examples
    --------
    >>> row = {"features": "model [64 tokens]", "n_entities": 4, "n_cut": 1, "events_kept": 0.5, "tokens_kept": 0.5}
    >>> cut_warnings(context, pa.Table.from_pylist([row]))[0].text
    'model [64 tokens]: 25% of the entities lost events, 50% of all were read: embed it with --history full'
    """
    from ..report.answer import Caution

    of, made = shell_word(context.dataset), {row["features"]: row["config_id"] for row in _embeddings(context)}
    cautions = []
    for row in found.to_pylist():
        if row["n_cut"]:
            text = (
                f"{row['features']}: {row['n_cut'] / row['n_entities']:.0%} of the entities lost events, "
                f"{row['events_kept']:.0%} of all were read"
            )
            if row["tokens_kept"] == 1:
                cautions.append(Caution(f"{text}: serialize without --max-events", "", f"llm4es serialize {of}"))
                continue
            whole = _embed_whole(context, made.get(row["features"], ""))
            cautions.append(Caution(f"{text}: embed it with --history full", "", whole))
    return cautions


def _embed_whole(context: Context, made: str) -> str:
    """What embeds whole histories with the settings of an embedding; '' where they are more than are typed here."""
    runs = runs_of(context.store, context.dataset, "embed")
    config = next((run.config for run in runs if run.config.get("config_id") == made), {})
    asked = config.get("options", {})
    if not config.get("origin") or not config.get("k") or not _TYPED.keys() >= asked.keys() - {"history"}:
        return ""
    typed = {"model": config["origin"], "k": ",".join(map(str, config["k"])), "history": "full"}
    for name, usual in _TYPED.items():
        value = asked.get(name, usual)
        if value != usual:
            typed[name.replace("_", "-")] = ",".join(value) if isinstance(value, list) else str(value)
    flags = " ".join(f"--{name} {shell_word(value)}" for name, value in typed.items())
    return f"llm4es embed {shell_word(context.dataset)} {flags}"


_TYPED = {
    "max_length": EmbedOptions.max_length,
    "pooling": EmbedOptions.pooling.value,
    "texts": list(EmbedOptions.texts),
}
"""Options of an embedding that its command repeats, and what is usual."""
