"""``llm4es embed``: texts to vectors."""

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.options import Attention, Device, Dtype, EmbedOptions, History, LoadIn, LoadOptions, Pooling

from ..committing import batched, beside
from ..options import (
    DEFAULT_STORE,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    RecipeArgument,
    StoreOption,
    layers,
    names,
)
from ..registry import stored_models
from ..screen import Screen, steps
from ..selection import choose_texts, entities_sql, raw_config
from ..work import Outcome, Work, show_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.core.plan import Plan
    from llm4es.models.load import Model
    from llm4es_store import Run

DeviceOption = Annotated[Device, typer.Option("--device", help="Where the model runs; auto takes CUDA where there is.")]
DtypeOption = Annotated[Dtype, typer.Option("--dtype", help="Number format of weights and activations.")]
LoadInOption = Annotated[LoadIn, typer.Option("--load-in", help="Quantise the weights (the extra `quant`).")]
AttentionOption = Annotated[
    Attention, typer.Option("--attention", help="Implementation of attention: they differ by rounding only.")
]
TrustOption = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the model. Only if you trust it.")
]
ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="Built-in name, model of the store, Hugging Face id, folder or .gguf file.")
]
KOption = Annotated[str, typer.Option("--k", help="Last layers averaged; several from one pass, e.g. 1,8,all.")]
MaxLengthOption = Annotated[int, typer.Option("--max-length", min=2, help="Tokens a window.")]
HistoryOption = Annotated[
    History, typer.Option("--history", help="Texts over --max-length: cut between events, or read window by window.")
]

DEFAULT_MODEL = "smollm2-135m"
DEFAULT_K = "1,8"


class Layers(StrEnum):
    """Whether each layer's own vector is kept."""

    DROP = "drop"
    KEEP = "keep"


_ENTITIES_AT_ONCE = 64
"""Entities read from the store at a time: lengths are sorted within such a chunk, rows committed after it."""


def embed(
    recipe: RecipeArgument,
    model: ModelOption = DEFAULT_MODEL,
    k: KOption = DEFAULT_K,
    texts: Annotated[str, typer.Option("--texts", help="raw, all, or variants by name; several are averaged.")] = "raw",
    pooling: Annotated[Pooling, typer.Option("--pooling", help="How token states become one vector.")] = (
        EmbedOptions.pooling
    ),
    max_length: MaxLengthOption = EmbedOptions.max_length,
    history: HistoryOption = EmbedOptions.history,
    batch_tokens: Annotated[
        int, typer.Option("--batch-tokens", min=1, help="Tokens a forward pass: the bound on memory.")
    ] = EmbedOptions.batch_tokens,
    keep_layers: Annotated[
        Layers, typer.Option("--layers", help="keep: also store each layer's vector, so that any k is SQL later.")
    ] = Layers.DROP,
    load_in: LoadInOption = LoadOptions.load_in,
    dtype: DtypeOption = LoadOptions.dtype,
    device: DeviceOption = LoadOptions.device,
    attention: AttentionOption = LoadOptions.attention,
    trust_remote_code: TrustOption = False,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Turn texts into one vector an (entity, model, k), all k from one forward pass.

    Examples:

        llm4es embed movielens-100k --k 1,8,all

        llm4es embed movielens-100k --model Qwen/Qwen2.5-0.5B-Instruct --history full --load-in 8bit

        llm4es embed movielens-100k --texts all --dry-run
    """
    options = EmbedOptions(
        k=layers(k),
        pooling=pooling,
        texts=names(texts),
        max_length=max_length,
        history=history,
        batch_tokens=batch_tokens,
    )
    load = LoadOptions(
        load_in=load_in, dtype=dtype, device=device, attention=attention, trust_remote_code=trust_remote_code
    )
    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=dry_run)
    stage = embed_stage(work, model, load, options, keep_layers=keep_layers is Layers.KEEP)
    show_outcomes([stage], format_, dry_run=dry_run)


def embed_stage(
    work: Work, model_name: str, load: LoadOptions, options: EmbedOptions, *, keep_layers: bool = False
) -> Outcome:
    """Embed the entities whose vectors are missing, or were made from other texts."""
    import pyarrow as pa

    from llm4es.core.hashing import config_id
    from llm4es.core.plan import Reason
    from llm4es.models.ref import check_length, space_fingerprint, space_name
    from llm4es.models.resolve import resolve

    began = time.monotonic()
    chosen = choose_texts(work.store, work.dataset, options.texts)
    stored = stored_models(work.store)
    ref = resolve(model_name, stored)
    check_length(ref, options.max_length)
    spaces = work.store.sql("SELECT DISTINCT model, fingerprint FROM embeddings").fetchall()
    # A model of the store keeps its name when it is tuned anew; another folder of the same name is another model.
    space = space_name(ref, load, None if model_name in stored else dict(spaces))
    fingerprint = space_fingerprint(ref, load)
    config = {"model": fingerprint, "options": options.fingerprint(), "texts": chosen.pairs}
    made_by = config_id(config)
    scope = {"dataset": work.dataset, "model": space, "config_id": made_by}
    kin = {"dataset": work.dataset, "model": space}

    entities = entities_sql(work.dataset, raw_config(work.store, work.dataset), work.max_entities)
    hashes = work.foreseen(work.store.sql(chosen.hashes_sql(entities)).to_arrow_table())
    depths = sorted({min(k or ref.n_layers, ref.n_layers) for k in options.k})
    wanted = pa.concat_tables(
        [hashes.append_column("k", pa.array([k] * len(hashes), pa.int32())) for k in depths]
    )  # (entities x k)
    drifted = any(live == space and old != fingerprint for live, old in spaces)
    plan = work.store.plan(
        "embeddings",
        scope,
        wanted,
        ("entity_id", "k"),
        kin=kin,
        complete=work.max_entities is None,
        unseen=Reason.MODEL if drifted else Reason.CONFIG,
    )
    if work.dry_run:
        return Outcome("embed", space, len(wanted), len(plan.todo), plan.reused, plan.why, 0.0, made_by)
    record = {"config_id": made_by, "model_name": space, "revision": ref.revision, "k": depths, **config}
    with work.run("embed", record) as run:
        run.follow(plan)
        run.record.rows_in, run.record.rows_reused = len(hashes), plan.reused
        if drifted:  # the name stands for other weights now: two spaces never live under one name
            run.delete("embeddings", kin, f"fingerprint <> '{fingerprint}'")
        for table in ("embeddings", "layers"):
            if len(plan.stale) and work.store.table(table) is not None:
                run.drop(table, scope, plan.stale)
        if drifted:
            run.delete("layers", kin, f"fingerprint <> '{fingerprint}'")
        todo = plan.todo.select(["entity_id"])
        if keep_layers:
            layers_plan = work.store.plan(
                "layers", scope, hashes, ("entity_id",), complete=work.max_entities is None, one_of="layer = 1"
            )
            run.drop("layers", scope, layers_plan.stale)
            todo = pa.concat_tables([todo, layers_plan.todo.select(["entity_id"])])
        if len(todo):
            run.begin()
            _compute(work, run, plan, todo, chosen.condition, model_name, load, options, keep_layers=keep_layers)
        run.record.message = _what_is_cut(work, scope, options)
        work.screen.say(f"embed {space}: {run.record.message}")
        return Outcome(
            "embed",
            space,
            len(wanted),
            run.record.rows_computed,
            plan.reused,
            plan.why,
            time.monotonic() - began,
            made_by,
        )


def _what_is_cut(work: Work, scope: dict[str, str], options: EmbedOptions) -> str:
    """How many entities' vectors lack a part of their history, in a sentence."""
    from llm4es.core.sql import where

    ((entities, cut, tokens, events),) = work.store.sql(
        f"""SELECT count(*), count(*) FILTER (n_tokens_dropped > 0 OR n_events_dropped > 0),
        coalesce(sum(n_tokens_dropped), 0), coalesce(sum(n_events_dropped), 0)
        FROM (SELECT DISTINCT ON (entity_id) * FROM embeddings WHERE {where(scope)})"""
    ).fetchall()
    if not cut:
        return f"the vectors hold the whole history of all {entities} entities"
    more = "" if options.history is History.FULL else "; --history full reads all of a text, window by window"
    lost = f"{int(tokens)} tokens, {int(events)} events of theirs are in no vector"
    return f"{cut} of {entities} entities ({cut / entities:.0%}) are cut: {lost}{more}"


def _compute(
    work: Work,
    run: "Run",
    plan: "Plan",
    todo: "pa.Table",
    texts: str,
    model_name: str,
    load: LoadOptions,
    options: EmbedOptions,
    *,
    keep_layers: bool,
) -> None:
    """Embed the entities of ``todo``, committing as it goes."""

    from llm4es.embed import embed as embed_texts
    from llm4es.embed.embed import embed_layers
    from llm4es.models import load_model
    from llm4es.models.resolve import resolve

    todo = todo.group_by("entity_id", use_threads=False).aggregate([]).combine_chunks()
    work.screen.say(f"embed: loading {model_name}")
    model = load_model(resolve(model_name, stored_models(work.store)), load, str(plan.scope["model"]))
    _check_canaries(work, run, model, load)
    work.screen.say(f"embed: {len(todo)} entities on {model.device}")
    with work.store.connect() as connection, work.screen.progress(f"embed {model_name}", len(todo), "entities") as done:
        connection.register("todo", todo)
        reader = connection.sql(
            f"SELECT texts.* FROM texts SEMI JOIN todo USING (entity_id) WHERE {texts} ORDER BY entity_id, variant"
        ).to_arrow_reader(_ENTITIES_AT_ONCE)
        if keep_layers:
            both = embed_layers(reader, model, options, steps(done))
            beside(both, lambda made: _append_both(run, plan, *made))
        else:
            beside(batched(embed_texts(reader, model, options, steps(done))), lambda rows: _append(run, plan, rows))


def _append_both(run: "Run", plan: "Plan", rows: "pa.RecordBatch", layers: "pa.RecordBatch") -> None:
    """Commit each layer's vectors, then the rows made from them."""
    import pyarrow as pa

    run.append("layers", plan.scope, pa.Table.from_batches([layers]), ("entity_id", "layer"))
    _append(run, plan, pa.Table.from_batches([rows]))


def _append(run: "Run", plan: "Plan", rows: "pa.Table") -> None:
    """Commit the rows that the plan asks for; a k that is there already stays."""
    from llm4es.core.entities import among

    rows = rows.filter(among(rows, plan.todo, ("entity_id", "k")))
    if len(rows):
        run.record.rows_computed += run.append("embeddings", plan.scope, rows, ("entity_id", "k"))


def _check_canaries(work: Work, run: "Run", model: "Model", load: LoadOptions) -> None:
    """The first use of a space keeps the vectors of three fixed texts; later uses compare, and warn when they moved."""
    import pyarrow as pa

    from llm4es.core.sql import where
    from llm4es.embed.drift import canaries, drifted
    from llm4es.models.devices import number_format

    now = canaries(model)
    scope = {"model": model.name, "fingerprint": model.fingerprint}
    before = work.store.sql(f"SELECT * FROM canaries WHERE {where(scope)}").to_arrow_table().to_pylist()
    if not before:
        run.replace("canaries", scope, pa.Table.from_batches([now]))
        return
    for change in drifted(before, now, model.ref.n_layers, number_format(load)):
        work.screen.warn(str(change))
