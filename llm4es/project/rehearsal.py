"""A rehearsal: the steps of a dry run plan on what the steps before them will have made.

In: a context of a dry run. Out: one whose store is a rehearsal of it. What is quick is made for real there: texts and
what rules write of them. Where a model would train or read, rows without vectors stand in, so that every later step
plans as it will when they are there. The store itself is not written to.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.plan import Plan
from .context import Context
from .control_texts import as_made
from .costs import Estimate
from .executor import Local
from .job import Job
from .outcome import Outcome

if TYPE_CHECKING:
    from llm4es_store import Run


@contextmanager
def rehearsal(context: Context) -> Iterator[Context]:
    """The same means with a store to rehearse on; it is gone afterwards.

    Parameters
    ----------
    context : Context
        Of a dry run.

    Yields
    ------
    Context
        Its steps write to the rehearsal's store, and no model is loaded.

    Examples
    --------
    >>> with rehearsal(context.with_(dry_run=True)) as other:
    ...     other.rehearses, other.store is context.store
    (True, False)
    """
    from llm4es_store.rehearsal import rehearsal_of

    with tempfile.TemporaryDirectory(prefix="llm4es-dry-run-", ignore_cleanup_errors=True) as folder:
        store = rehearsal_of(context.store, Path(folder))
        yield context.with_(store=store, dry_run=False, rehearses=True, executor=Local(1))


def planned(outcome: Outcome) -> Outcome:
    """An outcome of a rehearsal as that of a dry run: what was made there tells by itself how long it takes.

    Parameters
    ----------
    outcome : Outcome
        Of a step that planned, or that was carried out in the rehearsal.

    Returns
    -------
    Outcome
        Nothing of it was done.

    Examples
    --------
    >>> planned(Outcome("serialize", "shop", rows=20, computed=20, reused=0, reasons={"new": 20}, seconds=2.0))
    serialize shop: 20 to compute, 0 reused (20 new), about 2 s
    """
    if outcome.dry_run:
        return outcome
    cost = Estimate(seconds=outcome.seconds) if outcome.computed else None
    return replace(outcome, dry_run=True, seconds=0.0, cost=cost, message="")


def stand_in(job: Job, run: "Run", plan: Plan) -> None:
    """Drop what is stale, and have rows without vectors stand for those that will be made.

    Parameters
    ----------
    job : Job
        Which rows, and what all of them say: ``stand_ins``.
    run : Run
        Of a rehearsal's store, open.
    plan : Plan
        What ``plan_of`` said.
    """
    run.start_from(plan)
    if len(plan.stale) and not job.replaces:
        run.drop(job.table, job.scope, plan.stale)
    if not len(plan.todo):
        return
    rows = plan.todo.drop_columns(["reason"])
    rows = rows.set_column(rows.schema.get_field_index("source_hash"), "source_hash", as_made(rows["source_hash"]))
    for name, value in (job.stand_ins or {}).items():
        rows = rows.append_column(name, pa.array([value] * len(rows)))
    if (commit := job.committers.get(job.table)) is not None:
        commit(run, rows)
    else:
        run.append(job.table, job.scope, rows, job.key)
