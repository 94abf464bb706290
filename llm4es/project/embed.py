"""The step ``embed``: texts of the store to vectors in it.

In: a context, a model, options. Out: rows of ``embeddings`` (and of ``layers`` where they are kept). The first use of a
model keeps the vectors of three fixed texts; later uses compare, and warn when they moved. Knows no screen.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.hashing import config_id
from ..core.phases import importing
from ..core.plan import Plan
from ..embed.prompts import Asked, PromptSet
from ..models.architecture import check_predicts
from ..models.devices import number_format
from ..models.placement import as_found_here, where_it_runs
from ..models.ref import (
    ModelRef,
    check_dims,
    check_length,
    effective_k,
)
from ..models.sentence_modules import SentenceModules, read_modules
from ..models.wrong_before import wrong_before
from ..options import UNSAID, EmbedOptions, EngineName, History, Layers, LoadOptions, Pooling, WorkerOptions
from .align import Alignment
from .canaries import UNCOMPILED, keep_canaries, say_uncompiled
from .context import Context
from .control_texts import EVERYBODY, RECORDED, SOME, outdated, read_as_control
from .costs import Amount, like_model
from .cut_histories import what_is_cut
from .embed_endpoint import embed_endpoint
from .embed_events import embed_events
from .embed_executor import embed_executor
from .executor import Increment, TableRows, Work
from .first_look import first_look
from .given_prompts import given_prompts, recorded_prompt
from .how_kept import how_kept
from .incremental import Job, incremental
from .observer import Advance, as_increments
from .outcome import Outcome
from .places import ORIGIN, place_of
from .read_anew import PLAIN, read_anew
from .read_anew import RECORDED as STATES
from .selection import WHOM, Texts, choose_texts, entities_sql
from .spaces import space_of
from .stand_ins import of_embeddings
from .stored_models import resolved
from .token_counts import frames_of, read_by, to_embed

if TYPE_CHECKING:
    from llm4es_store import Run


KEY, LAYERS_KEY = ("entity_id", "k"), ("entity_id", "layer")


def embed(
    context: Context, model: str | ModelRef, load: LoadOptions, options: EmbedOptions, working: WorkerOptions = UNSAID
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
    working : WorkerOptions, optional
        Where they are read, and by how many; by default as the context's executor says.

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
        return embed_endpoint(context, model if isinstance(model, str) else model.name, load, options, working)
    if options.history is History.EVENTS:
        return embed_events(context, model, load, options, working)
    context = context.working(working)
    store = context.store
    context.say_cutoff("embed")
    chosen = choose_texts(store, context.dataset, options.texts, context.which)
    ref = resolved(store, model)
    check_length(ref, options.max_length)
    modules, prompts = _modules(ref, options), _asked(ref, options)
    check_dims(ref.name, modules.dim if modules else ref.dim, options.dims)
    origin = place_of(model, ref)
    space = space_of(context, ref, load, origin)
    config = configuration(ref, options, space.fingerprint, chosen)
    scope = {"dataset": context.dataset, "model": space.name, "config_id": config_id(config)}
    entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    hashes = store.sql(chosen.hashes_sql(entities)).to_arrow_table()
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

    def drop_besides(run: "Run", plan: Plan) -> None:
        """Drop what was made wrongly, and layers of other texts."""
        if space.wrong:
            for table in ("embeddings", "layers"):
                run.delete(table, {"dataset": context.dataset, "model": space.name}, space.replaced)
        if len(plan.stale) and store.table("layers") is not None:
            run.drop("layers", scope, plan.stale)

    def prepare(run: "Run", plan: Plan) -> pa.Table:
        """Find out whose layers lack besides."""
        drop_besides(run, plan)
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
            ORIGIN: origin,
            "k": depths,
            RECORDED: EVERYBODY if context.max_entities is None else SOME,
            STATES: PLAIN,
            WHOM: context.max_entities,
            **(recorded_prompt(options.prompt, prompts) if prompts else {}),
            **config,
        },
        table="embeddings",
        scope=scope,
        key=KEY,
        wanted=wanted,
        rows_in=len(hashes),
        related_scope=space.related(context.dataset),
        complete=complete,
        unseen=space.reason,
        anew=anew,
        inputs=f"SELECT texts.* FROM texts SEMI JOIN todo USING (entity_id) WHERE {chosen.condition} "
        "ORDER BY entity_id, variant",
        setup=partial(_set_up, ref, as_found_here(load), options, prompts, space.name),
        prepare=prepare,
        executor=partial(embed_executor, context, ref, load, options, chosen.condition),
        committers={
            "canaries": partial(keep_canaries, context, ref, load, wrong),
            UNCOMPILED: partial(say_uncompiled, context, set()),
        },
        finish=lambda run: "; ".join(
            [what_is_cut(context.store, scope, options), *how_kept(context.store, scope, options)]
        ),
        amount=lambda plan: to_embed(
            context, ref, load, options, chosen.condition, plan.todo, frames_of(prompts, modules)
        ),
        spent=lambda run: Amount(read_by(context, run)),
        like=like_model(ref, load, reads="texts"),
        stand_ins=of_embeddings(options, load, space.fingerprint, modules.dim if modules else ref.dim),
        besides=drop_besides,
    )
    if options.align_to is None:
        return incremental(context, job)
    aligned = Alignment.of(context, job, options.align_to, options.store_as)
    return aligned.outcome(incremental(context, job))


def configuration(ref: ModelRef, options: EmbedOptions, space: str, texts: Texts) -> dict[str, Any]:
    """What the ``config_id`` of vectors of whole texts is made from.

    Parameters
    ----------
    ref : ModelRef
        What reads them.
    options : EmbedOptions
        How.
    space : str
        Fingerprint of the space.
    texts : Texts
        What is read.

    Returns
    -------
    dict
        Plain values.
    """
    modules, prompts = _modules(ref, options), _asked(ref, options)
    config: dict[str, Any] = {"model": space, "options": options.fingerprint(), "texts": texts.pairs}
    config |= {"modules": modules.fingerprint} if modules else {}
    return config | ({"prompt": prompts.fingerprint} if prompts else {})


def _modules(ref: ModelRef, options: EmbedOptions) -> SentenceModules | None:
    """The model's own pooling, where that is asked for."""
    return read_modules(ref.folder, ref.name, ref.dim) if options.pooling is Pooling.MODEL else None


def _asked(ref: ModelRef, options: EmbedOptions) -> PromptSet | None:
    """What is asked about histories; ModelError where the model predicts no next token."""
    if options.prompt is None:
        return None
    check_predicts(ref, "asked")
    return given_prompts(options.prompt, Asked.HISTORIES)


def _set_up(ref: ModelRef, load: LoadOptions, options: EmbedOptions, prompts: PromptSet | None, space: str) -> Work:
    """The model in memory, and the pure stage around it."""
    with importing("torch"):
        from ..embed import embed as embed_texts
        from ..embed.compiled import compile_layers
        from ..embed.embed import embed_layers
        from ..embed.smaller_vectors import smaller
        from ..models import load_model

    model = load_model(ref, load, space)
    why = compile_layers(model, options) if options.compile else ""
    now, sized = first_look(model, options)
    first = [TableRows("canaries", pa.Table.from_batches([now]))]  # told once, however many portions are read here
    first += [TableRows(UNCOMPILED, pa.table({"why": [why]}))] if why else []

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        while first:
            yield [first.pop()]
        so_far = as_increments(advance)
        if options.layers is Layers.KEEP:
            for rows, layers in embed_layers(batches, model, sized, so_far, ordered=False, prompts=prompts):
                kept = TableRows("layers", smaller(layers, options.store_as), LAYERS_KEY)
                yield [kept, TableRows("embeddings", smaller(rows, options.store_as), KEY)]
        else:
            for rows in embed_texts(batches, model, sized, so_far, ordered=False, prompts=prompts):
                yield [TableRows("embeddings", smaller(rows, options.store_as), KEY)]

    return work
