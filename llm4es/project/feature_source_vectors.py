"""The vectors of the store as sources: every embedding, and what kept layers can be made into without the model.

In: a store, a dataset, a choice of entities. Out: sources whose content is known before their rows are read.
Knows no probe and no baseline.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from ..core.hashing import config_id
from ..core.limits import FRUGAL
from ..core.sql import literal, where
from ..features.import_vectors import IMPORTED
from ..options import EmbedOptions
from ..options.embed import ENDPOINT
from .content_hash import content_hash
from .context import Context
from .feature_source import FeatureSource
from .live_texts import LiveRows, live_rows
from .made_alike import made_alike
from .recorded import runs_of
from .seen import Seen, seen_by
from .selection import entities_sql
from .short_vectors import with_dims
from .space_versions import with_versions
from .stored_models import lineage_of
from .stored_vectors import StoredVectors

_DEFAULTS = {
    "pooling": EmbedOptions.pooling.value,
    "texts": ",".join(EmbedOptions.texts),
    "history": EmbedOptions.history.value,
    "max_length": EmbedOptions.max_length,
}
"""What a readable name leaves out."""

_OF_A_FIT = ("model", "options", "events", "learnt_of")
"""What of a run's configuration names what was learnt for it: see ``event_request``."""

_SETTINGS = ("texts", "history", "pooling")

_COLUMNS = {
    "layers": ("pooling", "texts", "history", "max_length", "dim", "stored_as"),
    "embeddings": ("pooling", "texts", "history", "max_length", "dim", "stored_as", "reading", "aligned_to"),
}
"""What of a configuration each table holds."""

_CONFIGURATION = "any_value({0}) AS {0}".format
_COUNTS = """count(*) FILTER (is_live AND is_chosen AND {0}) AS n_live,
    count(*) FILTER (NOT is_live AND {0}) AS n_stale, count(*) FILTER (NOT is_chosen AND {0}) AS n_others"""
"""How many rows count, how many do not, and how many are of entities that were not chosen: of everybody, or with kept
layers of the first."""


def vectors(context: Context) -> list[FeatureSource]:
    """One source a (model, k, configuration); of kept layers also one a layer, and one a k that is not embedded.

    Parameters
    ----------
    context : Context
        Dataset, store, how many entities.

    Returns
    -------
    list of FeatureSource
        By model and k, those of one name by age.

    Examples
    --------
    >>> [source.name for source in vectors(context)]
    ['model@1 [64 tokens]', 'model@4 [64 tokens]']
    """
    (seconds, read), made_by = _costs(context), made_alike(context.store, context.dataset)
    seen, fits = dict[str, Seen](), _fits(context)
    found: list[FeatureSource] = []
    there: set[tuple[str, str, int]] = set()
    contents: dict[tuple[str, str, int | None], Callable[[], str]] = {}
    counted = _Counted.of(context)
    rows = with_dims(context.store, context.dataset, [*_embedded(context, counted), *_kept(context, counted)])
    rows = with_versions(context.store, rows)
    ((everybody,),) = context.store.sql(f"SELECT count(*) FROM ({counted.entities})").fetchall()
    for row, label in zip(rows, readable(rows), strict=True):
        model, config, k = row["model"], row["config_id"], row["k"]
        if model not in seen:
            seen[model] = seen_by(context.store, context.dataset, lineage_of(context.store, model))
        if row["layers"] is None:
            there.add((model, config, k))
        elif row["layer"] is None and (model, config, k) in there:
            continue
        rows_of = (model, config, k if row["layers"] is None else None)  # kept layers all have those of the first
        if rows_of not in contents:
            contents[rows_of] = cache(partial(_content, context, row, counted))
        content = contents[rows_of]
        queries = [_chosen(context, row, counted, "entity_id, vector", source) for source in _sources(row)]
        stored = StoredVectors(
            context.store, queries, label, model, k or None, row["dim"], seen[model].everybody, content
        )
        made = made_by.get(config) or f"imported {config}"
        found.append(
            FeatureSource(
                name=label,
                content=partial(_of_layer, content, row["layer"]),
                load=stored,
                stored=stored if len(queries) == 1 else None,
                model=row["shown"],
                imported=row["pooling"] == IMPORTED,
                aliases=tuple(alias + label.removeprefix(row["shown"]) for alias in row["aliases"]),
                is_newest=row["is_newest"],
                part=stored.part,
                hashes=partial(_chosen, context, row, counted, "entity_id, made.source_hash"),
                space=config_id([made, row["dim"], k, row["layer"], fits.get((config, k))]),
                k=k or None,  # 0: imported, no layers were averaged
                layer=row["layer"],
                embedded=row["layers"] is None,
                width=row["dim"],
                tokens=read.get(config, row["n_tokens"]),
                seconds=seconds.get(config),
                n_live=row["n_live"],
                n_stale=row["n_stale"],
                settings=made_by.get(config, ""),
                config_id=config,
                seen=seen[model],
                entities=None if row["n_live"] == everybody else _chosen(context, row, counted, "entity_id"),
            )
        )
    return found


def readable(rows: Sequence[dict[str, Any]]) -> list[str]:
    """``model@k``, and whatever of the configuration is not the default: ``smollm2-135m@8 [256 tokens, full]``.

    Parameters
    ----------
    rows : sequence of dict
        ``model``, ``k``, ``config_id``, ``pooling``, ``texts``, ``history``, ``max_length``, ``layer`` of a layer, and
        ``dims`` of vectors that were cut, ``asked`` of those that a prompt gave, ``shown`` of models with versions.

    Returns
    -------
    list of str
        A name a row, each once.

    Examples
    --------
    >>> row = {"model": "m", "k": 8, "config_id": "c1", "pooling": "mean", "texts": "raw", "max_length": 512}
    >>> readable([row | {"history": "newest"}, row | {"history": "full"}])
    ['m@8', 'm@8 [full]']
    """
    names: list[str] = []
    taken: dict[str, str] = {}
    for row in rows:
        model = str(row.get("shown") or row["model"])
        if row["pooling"] == IMPORTED:  # made elsewhere: its name is all we know of it
            names.append(model)
            continue
        kept = _SETTINGS[:2] if row.get("asked") else _SETTINGS  # a prompt says how states are pooled
        shown = {**row, "history": row.get("reading") or row["history"]}
        parts = [str(shown[key]) for key in kept if shown[key] not in (_DEFAULTS[key], ENDPOINT)]
        parts += [row["stored_as"]] if row.get("stored_as") else []
        if row["max_length"] != _DEFAULTS["max_length"]:
            parts.insert(0, f"{row['max_length']} tokens")
        if row.get("asked") and not row.get("reading"):
            parts.append(str(row["asked"]))
        if row.get("dims"):
            parts.append(f"{row['dims']} dims")
        if row.get("aligned_to"):
            parts.append(f"aligned to {row['aligned_to']}")
        depth = f"layer{row['layer']}" if row.get("layer") else str(row["k"])
        name = model if row["pooling"] == ENDPOINT or depth == "0" else f"{model}@{depth}"
        label = name + (f" [{', '.join(parts)}]" if parts else "")
        # Two that still read the same differ in their texts' configuration: the newer ones bear its name.
        config = row["config_id"]
        names.append(label if taken.setdefault(label, config) == config else f"{label} #{config[:6]}")
    return names


class _Counted(NamedTuple):
    """Which rows of the store count, found out once."""

    live: LiveRows
    """Those made of what is there now."""
    entities: str
    """SELECT of the chosen entities."""
    beside: str
    """Condition of those that stand beside the texts."""

    @classmethod
    def of(cls, context: Context) -> "_Counted":
        entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
        return cls(live_rows(context), entities, context.beside)


def _embedded(context: Context, counted: _Counted) -> list[dict[str, Any]]:
    """A row an embedding, those of one name by age."""
    query = f"""SELECT model, k, config_id, {_settings("embeddings")}, {_COUNTS.format("true")},
            sum(n_tokens) FILTER (is_live AND is_chosen)::BIGINT AS n_tokens, NULL AS layer, NULL AS layers
        FROM ({_rows(counted, "embeddings")}) GROUP BY model, k, config_id
        HAVING count(*) FILTER (is_chosen) > 0 ORDER BY model, k, min(run_id)"""
    found: list[dict[str, Any]] = context.store.sql(query, limits=FRUGAL).to_arrow_table().to_pylist()
    return found


def _kept(context: Context, counted: _Counted) -> list[dict[str, Any]]:
    """Of each configuration whose layers are kept: a row a layer alone, and a row a number of last layers."""
    if context.store.table("layers") is None:
        return []
    query = f"""SELECT model, config_id, max(layer) AS layers, {_settings("layers")}, {_COUNTS.format("layer = 1")},
            NULL AS n_tokens
        FROM ({_rows(counted, "layers")}) GROUP BY model, config_id
        HAVING count(*) FILTER (is_chosen) > 0 ORDER BY model, min(run_id)"""
    rows = context.store.sql(query, limits=FRUGAL).to_arrow_table().to_pylist()
    depths = [row | {"k": k, "layer": None} for row in rows for k in range(1, row["layers"] + 1)]
    return depths + [row | {"k": None, "layer": n} for row in rows for n in range(1, row["layers"] + 1)]


def _settings(table: str) -> str:
    return ", ".join(map(_CONFIGURATION, _COLUMNS[table]))


def _rows(counted: _Counted, table: str) -> str:
    """SELECT of the dataset's rows, whether they are live, and whether their entities are chosen."""
    live, entities, beside = counted
    return f"""SELECT made.*, {live.condition} AS is_live, made.entity_id IN ({entities}) AS is_chosen
        FROM (FROM {table} WHERE {beside}) made {live.join}"""


def _content(context: Context, row: dict[str, Any], counted: _Counted) -> str:
    """What vectors are made from: their texts or events, and how."""
    source = ("layers", "layer", 1) if row["layers"] else _sources(row)[0]
    made_from = content_hash(context.store, _chosen(context, row, counted, "entity_id, made.source_hash", source))
    return (made_from or "") + str(row["config_id"])  # no hash: nothing of it is live


def _of_layer(content: Callable[[], str], layer: int | None) -> str:
    return content() + (f" layer {layer}" if layer else "")


def _chosen(
    context: Context, row: dict[str, Any], counted: _Counted, columns: str, source: tuple[str, str, int] | None = None
) -> str:
    """SELECT of the chosen entities' live rows of what a row stands for."""
    live, entities, _ = counted
    table, column, number = source or _sources(row)[0]
    chosen = where({"dataset": context.dataset, column: number, **{k: row[k] for k in ("model", "config_id")}})
    if not row["n_stale"]:  # nobody has to be told apart
        theirs = f" AND entity_id IN ({entities})" if row["n_others"] else ""
        return f"SELECT {columns} FROM {table} made WHERE {chosen}{theirs}"
    rows = f"FROM (FROM {table} WHERE {chosen}) made {live.join} WHERE {live.condition}"
    return f"SELECT {columns} {rows} AND entity_id IN ({entities})"


def _costs(context: Context) -> tuple[dict[str, float], dict[str, int]]:
    """Configuration -> time of the runs that computed something for it; and of events -> tokens that were read once."""
    query = f"""SELECT config->>'$.config_id', sum(seconds), arg_max((config->>'$.event_tokens')::BIGINT, version)
        FROM runs WHERE stage = 'embed' AND dataset = {literal(context.dataset)} AND rows_computed > 0 GROUP BY ALL"""
    rows = context.store.sql(query).fetchall()
    seconds = {config: time for config, time, _ in rows}
    return seconds, {config: tokens for config, _, tokens in rows if tokens is not None}


def _fits(context: Context) -> dict[tuple[str, int], str]:
    """(configuration of vectors, k) -> hash of what was learnt of train entities' events for them."""
    query = f"SELECT config_id, k, fit_hash FROM event_fits WHERE dataset = {literal(context.dataset)}"
    learnt = {(config, k): fit for config, k, fit in context.store.sql(query).fetchall()}
    if not learnt:
        return {}
    found: dict[tuple[str, int], str] = {}
    for run in runs_of(context.store, context.dataset, "embed"):
        settings = {name: run.config[name] for name in _OF_A_FIT if name in run.config}
        of = config_id(settings)
        found |= {(str(run.config.get("config_id")), k): fit for (config, k), fit in learnt.items() if config == of}
    return found


def _sources(row: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(table, column, value) of the vectors whose mean a row stands for."""
    if row["layers"] is None:
        return [("embeddings", "k", row["k"])]
    if row["layer"] is not None:
        return [("layers", "layer", row["layer"])]
    return [("layers", "layer", layer) for layer in range(row["layers"] - row["k"] + 1, row["layers"] + 1)]
