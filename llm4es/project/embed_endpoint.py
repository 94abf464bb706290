"""The step ``embed`` where a server makes the vectors: texts of the store to vectors in it.

In: a context, a model's name as the server knows it, options. Out: rows of ``embeddings`` with ``k`` 0 and pooling
'endpoint'. What is committed is not asked for again. The first use of a model keeps the vectors of three fixed texts;
later uses compare, warn when they moved, and refuse those of another model. Knows no protocol and no screen.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import ModelError, OptionError
from ..core.hashing import canonical_json, config_id, text_hash
from ..core.plan import Plan
from ..core.schemas import CANARIES
from ..core.sql import where
from ..options import UNSAID, EmbedOptions, LoadOptions, WorkerOptions
from ..options.embed import ENDPOINT
from ..options.workers import check_one_asks
from ..servers import server_address
from .context import Context
from .costs import Amount
from .cut_histories import what_is_cut
from .executor import Increment, TableRows, Work
from .how_kept import how_kept
from .incremental import Job, incremental
from .observer import Advance, as_increments
from .outcome import Outcome
from .selection import WHOM, Texts, choose_texts, entities_sql
from .stand_ins import of_embeddings
from .token_counts import read_by

if TYPE_CHECKING:
    from llm4es_store import Run

    from ..embed.drift import Drift
    from ..embed.endpoint import Endpoint

KEY = ("entity_id", "k")

COMMIT_SECONDS = 2.0
"""Seconds of answers that one commit holds: they may cost money."""

ROUNDING = "float16"
"""Number format whose rounding explains what a server's vectors may differ by from one time to the next."""

ANOTHER_MODEL = 0.2
"""Cosine distance of a fixed text's vectors that no release and no number format explains."""


def embed_endpoint(
    context: Context, model: str, load: LoadOptions, options: EmbedOptions, working: WorkerOptions = UNSAID
) -> Outcome:
    """Ask a server for the vectors that are missing, or were made from other texts.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    model : str
        The name that the server knows.
    load : LoadOptions
        Nothing of it may be chosen: the server has loaded its model.
    options : EmbedOptions
        Where the server is, which texts, how long, how many at once.
    working : WorkerOptions, optional
        Not more than one process asks: a server has several requests at once all the same.

    Returns
    -------
    Outcome
        Vectors wanted, computed and reused, and why; ``message``: tokens that were read.

    Raises
    ------
    StoreError
        Where there are no texts.
    OptionError
        For an address that is none, and options of a model in this process.
    ServerError
        Where the server cannot be used; what it has answered is kept.
    ModelError
        For answers that hold no vectors, vectors of another model or length than before, and, once the others are
        embedded, texts that are too long or refused.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions, LoadOptions
    >>> options = EmbedOptions.of(engine="openai", base_url="http://127.0.0.1:9/v1")
    >>> embed_endpoint(context.with_(dry_run=True), "bge-m3", LoadOptions(), options)
    embed bge-m3: 20 to compute, 0 reused (20 new), no record on this machine yet
    """
    _refuse_loading(load)
    check_one_asks(working)
    store, address = context.store, server_address(options.base_url)
    context.say_cutoff("embed")
    chosen = choose_texts(store, context.dataset, options.texts, context.which)
    space = space_served(context, model)
    config = configuration(model, options, chosen)
    made = config_id(config)
    scope = {"dataset": context.dataset, "model": space, "config_id": made}
    entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    hashes = store.sql(chosen.hashes_sql(entities)).to_arrow_table()

    def prepare(run: "Run", plan: Plan) -> pa.Table:
        """Before anything leaves the machine, say where it goes."""
        if len(plan.todo):
            context.observer.say(f"embed: sending the texts of {len(plan.todo)} entities to {address}, model {model}")
        return plan.todo.select(["entity_id"])

    job = Job(
        stage="embed",
        what=space,
        config_id=made,
        record={"config_id": made, "model_name": space, "base_url": address.url, WHOM: context.max_entities, **config},
        table="embeddings",
        scope=scope,
        key=KEY,
        wanted=hashes.append_column("k", pa.array([0] * len(hashes), pa.int32())),
        rows_in=len(hashes),
        related_scope={"dataset": context.dataset, "model": space},
        complete=context.max_entities is None,
        inputs=f"SELECT texts.* FROM texts SEMI JOIN todo USING (entity_id) WHERE {chosen.condition} "
        "ORDER BY entity_id, variant",
        commit_seconds=COMMIT_SECONDS,
        setup=partial(_set_up, model, options, space, _kept_canaries(context, space)),
        prepare=prepare,
        committers={"canaries": partial(_keep_canaries, context)},
        finish=lambda run: "; ".join(
            [what_is_cut(context.store, scope, options), *how_kept(store, scope, options), *_cost(context, run)]
        ),
        amount=lambda plan: Amount(len(plan.todo), "texts"),
        spent=lambda run: Amount(run.record.rows_computed, "texts", tokens=read_by(context, run)),
        like={"endpoint": model, "base_url": address.url, "max_length": options.max_length},
        stand_ins=of_embeddings(options, load, "", options.dims or 0) | {"pooling": ENDPOINT},
    )
    return incremental(context, job)


def _refuse_loading(load: LoadOptions) -> None:
    """Raise for a choice of how a model is loaded: the server has loaded its own."""
    for name, setting in LoadOptions.settings().items():
        if setting.changes_result and getattr(load, name) != setting.default:
            raise OptionError(f"{setting.flag} {getattr(load, name)} with --engine openai: the server loads its model")


def configuration(model: str, options: EmbedOptions, texts: Texts) -> dict[str, Any]:
    """What the ``config_id`` of a server's vectors is made from: the name that it knows, options, texts."""
    return {"model": {"endpoint": model}, "options": options.fingerprint(), "texts": texts.pairs}


def space_served(context: Context, model: str) -> str:
    """The model's name; another one where vectors of a model in this process, or imported ones, have it."""
    query = f"SELECT 1 FROM embeddings WHERE {where({'model': model})} AND pooling <> '{ENDPOINT}' LIMIT 1"
    return f"{model}+openai" if context.store.sql(query).fetchall() else model


def _kept_canaries(context: Context, space: str) -> list[dict[str, Any]]:
    """The vectors of the fixed texts at the first use of a model; none: it was not asked yet."""
    query = f"SELECT * FROM canaries WHERE {where({'model': space})}"
    rows: list[dict[str, Any]] = context.store.sql(query).to_arrow_table().to_pylist()
    return rows


def _set_up(model: str, options: EmbedOptions, space: str, kept: list[dict[str, Any]]) -> Work:
    """A client of the server, and the pure stage around it."""
    from ..embed.by_server import embed_by_server
    from ..embed.endpoint import Endpoint
    from ..embed.smaller_vectors import smaller
    from ..servers import open_server

    server = open_server(options.base_url, options.timeout, max(16, options.batch_inputs) << 20)  # a MB a vector
    endpoint = Endpoint(server, model, options.dims, len(kept[0]["vector"]) if kept else None)

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        now = _canaries(endpoint, space, options)
        _changes(kept, now)  # before anybody's text goes out
        yield [TableRows("canaries", now)]
        fingerprint = now["fingerprint"][0].as_py()
        for rows in embed_by_server(batches, endpoint, space, fingerprint, options, as_increments(advance)):
            yield [TableRows("embeddings", smaller(rows, options.store_as), KEY)]

    return work


def _canaries(endpoint: "Endpoint", space: str, options: EmbedOptions) -> pa.Table:
    """The whole vectors of the fixed texts: whether the server answers, with how many numbers, and as before."""
    from ..embed.drift import TEXTS
    from ..embed.endpoint_check import checked_vectors

    reply = checked_vectors(endpoint, TEXTS, together=max(options.batch_inputs, options.concurrency) > 1)
    fingerprint = text_hash(canonical_json({"endpoint": endpoint.model, "dim": reply.vectors.shape[1]}))
    rows: list[dict[str, Any]] = [
        {
            "model": space,
            "fingerprint": fingerprint,
            "text": name,
            "vector": vector,
            "device": endpoint.url,
            "versions": json.dumps({"model": reply.served_by or endpoint.model}),
        }
        for name, vector in zip(TEXTS, reply.vectors, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=CANARIES)


def _keep_canaries(context: Context, run: "Run", now: pa.Table) -> None:
    """Keep the vectors of the fixed texts at the first use of a model; later compare, and warn when they moved.

    They are looked up anew: another run may have been the first meanwhile.
    """
    space, fingerprint = now["model"][0].as_py(), now["fingerprint"][0].as_py()
    before = [row for row in _kept_canaries(context, space) if row["fingerprint"] == fingerprint]
    if not before:
        run.replace("canaries", {"model": space, "fingerprint": fingerprint}, now)
    for change in _changes(before, now):
        context.observer.warn(str(change))


def _changes(before: list[dict[str, Any]], now: pa.Table) -> "list[Drift]":
    """The fixed texts whose vectors moved.

    Vectors of another model never go beside those of the first: a name is all that a server says of its model.
    """
    from ..embed.drift import drifted

    changes = drifted(before, now.combine_chunks().to_batches()[0], 1, ROUNDING)
    for change in changes:
        if change.distance > ANOTHER_MODEL:
            raise ModelError(
                f"{now['device'][0].as_py()} gives other vectors for model {now['model'][0].as_py()!r} than the store "
                f"holds (text {change.text!r}, cosine distance {change.distance:.2g}): serve the model that made "
                "those, serve this one under a name of its own, or take another --store"
            )
    return changes


def _cost(context: Context, run: "Run") -> list[str]:
    """Tokens that this run has had read, as the server counts them, in a sentence."""
    ((entities, tokens, unknown),) = context.store.sql(
        f"""SELECT count(*), coalesce(sum(n_tokens), 0)::BIGINT, count(*) FILTER (n_tokens IS NULL)
        FROM embeddings WHERE {where({"run_id": run.run_id})}"""
    ).fetchall()
    if not entities:
        return []
    if unknown:
        return [f"the server does not say how many tokens it read for {unknown} entities"]
    return [f"the server read {tokens:,} tokens for {entities} entities"]
