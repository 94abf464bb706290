"""The step ``embed``: texts of the store to vectors in it.

In: a context, a model, options. Out: rows of ``embeddings`` (and of ``layers`` where they are kept). The first use of a
model keeps the vectors of three fixed texts; later uses compare, and warn when they moved. Knows no screen.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.hashing import config_id
from ..core.plan import Plan, Reason
from ..core.sql import literal, where
from ..models.devices import number_format
from ..models.placement import where_it_runs
from ..models.ref import (
    ModelRef,
    check_dims,
    check_length,
    effective_k,
    load_fingerprint,
    space_fingerprint,
    space_name,
)
from ..models.sentence_modules import read_modules
from ..models.wrong_before import Wrong, wrong_before
from ..options import EmbedOptions, EngineName, Layers, LoadOptions, Pooling
from .context import Context
from .control_texts import EVERYBODY, RECORDED, SOME, outdated, read_as_control
from .cut_histories import what_is_cut
from .embed_endpoint import embed_endpoint
from .embed_executor import embed_executor
from .executor import Increment, TableRows, Work
from .how_kept import how_kept
from .incremental import Job, incremental
from .observer import Advance, as_increments
from .outcome import Outcome
from .read_anew import PLAIN, read_anew, runs_that_read_plainly
from .read_anew import RECORDED as STATES
from .selection import choose_texts, entities_sql
from .stored_models import resolved, stored_models

if TYPE_CHECKING:
    from llm4es_store import Run

    from ..models.load import Model

KEY, LAYERS_KEY = ("entity_id", "k"), ("entity_id", "layer")

UNCOMPILED = "uncompiled"
"""No table: under this name whoever reads texts tells why layers were not compiled."""

PASS_SECONDS = 7.0
"""Seconds that a forward pass may take at most: what is read in one is lost by a kill in it."""


@dataclass(frozen=True)
class Space:
    """The space that a model's vectors live in, and what it means for the vectors that are there."""

    name: str
    """What tables call it."""

    fingerprint: str
    """Of weights, number format and quantization."""

    moved: bool
    """Whether the name stood for other weights until now: two spaces never live under one name."""


def embed(
    context: Context, model: str | ModelRef, load: LoadOptions, options: EmbedOptions, workers: int | None = None
) -> Outcome:
    """Embed the entities whose vectors are missing, or were made from other texts.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    model : str or ModelRef
        What reads the texts.
    load : LoadOptions
        How it is loaded.
    options : EmbedOptions
        Which k, texts and pooling, and how long histories are read.
    workers : int, optional
        Processes that read them; None: as the context's executor says.

    Returns
    -------
    Outcome
        Vectors wanted, computed and reused, and why.

    Raises
    ------
    StoreError
        Where there are no texts.
    ModelError
        For a model that is not found or cannot be loaded, and windows longer than its context.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions, LoadOptions
    >>> embed(context, folder, LoadOptions(), EmbedOptions.of(k=1, max_length=64))
    embed model: 0 computed, 20 reused (nothing to do), ...
    """
    if options.engine is EngineName.OPENAI:
        return embed_endpoint(context, model if isinstance(model, str) else model.name, load, options, workers)
    context = context.with_workers(workers)
    store = context.store
    context.say_cutoff("embed")
    chosen = choose_texts(store, context.dataset, options.texts, context.which)
    ref = resolved(store, model)
    check_length(ref, options.max_length)
    modules = read_modules(ref.folder, ref.name, ref.dim) if options.pooling is Pooling.MODEL else None
    check_dims(ref.name, modules.dim if modules else ref.dim, options.dims)
    space = _space(context, ref, load)
    config = {"model": space.fingerprint, "options": options.fingerprint(), "texts": chosen.pairs}
    config |= {"modules": modules.fingerprint} if modules else {}
    scope = {"dataset": context.dataset, "model": space.name, "config_id": config_id(config)}
    related = {"dataset": context.dataset, "model": space.name}
    entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    hashes = context.upstream.apply(store.sql(chosen.hashes_sql(entities)).to_arrow_table())
    depths = sorted(effective_k(options.k, ref.n_layers))
    wrong = wrong_before(ref.folder, options.max_length, number_format(load))
    anew = pa.concat_arrays(
        [
            read_as_control(context, scope, chosen, entities, ref),
            read_anew(context, scope, ref, wrong, depths),
        ]
    )
    hashes = outdated(hashes, anew)
    wanted = pa.concat_tables(
        [hashes.append_column("k", pa.array([k] * len(hashes), pa.int32())) for k in depths]
    )  # (entities x k)
    complete = context.max_entities is None

    def prepare(run: "Run", plan: Plan) -> pa.Table:
        """Drop what other weights made under this name, and layers of other texts; find out whose layers lack."""
        if space.moved:
            for table in ("embeddings", "layers"):
                run.delete(table, related, f"fingerprint <> {literal(space.fingerprint)}")
        if len(plan.stale) and store.table("layers") is not None:
            run.drop("layers", scope, plan.stale)
        todo = plan.todo.select(["entity_id"])
        if options.layers is Layers.KEEP:
            lacking = store.plan("layers", scope, hashes, ("entity_id",), complete=complete, row_filter="layer = 1")
            run.drop("layers", scope, lacking.stale)
            todo = pa.concat_tables([todo, lacking.todo.select(["entity_id"])])
        entities = todo.group_by("entity_id", use_threads=False).aggregate([]).combine_chunks()
        if len(entities):
            context.observer.say(
                f"embed: loading {ref.name}, for {len(entities)} entities on {where_it_runs(ref, load)}"
            )
            if modules and (said := modules.beside(options.max_length)):
                context.observer.say(f"embed: {ref.name} {said}")
        return entities

    job = Job(
        stage="embed",
        what=space.name,
        config_id=scope["config_id"],
        record={
            "config_id": scope["config_id"],
            "model_name": space.name,
            "revision": ref.revision,
            "k": depths,
            RECORDED: EVERYBODY if context.max_entities is None else SOME,
            STATES: PLAIN,
            **config,
        },
        table="embeddings",
        scope=scope,
        key=KEY,
        wanted=wanted,
        rows_in=len(hashes),
        related_scope=related,
        complete=complete,
        unseen=Reason.MODEL if space.moved else Reason.CONFIG,
        anew=anew,
        inputs=f"SELECT texts.* FROM texts SEMI JOIN todo USING (entity_id) WHERE {chosen.condition} "
        "ORDER BY entity_id, variant",
        setup=partial(_set_up, ref, load, options, space.name),
        prepare=prepare,
        executor=partial(embed_executor, context, ref, load, options, chosen.condition),
        committers={
            "canaries": partial(_keep_canaries, context, ref, load, wrong),
            UNCOMPILED: partial(_say_uncompiled, context, set()),
        },
        finish=lambda run: "; ".join(
            [what_is_cut(context.store, scope, options), *how_kept(context.store, scope, options)]
        ),
    )
    return incremental(context, job)


def _space(context: Context, ref: ModelRef, load: LoadOptions) -> Space:
    """The space of a model's vectors, and whether its name was another's."""
    rows = context.store.sql("SELECT DISTINCT dataset, model, fingerprint FROM embeddings").fetchall()
    fingerprint, former = space_fingerprint(ref, load), load_fingerprint(ref, load)
    # A model of the store keeps its name when it is tuned anew; another folder of the same name is another model.
    others = {model: other for _, model, other in rows if other != former}
    name = space_name(ref, load, None if ref.name in stored_models(context.store) else others)
    if "#" in name and name not in {model for _, model, _ in rows}:
        usual = name.partition("#")[0]
        context.observer.say(f"embed: {usual} stands for other weights in this store: those of {ref.folder} are {name}")
    here = {other for dataset, model, other in rows if (dataset, model) == (context.dataset, name)}
    if former in here - {fingerprint}:
        were = "were read in one direction" if ref.was_read_causally else "depended on the batch that read them"
        context.observer.say(f"embed: vectors of {name} {were}: they are computed anew")
    return Space(name, fingerprint, moved=bool(here - {fingerprint}))


def _set_up(ref: ModelRef, load: LoadOptions, options: EmbedOptions, space: str) -> Work:
    """The model in memory, and the pure stage around it."""
    from ..embed import embed as embed_texts
    from ..embed.batches import batch_tokens_within
    from ..embed.compiled import compile_layers
    from ..embed.embed import embed_layers
    from ..embed.smaller_vectors import smaller
    from ..models import load_model

    model = load_model(ref, load, space)
    why = compile_layers(model, options) if options.compile else ""
    now, rate = _measured(model)
    first = [TableRows("canaries", pa.Table.from_batches([now]))]  # told once, however many portions are read here
    first += [TableRows(UNCOMPILED, pa.table({"why": [why]}))] if why else []
    sized = replace(options, batch_tokens=batch_tokens_within(PASS_SECONDS, rate, options), compile=False)

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        while first:
            yield [first.pop()]
        so_far = as_increments(advance)
        if options.layers is Layers.KEEP:
            for rows, layers in embed_layers(batches, model, sized, so_far, ordered=False):
                kept = TableRows("layers", smaller(layers, options.store_as), LAYERS_KEY)
                yield [kept, TableRows("embeddings", smaller(rows, options.store_as), KEY)]
        else:
            for rows in embed_texts(batches, model, sized, so_far, ordered=False):
                yield [TableRows("embeddings", smaller(rows, options.store_as), KEY)]

    return work


def _measured(model: "Model") -> tuple[pa.RecordBatch, float]:
    """The vectors of the fixed texts, and how many tokens a second they took; a slow first time is measured again."""
    from ..embed.drift import TEXTS, canaries
    from ..inputs.tokenize import tokenize

    n_tokens = sum(len(tokens.ids) for tokens in tokenize(model.tokenizer, list(TEXTS.values())))
    rate = 0.0
    for _ in range(2):
        began = time.monotonic()
        rows = canaries(model)
        rate = max(rate, n_tokens / (time.monotonic() - began))
        if EmbedOptions.batch_tokens / rate <= PASS_SECONDS:
            break
    return rows, rate


def _say_uncompiled(context: Context, said: set[str], _run: "Run", rows: pa.Table) -> None:
    """Say once why layers were not compiled, however many processes tell it."""
    for why in {*rows["why"].to_pylist()} - said:
        context.observer.warn(f"--compile: the layers run as they are ({why})")
        said.add(why)


def _keep_canaries(
    context: Context, ref: ModelRef, load: LoadOptions, wrong: Wrong | None, run: "Run", now: pa.Table
) -> None:
    """Keep the vectors of the fixed texts at the first use of a space; later compare, and warn when they moved.

    Each process that reads texts tells its own: those of the first are kept, the others are compared with them. Those
    of a model that was read wrongly, from before, are replaced: they hold every layer, whatever k was asked for.
    """
    scope = {"model": now["model"][0].as_py(), "fingerprint": now["fingerprint"][0].as_py()}
    before = context.store.sql(f"SELECT * FROM canaries WHERE {where(scope)}").to_arrow_table().to_pylist()
    right = {run.run_id, *runs_that_read_plainly(context)} if wrong and before else set()
    if not before or (wrong and before[0]["run_id"] not in right):
        first = now.slice(0, pc.count_distinct(now["text"]).as_py())
        run.replace("canaries", scope, first)
        before, now = first.to_pylist(), now.slice(len(first))
    if not len(now):
        return
    from ..embed.drift import drifted

    for change in drifted(before, now.combine_chunks().to_batches()[0], ref.n_layers, number_format(load)):
        context.observer.warn(str(change))
