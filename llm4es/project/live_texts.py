"""Which vectors were made of texts as they are now.

In: a context. Out: SQL over the views ``embeddings`` and ``layers``. Knows no features and no probe.

A vector bears the hash of the texts that it was made of. It is live as long as these texts are there with that hash,
rewritten ones were made of the raw text that is there, and the entity's events are those that the texts were made of.
One that was made of the vectors of events bears the hash of the events before the entity's cut-off, and is live as long
as these are its events. Of imported vectors nobody knows what they were made of.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

from ..core.hashing import combined_hash_sql
from ..core.sql import identifier, literal, where
from ..options import History
from .context import Context
from .histories import Histories
from .selection import RAW


class LiveRows(NamedTuple):
    """Two pieces of SQL for a query that calls the vectors' table ``made``."""

    join: str
    """What comes behind ``FROM embeddings made``."""
    condition: str
    """Whether a row is live."""


def live_rows(context: Context) -> LiveRows:
    """How to ask whether vectors are live.

    Parameters
    ----------
    context : Context
        Dataset and store.

    Returns
    -------
    LiveRows
        A join, and a condition.

    Examples
    --------
    >>> live = live_rows(context)
    >>> query = f"SELECT count(*) FILTER ({live.condition}) AS live, count(*) AS n FROM embeddings made {live.join}"
    >>> context.store.sql(query).fetchall()
    [(40, 40)]
    """
    past = _Past.of(context)
    by_content: dict[tuple[bool, tuple[tuple[str, str], ...]], list[str]] = {}
    for config, texts in past.texts.items():
        by_content.setdefault((config in past.of_events, texts), []).append(config)
    if not by_content:
        return LiveRows("", "true")
    hashes = " UNION ALL ".join(
        f"SELECT unnest([{_list(configs)}]) AS config_id, entity_id, source_hash FROM ({content})"
        for (of_events, texts), configs in by_content.items()
        for content in (_of_events(context, texts) if of_events else _hashes(context, past, texts),)
    )
    join = f"LEFT JOIN ({hashes}) AS live_texts USING (entity_id, config_id)"
    same = "made.source_hash IS NOT DISTINCT FROM live_texts.source_hash"
    return LiveRows(join, f"({same} OR made.config_id NOT IN ({_list(list(past.texts))}))")


class _Past(NamedTuple):
    """What the record of runs says of a dataset."""

    texts: dict[str, tuple[tuple[str, str], ...]]
    """Configuration of vectors -> (variant, configuration) of the texts that they were made of."""
    of_events: set[str]
    """Those of them that were made of events, and of the texts only have where these end."""
    bases: dict[str, str]
    """Configuration of rewritten texts -> that of the raw ones."""
    later: dict[str, list[str]]
    """Configuration of raw texts -> serializations since its newest: what they have written it has not read."""

    @classmethod
    def of(cls, context: Context) -> "_Past":
        texts, of_events, bases = {}, set(), {}
        order: dict[str, int] = {}
        newest: dict[str, tuple[int, str | None]] = {}  # configuration -> place of its newest run, what files it read
        source = None
        for row in context.store.record().select(["run_id", "stage", "dataset", "config"]).to_pylist():
            if row["dataset"] != context.dataset or row["stage"] not in ("serialize", "enrich", "embed"):
                continue
            config = json.loads(row["config"])
            made = str(config.get("config_id"))
            if row["stage"] == "serialize":
                order.setdefault(row["run_id"], len(order))
                source = config.get("source")
                for cut in config.get("cutoffs") or [{"config_id": made}]:
                    newest[str(cut["config_id"])] = order[row["run_id"]], source
            elif row["stage"] == "enrich":
                bases[made] = str(config["base"])
            elif "texts" in config:
                texts[made] = tuple((str(variant), str(of)) for variant, of in config["texts"])
                if (config.get("options") or {}).get("history") == History.EVENTS:
                    of_events.add(made)
        later = {
            made: [run for run, place in order.items() if place > at]
            for made, (at, read) in newest.items()
            if read != source  # of the same files: only what is shown of them is another
        }
        return cls(texts, of_events, bases, later)


def _of_events(context: Context, texts: tuple[tuple[str, str], ...]) -> str:
    """SELECT of (entity_id, source_hash) of the events that stand beside raw texts."""
    ((_, raw_config),) = texts
    return Histories(context.store, context.dataset, raw_config).hashes()


def _hashes(context: Context, past: _Past, texts: tuple[tuple[str, str], ...]) -> str:
    """SELECT of (entity_id, source_hash) of texts: of those that are live themselves."""
    parts = list(_live(context, past, texts))
    if len(parts) == 1:
        return f"SELECT entity_id, text_hash AS source_hash FROM ({parts[0]})"
    together = " UNION ALL ".join(parts)
    return f"SELECT entity_id, {combined_hash_sql()} AS source_hash FROM ({together}) GROUP BY entity_id"


def _live(context: Context, past: _Past, texts: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for variant, config in texts:
        of_config = where({"dataset": context.dataset, "variant": variant, "config_id": config})
        rows = f"SELECT entity_id, variant, text_hash FROM texts WHERE {of_config}"
        if variant == RAW:
            yield rows + _unchanged(context, past, config)
            continue
        base = past.bases.get(config, config)
        raw = where({"dataset": context.dataset, "variant": RAW, "config_id": base})
        yield (
            f"{rows} AND (entity_id, source_hash) IN "
            f"(SELECT (entity_id, text_hash) FROM texts WHERE {raw}{_unchanged(context, past, base)})"
        )


def _unchanged(context: Context, past: _Past, raw_config: str) -> str:
    """Condition: nobody has written the entity's events since raw texts of this configuration were made."""
    view = context.store.events_view(context.dataset)
    later = past.later.get(raw_config)
    if not later or view not in context.store.views():
        return ""
    written = f"SELECT entity_id FROM {identifier(view)} WHERE position = 0 AND run_id NOT IN ({_list(later)})"
    return f" AND entity_id IN ({written})"


def _list(values: list[str]) -> str:
    return ", ".join(map(literal, values))
