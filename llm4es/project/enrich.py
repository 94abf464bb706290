"""The step ``enrich``: raw texts of the store to more texts in it.

In: a context, options. Out: rows of ``texts`` under other variants. Knows no screen.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.plan import Plan
from ..enrich import enrich as rewrite
from ..enrich.metered import Cost, Metered
from ..enrich.tally import Tally
from ..enrich.unanswered import UnansweredError
from ..enrich.variants import fingerprint, planned_variants
from ..models.architecture import check_predicts
from ..models.devices import device_name
from ..models.ref import ModelRef
from ..options import UNSAID, Constrain, EngineName, EnrichBy, EnrichOptions, LoadOptions, WorkerOptions
from ..options.workers import check_one_asks
from ..serialize.escaping import escape
from ..serialize.formats import field_named, parse
from ..servers import key_remark, server_address
from .context import Context
from .costs import Amount, like_model
from .executor import FEW_ENTITIES, Executor, Increment, Local, TableRows, Work, check_devices, where_it_pays
from .incremental import Job, incremental
from .kept_variants import variants_config
from .observer import Advance
from .outcome import Outcome
from .rechecked import Rechecked, rechecked
from .rewritten_before import refused_before, rewritten_before
from .selection import RAW, WHOM, choose_texts, entities_sql
from .stored_models import resolved

if TYPE_CHECKING:
    from llm4es_store import Run

KEY = ("entity_id", "variant")

_ENTITIES_AT_ONCE = 2048


COST, UNANSWERED = "cost", "unanswered"
"""What a stage gives besides texts: what its answers cost, and why some were not written."""


def enrich(context: Context, options: EnrichOptions, load: LoadOptions, working: WorkerOptions = UNSAID) -> Outcome:
    """Rewrite the raw texts whose variants are missing, or were made from other texts.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    options : EnrichOptions
        Who writes, how many variants, of which formats or prompts.
    load : LoadOptions
        How a model in this process is loaded; by rules it is not asked.
    working : WorkerOptions, optional
        Where texts are written, and by how many; by default as the context's executor says.

    Returns
    -------
    Outcome
        Texts wanted, computed and reused, and why.

    Raises
    ------
    StoreError
        Where there are no raw texts.
    ModelError
        For a model that is not found, or cannot be loaded.

    Examples
    --------
    >>> from llm4es.options import EnrichOptions, LoadOptions
    >>> enrich(context, EnrichOptions.of(by="rules", variants=1), LoadOptions())
    enrich rules: 20 computed, 0 reused (20 new), ...
    """
    context = context.working(working)
    if options.by is EnrichBy.LLM and options.engine is EngineName.OPENAI:
        check_one_asks(working)
    store, dataset = context.store, context.dataset
    context.say_cutoff("enrich")
    raw = choose_texts(store, dataset, (RAW,), context.which)
    ((_, base),) = raw.pairs
    entities = entities_sql(dataset, base, context.max_entities)
    hashes = store.sql(raw.hashes_sql(entities)).to_arrow_table()
    if options.group_by:
        for (text,) in store.sql(f"SELECT text FROM texts WHERE {raw.condition} LIMIT 1").fetchall():
            field_named(parse(text).headers, options.group_by)
    planned = planned_variants(hashes["entity_id"], options)  # (entity_id, variant)
    wanted = planned.join(hashes, "entity_id").sort_by([("entity_id", "ascending"), ("variant", "ascending")])
    model = _model(context, options)
    free = paraphrased(context, options)
    config = {"base": base, "options": fingerprint(options, load, model, free)}
    made, cost, unanswered = variants_config(store, dataset, config), Cost(), list[str]()
    checked = rechecked(context, made, config, raw.condition)
    by_llm = options.by is EnrichBy.LLM
    before = rewritten_before(store, dataset, base, made) if by_llm else None
    job = Job(
        stage="enrich",
        what=str(options.by),
        config_id=made,
        record={"config_id": made, "variants": sorted(set(wanted["variant"].to_pylist())), WHOM: context.max_entities}
        | config,
        table="texts",
        scope={"dataset": dataset, "config_id": made},
        key=KEY,
        wanted=wanted,
        rows_in=len(hashes),
        complete=context.max_entities is None,
        inputs=f"""SELECT texts.*, variants FROM texts
            JOIN (SELECT entity_id, list(variant) AS variants FROM todo GROUP BY entity_id) USING (entity_id)
            WHERE {raw.condition} ORDER BY entity_id""",
        batch_rows=_ENTITIES_AT_ONCE,
        related_scope={"dataset": dataset, "config_id": before} if before else None,
        commit_seconds=0 if by_llm else None,  # answers may cost money
        total=lambda todo: len(set(todo["entity_id"].to_pylist())),
        setup=partial(_set_up, options, load, model, free),
        executor=lambda todo: _executor(context, options, load, len(todo)),
        committers={
            COST: lambda run, rows: cost.add_all(rows.to_pylist()),
            UNANSWERED: lambda run, rows: unanswered.extend(rows["reason"].to_pylist()),
        },
        row_filter=checked.others,
        prepare=lambda run, plan: _prepared(context, options, checked, before, run, plan),
        finish=(lambda run: _tally(context, run, cost, unanswered)) if by_llm else None,
        amount=lambda plan: Amount(len(plan.todo), "texts"),
        spent=(lambda run: Amount(cost.questions, "texts", tokens=cost.read + cost.written)) if by_llm else None,
        like=_like(options, load, model),
    )
    return incremental(context, job)


def _executor(context: Context, options: EnrichOptions, load: LoadOptions, n_texts: int) -> Executor:
    """Where so many texts are written: a server is asked by one process."""
    by_llm = options.by is EnrichBy.LLM
    if by_llm and options.engine is EngineName.OPENAI:
        return Local(1)
    if by_llm:
        check_devices(context.executor, device_name(load))
    return where_it_pays(context.executor, lambda: by_llm or n_texts >= FEW_ENTITIES, context.observer.say)


def _like(options: EnrichOptions, load: LoadOptions, model: ModelRef | None) -> dict[str, Any]:
    """What makes as many texts take as long."""
    if options.by is EnrichBy.RULES:
        return {"by": str(options.by)}
    asked = {"by": str(options.by), "constrain": str(options.constrain), "max_new_tokens": options.max_new_tokens}
    if model is not None:
        return like_model(model, load, **asked)
    return {"model": str(options.model), "base_url": options.base_url, **asked}


def _model(context: Context, options: EnrichOptions) -> ModelRef | None:
    """Who rewrites, where it is a model in this process; None by rules and for a server."""
    if options.by is EnrichBy.RULES or options.engine is not EngineName.TRANSFORMERS:
        return None
    ref = resolved(context.store, options.model)
    check_predicts(ref, "asked")
    return ref


def _prepared(
    context: Context, options: EnrichOptions, checked: Rechecked, before: str | None, run: "Run", plan: Plan
) -> pa.Table:
    """The planned rows, once refused ones are gone; before any event leaves this machine it is said where to."""
    checked.drop(run, plan.scope)
    if before and (refused := refused_before(context.store, context.dataset, before, plan.todo)):
        context.observer.say(
            f"enrich: {refused} texts that a server had refused, and a rule had written, are asked for again"
        )
    if options.by is EnrichBy.LLM and options.engine is EngineName.OPENAI and len(plan.todo):
        context.observer.say(f"enrich: events are sent to {server_address(options.base_url)}")
        if remark := key_remark():
            context.observer.say(f"enrich: {remark}")
    return plan.todo


def paraphrased(context: Context, options: EnrichOptions) -> tuple[str, ...]:
    """The fields that a model may say in other words, as texts name them; by rules, and freely written, none."""
    if options.by is EnrichBy.RULES or options.constrain is Constrain.OFF:
        return ()
    return tuple(escape(field.title) for field in context.recipe.fields if field.paraphrase)


def _set_up(options: EnrichOptions, load: LoadOptions, model: ModelRef | None, free: tuple[str, ...]) -> Work:
    """The engine opened, and the pure stage around it."""
    from ..enrich import open_engine

    cost = Cost()
    engine = None if options.by is EnrichBy.RULES else Metered(open_engine(options, load, model), cost)

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        for batch in batches:
            begun: set[str] = set()  # an entity's variants may come in several increments
            try:
                for rows in rewrite([batch.drop_columns(["variants"])], options, engine, _missing(batch), free):
                    yield [TableRows("texts", pa.Table.from_batches([rows]), KEY), *_spent(cost)]
                    entities = set(rows["entity_id"].to_pylist())
                    advance(len(entities - begun))
                    begun |= entities
            except UnansweredError as error:
                yield [TableRows(UNANSWERED, pa.table({"reason": error.reasons})), *_spent(cost)]

    return work


def _spent(cost: Cost) -> list[TableRows]:
    """A row of what was spent since the last one, wherever that was."""
    return [TableRows(COST, pa.Table.from_pylist([cost.taken()]))] if cost.questions else []


def _missing(batch: pa.RecordBatch) -> pa.Table:
    """(entity_id, variant) of what is to be written of each text of a batch."""
    variants = batch["variants"]
    return pa.table(
        {"entity_id": batch["entity_id"].take(pc.list_parent_indices(variants)), "variant": variants.flatten()}
    )


def _tally(context: Context, run: "Run", cost: Cost, unanswered: list[str]) -> str:
    """What became of the rewritings of this run, in a sentence. Raises UnansweredError for those that were not made."""
    if unanswered:
        raise UnansweredError(unanswered)
    tally = Tally()
    columns = "fidelity, note, checked, written_by, n_events, n_events_by_rule"
    query = f"SELECT {columns} FROM texts WHERE run_id = '{run.run_id}' AND fidelity IS NOT NULL"
    for row in context.store.sql(query).fetchall():
        tally.add(*row)
    of_all = f"config_id IN (SELECT config_id FROM texts WHERE run_id = '{run.run_id}') AND written_by IS NOT NULL"
    each = f"SELECT unnest(string_split(written_by, '; ')) AS author FROM texts WHERE {of_all}"
    alone = f"SELECT DISTINCT split_part(author, ' without ', 1) FROM ({each}) ORDER BY ALL"
    authors = context.store.sql(alone).fetchall()
    if len(authors) > 1:
        named = ", ".join(author for (author,) in authors[:4])
        context.observer.warn(
            f"enrich: {len(authors)} models answered to one name, see `written_by` in texts ({named}): "
            "give --model one exact version, or compare them apart"
        )
    return "; ".join(filter(None, [str(tally), str(cost)])) if tally.rewritings else ""
