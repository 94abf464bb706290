"""``llm4es enrich``: texts to more texts."""

import time
from typing import Annotated

import typer

from llm4es.config import EnrichBy, EnrichOptions

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
from ..screen import Screen
from ..selection import RAW, choose_texts, entities_sql, raw_config
from ..work import Outcome, Work, show_outcomes

_ENTITIES_AT_ONCE = 2048


def enrich(
    recipe: RecipeArgument,
    by: Annotated[EnrichBy, typer.Option("--by", help="Other formats of the same events, or a model's rewriting.")] = (
        EnrichOptions.by
    ),
    variants: Annotated[int, typer.Option("--variants", min=1, help="Texts an entity.")] = EnrichOptions.variants,
    formats: Annotated[str, typer.Option("--formats", help="Formats or prompts to choose from; default: all.")] = "",
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
    """
    options = EnrichOptions(by=by, variants=variants, formats=names(formats), seed=seed)
    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=dry_run)
    show_outcomes([enrich_stage(work, options)], format_, dry_run=dry_run)


def enrich_stage(work: Work, options: EnrichOptions) -> Outcome:
    """Rewrite the raw texts whose variants are missing, or were made from other texts."""
    import pyarrow as pa
    from llm4es.enrich import enrich as rewrite
    from llm4es.enrich import planned_variants

    from llm4es.fingerprint import config_id

    began = time.monotonic()
    base = raw_config(work.store, work.dataset)
    raw = choose_texts(work.store, work.dataset, (RAW,))
    entities = entities_sql(work.dataset, base, work.max_entities)
    hashes = work.store.sql(raw.hashes_sql(entities)).to_arrow_table()
    planned = planned_variants(hashes["entity_id"], options)  # (entity_id, variant)
    wanted = pa.table(planned).join(hashes, "entity_id").sort_by([("entity_id", "ascending"), ("variant", "ascending")])
    config = {"base": base, "options": options.fingerprint()}
    made_by = config_id(config)
    scope = {"dataset": work.dataset, "config_id": made_by}
    plan = work.store.plan("texts", scope, wanted, ("entity_id", "variant"), complete=work.max_entities is None)
    what = str(options.by)
    if work.dry_run:
        return Outcome("enrich", what, len(wanted), len(plan.todo), plan.reused, plan.reasons, 0.0, made_by)
    found = sorted(set(wanted["variant"].to_pylist()))
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
            for batch in reader:
                rows = pa.Table.from_batches(rewrite([batch], options))
                run.record.rows_computed += run.append("texts", scope, rows, ("entity_id", "variant"))
                done(batch.num_rows)
        seconds = time.monotonic() - began
        return Outcome(
            "enrich", what, len(wanted), run.record.rows_computed, plan.reused, plan.reasons, seconds, made_by
        )
