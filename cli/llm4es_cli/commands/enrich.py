"""``llm4es enrich``: texts to more texts."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.options import EngineName, EnrichBy, EnrichOptions, LoadOptions

from ..options import (
    DEFAULT_STORE,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    RecipeArgument,
    SeedOption,
    StoreOption,
    names,
)
from ..registry import stored_models
from ..screen import Screen
from ..selection import RAW, choose_texts, entities_sql, raw_config
from ..work import Outcome, Work, show_outcomes
from .embed import DeviceOption, DtypeOption, LoadInOption, TrustOption

if TYPE_CHECKING:
    from llm4es.models.ref import ModelRef

_ENTITIES_AT_ONCE = 2048


def enrich(
    recipe: RecipeArgument,
    by: Annotated[EnrichBy, typer.Option("--by", help="Other formats of the same events, or a model's rewriting.")] = (
        EnrichOptions.by
    ),
    variants: Annotated[int, typer.Option("--variants", min=1, help="Texts an entity.")] = EnrichOptions.variants,
    formats: Annotated[str, typer.Option("--formats", help="Formats or prompts to choose from; default: all.")] = "",
    group_by: Annotated[str, typer.Option("--group-by", help="By rules: field that 'grouped' groups by.")] = "",
    model: Annotated[
        str, typer.Option("--model", "-m", help="By llm: who rewrites; for a server, the name it knows.")
    ] = EnrichOptions.model,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="By llm: a model in this process, or an OpenAI-compatible server.")
    ] = EnrichOptions.engine,
    base_url: Annotated[
        str, typer.Option("--base-url", help="By llm, openai: the server; the key comes from $OPENAI_API_KEY.")
    ] = "",
    temperature: Annotated[float, typer.Option("--temperature", min=0, help="By llm: 0 takes the likeliest token.")] = (
        EnrichOptions.temperature
    ),
    top_p: Annotated[float, typer.Option("--top-p", min=0, max=1, help="By llm: nucleus of the sampling.")] = (
        EnrichOptions.top_p
    ),
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", min=1, help="By llm: tokens an answer.")] = (
        EnrichOptions.max_new_tokens
    ),
    min_fidelity: Annotated[
        float, typer.Option("--min-fidelity", min=0, max=1, help="By llm: share of events an answer must keep.")
    ] = EnrichOptions.min_fidelity,
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="By llm: tries before a rule text takes its place.")
    ] = EnrichOptions.retries,
    context: Annotated[
        int, typer.Option("--context", min=1, help="By llm, openai: tokens a question and its answer may have.")
    ] = EnrichOptions.context,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, help="By llm, openai: requests on their way at once.")
    ] = EnrichOptions.concurrency,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="By llm, transformers: answers computed at once.")
    ] = EnrichOptions.batch_size,
    load_in: LoadInOption = LoadOptions.load_in,
    dtype: DtypeOption = LoadOptions.dtype,
    device: DeviceOption = LoadOptions.device,
    trust_remote_code: TrustOption = False,
    seed: SeedOption = EnrichOptions.seed,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write more texts an entity: the same events in other formats, or rewritten by a model and checked.

    Examples:

        llm4es enrich movielens-100k --by rules --variants 2

        llm4es enrich movielens-100k --by rules --formats json,markdown_table --dry-run

        llm4es enrich movielens-100k --by llm --model Qwen/Qwen2.5-0.5B-Instruct --formats table --variants 1

        llm4es enrich movielens-100k --by llm --engine openai --base-url http://127.0.0.1:8000/v1 --model served-name
    """
    options = EnrichOptions(
        by=by,
        variants=variants,
        formats=names(formats),
        seed=seed,
        group_by=group_by,
        engine=engine,
        model=model,
        base_url=base_url,
        temperature=temperature,
        top_p=top_p,
        max_new_tokens=max_new_tokens,
        min_fidelity=min_fidelity,
        retries=retries,
        context=context,
        concurrency=concurrency,
        batch_size=batch_size,
    )
    load = LoadOptions(load_in=load_in, dtype=dtype, device=device, trust_remote_code=trust_remote_code)
    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=dry_run)
    show_outcomes([enrich_stage(work, options, load)], format_, dry_run=dry_run)


def enrich_stage(work: Work, options: EnrichOptions, load: LoadOptions | None = None) -> Outcome:
    """Rewrite the raw texts whose variants are missing, or were made from other texts."""
    import pyarrow as pa

    from llm4es.core.hashing import config_id
    from llm4es.enrich import enrich as rewrite
    from llm4es.enrich import open_engine
    from llm4es.enrich.tally import Tally
    from llm4es.enrich.variants import fingerprint, planned_variants
    from llm4es.serialize.formats import field_named, parse

    began = time.monotonic()
    base = raw_config(work.store, work.dataset)
    raw = choose_texts(work.store, work.dataset, (RAW,))
    entities = entities_sql(work.dataset, base, work.max_entities)
    hashes = work.foreseen(work.store.sql(raw.hashes_sql(entities)).to_arrow_table())
    if options.group_by:
        for (text,) in work.store.sql(f"SELECT text FROM texts WHERE {raw.condition} LIMIT 1").fetchall():
            field_named(parse(text).headers, options.group_by)
    planned = planned_variants(hashes["entity_id"], options)  # (entity_id, variant)
    wanted = pa.table(planned).join(hashes, "entity_id").sort_by([("entity_id", "ascending"), ("variant", "ascending")])
    model_ref = _model(work, options)
    config = {"base": base, "options": fingerprint(options, load, model_ref)}
    made_by = config_id(config)
    scope = {"dataset": work.dataset, "config_id": made_by}
    plan = work.store.plan("texts", scope, wanted, ("entity_id", "variant"), complete=work.max_entities is None)
    what = str(options.by)
    if work.dry_run:
        return Outcome("enrich", what, len(wanted), len(plan.todo), plan.reused, plan.why, 0.0, made_by)
    found = sorted(set(wanted["variant"].to_pylist()))
    tally = Tally()
    with work.run("enrich", {"config_id": made_by, "variants": found, **config}) as run:
        run.follow(plan)
        run.record.rows_in, run.record.rows_reused = len(hashes), plan.reused
        if len(plan.stale):
            run.drop("texts", scope, plan.stale)
        todo = plan.todo.group_by("entity_id", use_threads=False).aggregate([]).combine_chunks()
        with work.store.connect() as connection, work.screen.progress("enrich", len(todo), "entities") as done:
            connection.register("todo", todo)
            reader = connection.sql(
                f"SELECT texts.* FROM texts SEMI JOIN todo USING (entity_id) WHERE {raw.condition} ORDER BY entity_id"
            ).to_arrow_reader(_ENTITIES_AT_ONCE)
            engine = open_engine(options, load, model_ref) if len(todo) and options.by is EnrichBy.LLM else None
            missing = plan.todo.select(["entity_id", "variant"])
            for batch in rewrite(reader, options, engine, missing):
                rows = pa.Table.from_batches([batch])
                run.record.rows_computed += run.append("texts", scope, rows, ("entity_id", "variant"))
                done(len(set(rows["entity_id"].to_pylist())))
                for value, note in zip(rows["fidelity"].to_pylist(), rows["note"].to_pylist(), strict=True):
                    if value is not None:
                        tally.add(value, note)
        if tally.rewritings:
            run.record.message = str(tally)
            work.screen.say(f"enrich: {tally}")
        seconds = time.monotonic() - began
        return Outcome("enrich", what, len(wanted), run.record.rows_computed, plan.reused, plan.why, seconds, made_by)


def _model(work: Work, options: EnrichOptions) -> "ModelRef | None":
    """The model that rewrites in this process, looked up once; None by rules and for a server."""
    if options.by is EnrichBy.RULES or options.engine is not EngineName.TRANSFORMERS:
        return None
    from llm4es.models.resolve import resolve

    return resolve(options.model, stored_models(work.store))
