"""The incremental way, once for every step: wanted rows -> plan -> drop what is stale -> map the rest -> commit.

In: a ``Job``, which a step makes of what it was asked for. Out: an ``Outcome``, and rows in the store. Knows no stage:
a job says what is wanted, and what makes it.

What a killed run has committed stays: the next plan finds it. Of several processes (``torchrun``, ``accelerate
launch``) all compute, and one alone writes.
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.entities import KnownKeys
from ..core.phases import phase
from ..core.plan import Plan, Reason
from ..core.processes import writes
from ..core.tables import EVENTS
from .commits import buffered, commit_behind
from .context import Context
from .costs import Estimate, estimate
from .executor import Increment, Local, Setup, TableRows, Work, at_the_store
from .job import Job
from .observer import Advance
from .outcome import Outcome
from .planned_rows import planned_rows
from .rehearsal import stand_in
from .settings import difference
from .there import PORTION, There

if TYPE_CHECKING:
    from llm4es_store import Run

__all__ = ["Job", "carry_out", "incremental", "plan_of"]


def plan_of(context: Context, job: Job) -> Plan:
    """What of the wanted rows is not live, and why.

    Parameters
    ----------
    context : Context
        Its store is asked.
    job : Job
        What is wanted.

    Returns
    -------
    Plan
        Rows to compute with their reasons, rows that are stale, and how many are reused.
    """
    plan = context.store.plan(
        job.table,
        job.scope,
        job.wanted,
        job.key,
        related_scope=job.related_scope,
        complete=job.complete,
        unseen=job.unseen,
        row_filter=job.row_filter,
    )
    if job.because is not None:
        return plan.because(job.because)
    if Reason.CHANGED in plan.reasons:
        for reason, subjects in job.otherwise().items():
            plan = plan.with_reason(reason, pa.array(subjects, pa.string()))
    return plan if job.anew is None else plan.with_reason(Reason.ANEW, job.anew)


def incremental(context: Context, job: Job) -> Outcome:
    """Carry a job out in a run of its own, or with a dry run say what it would do.

    Parameters
    ----------
    context : Context
        Store, executor, observer, and whether this is a dry run.
    job : Job
        What is wanted, and how it is made.

    Returns
    -------
    Outcome
        Rows wanted, computed and reused, and why.

    Raises
    ------
    Llm4esError
        Whatever the stage raises; what was committed before stays, and the run is recorded as failed.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es.project.executor import TableRows
    >>> def setup():
    ...     def work(batches, advance):
    ...         for batch in batches:
    ...             rows = pa.table({"entity_id": batch["entity_id"], "source_hash": batch["source_hash"]})
    ...             yield [TableRows("texts", rows.append_column("variant", [["upper"] * len(rows)]), ("entity_id",))]
    ...     return work
    >>> job = Job(
    ...     stage="enrich", what="upper", config_id="c1", record={}, table="texts",
    ...     scope={"dataset": "shop", "config_id": "c1"}, key=("entity_id",),
    ...     wanted=pa.table({"entity_id": ["c0", "c1"], "source_hash": ["h0", "h1"]}), setup=setup,
    ... )
    >>> incremental(context, job)
    enrich upper: 2 computed, 0 reused (2 new), ...
    >>> incremental(context, job)
    enrich upper: 0 computed, 2 reused (nothing to do), ...
    """
    began = time.monotonic()
    with phase(f"planning {job.stage} {job.what}"):
        plan = plan_of(context, job)
        changed = ""
        if Reason.CONFIG in plan.reasons:
            changed = difference(context.store, job.stage, context.dataset, job.record)
    if context.dry_run or (context.rehearses and job.stand_ins is not None):
        cost = _estimate(context, job, plan)
        if context.rehearses:
            _rehearse(context, job, plan)
        return _outcome(job, plan, len(plan.todo), 0.0, changed, dry_run=True, cost=cost)
    if not (job.records_no_op or len(plan.todo) or len(plan.stale)):
        return _outcome(job, plan, 0, time.monotonic() - began, changed)
    if not writes():
        for _ in _increments(context, job, plan.todo, None) if len(plan.todo) else ():
            pass  # what this process computed is in the weights that all share
        return _outcome(job, plan, len(plan.todo), time.monotonic() - began, changed)
    with context.run(job.stage, job.record) as run:
        run.record.rows_in = len(job.wanted) if job.rows_in is None else job.rows_in
        run.record.rows_reused = plan.reused
        carry_out(context, job, run, plan)
        if len(plan.todo) and job.amount is not None:
            run.record.cost = (job.spent(run) if job.spent else job.amount(plan)).recorded(job.like)
        with phase("looking at what was made"):
            message = job.finish(run) if job.finish is not None else ""
        if message:
            run.record.message = message
            context.observer.say(f"{job.stage} {job.what}: {message}")
        return _outcome(job, plan, run.record.rows_computed, time.monotonic() - began, changed, message=message)


def _estimate(context: Context, job: Job, plan: Plan) -> Estimate | None:
    """What the planned rows will cost; None where there are none, or nobody counts the work."""
    if not len(plan.todo) or job.amount is None:
        return None
    with phase("counting how much there is to do"):
        return estimate(context.store, job.stage, job.like, job.amount(plan))


def _rehearse(context: Context, job: Job, plan: Plan) -> None:
    """Leave the rehearsal's store as the work would leave the store."""
    with context.run(job.stage, job.record) as run:
        run.record.rows_in, run.record.rows_reused = len(job.wanted), plan.reused
        if job.besides is not None:
            job.besides(run, plan)
        stand_in(job, run, plan)


def carry_out(context: Context, job: Job, run: "Run", plan: Plan) -> None:
    """Drop what is stale, compute what is missing, and commit it as it comes, within an open run.

    Parameters
    ----------
    context : Context
        Executor and observer.
    job : Job
        How rows are made, and how they are committed.
    run : Run
        Of the store, open.
    plan : Plan
        What ``plan_of`` said.
    """
    run.start_from(plan)
    if len(plan.stale) and not job.replaces:
        run.drop(job.table, job.scope, plan.stale)
    todo = plan.todo if job.prepare is None else job.prepare(run, plan)
    if not len(todo):
        return
    run.begin()
    planned = KnownKeys(plan.todo, job.key)
    increments = buffered(_increments(context, job, todo, run), job.commit_seconds)
    if job.commit_seconds == 0:
        for increment in increments:  # what was made is kept before more is asked for
            _commit(job, run, planned, increment)
    else:
        commit_behind(increments, lambda increment: _commit(job, run, planned, increment))


def _increments(context: Context, job: Job, todo: pa.Table, run: "Run | None") -> Iterator[Increment]:
    """What the stage gives for the planned rows, wherever the executor maps it."""
    given = context.executor  # where a step says nothing of executors, its work is not worth another process
    given = Local(1) if type(given) is Local or at_the_store(given) else given
    executor = given if job.executor is None else job.executor(todo)
    here = run is not None and isinstance(executor, Local) and executor.workers in (None, 1)
    # when the work began: in other processes it begins with their setting up
    began: list[float] = [] if here or run is None else [time.monotonic()]
    with (
        context.store.connect() as connection,
        context.observer.progress(f"{job.stage} {job.what}", job.total(todo), job.unit) as advance,
    ):
        if run is not None and at_the_store(executor):
            root, own = str(context.store.layout.root), tuple(job.committers)
            there = There(root, *PORTION, job.setup, job.inputs, job.batch_rows, job.scope, run.run_id, own)
            yield from executor.map(there, planned_rows(todo, job.key[0]), advance)
        else:
            connection.register("todo", todo)
            batches = connection.sql(job.inputs).to_arrow_reader(job.batch_rows)
            setup = _timed(job.setup, run, began, advance) if here and run is not None else job.setup
            yield from executor.map(setup, batches, advance)
    if began and run is not None:
        run.record.working = (run.record.working or 0.0) + time.monotonic() - began[0]


def _timed(setup: Setup, run: "Run", began: list[float], advance: Advance) -> Setup:
    """The set-up in this process, its seconds noted, and when the work begins: they do not grow with it."""

    def timed() -> Work:
        start = time.monotonic()
        work = setup()
        began.append(time.monotonic())
        run.record.ready += began[0] - start
        advance(0)  # the time left is told by the work alone
        return work

    return timed


def _commit(job: Job, run: "Run", planned: KnownKeys, increment: Increment) -> None:
    """Commit what belongs together, in its order; of the job's own table only what was planned."""
    for rows in increment:
        if rows.table in job.committers:
            job.committers[rows.table](run, rows.rows)
        elif rows.scope is not None:
            run.replace(rows.table, rows.scope, rows.rows)
        else:
            _append(job, run, planned, rows)
        replaced = rows.scope is not None or rows.table in job.committers
        if job.counted and rows.table == job.table and replaced:
            run.record.rows_computed += planned.count(rows.rows)


def _append(job: Job, run: "Run", planned: KnownKeys, rows: TableRows) -> None:
    """Append rows; those of the job's own table that are there already stay as they are."""
    own = rows.table == job.table
    chosen = rows.rows.filter(planned.hold(rows.rows)) if own else rows.rows
    if rows.files:
        written = run.append_files(rows.table, job.scope, rows.files, chosen, rows.key)
        run.record.rows_computed += written if own and job.counted else 0
    elif len(chosen):
        schema = chosen.schema if rows.table.startswith(EVENTS) else None  # each dataset has events of its own kind
        written = run.append(rows.table, job.scope, chosen, rows.key, schema=schema)
        run.record.rows_computed += written if own and job.counted else 0


def _outcome(
    job: Job,
    plan: Plan,
    computed: int,
    seconds: float,
    changed: str,
    *,
    dry_run: bool = False,
    cost: Estimate | None = None,
    message: str = "",
) -> Outcome:
    """The job's outcome as its plan and its run have it."""
    reasons = {f"{why}{f' ({changed})' if changed and why == Reason.CONFIG else ''}": n for why, n in plan.why.items()}
    return Outcome(
        stage=job.stage,
        what=job.what,
        rows=len(job.wanted),
        computed=computed,
        reused=plan.reused,
        reasons=reasons,
        seconds=seconds,
        config_id=job.config_id,
        dry_run=dry_run,
        cost=cost,
        message=message,
    )
