"""What one step has to do, as a value: which rows are wanted, how they are made, what they cost.

In: what a step was asked for. Out: a ``Job`` for ``incremental``. Knows no stage.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.plan import Plan, Reason
from ..core.sql import Scope
from .costs import Amount
from .executor import Executor, Setup

if TYPE_CHECKING:
    from llm4es_store import Run


@dataclass(frozen=True)
class Job:
    """What one step has to do: which rows are wanted, and how they are made."""

    stage: str
    """Name of the step."""

    what: str
    """Which of several, for people: the model, the task."""

    config_id: str
    """The configuration of the rows."""

    record: Mapping[str, Any]
    """What the record of the run keeps of it."""

    table: str
    """The table whose rows are wanted."""

    scope: Scope
    """The rows of it that this configuration is answerable for."""

    key: tuple[str, ...]
    """Columns that name a wanted row; the first is what rows are about, such as ``entity_id``."""

    wanted: pa.Table
    """Key columns, and ``source_hash``: the content that a row is made from."""

    setup: Setup
    """Makes the stage ready where the work is done."""

    inputs: str = "FROM todo"
    """SELECT of what the stage reads, over the store's views and ``todo``, the planned rows."""

    batch_rows: int = 64
    """Rows of input handed over at a time."""

    related_scope: Scope | None = None
    """Rows of the same kind under other configurations: who is known there is not new."""

    complete: bool = False
    """Whether ``wanted`` is everything: only then can a row that is not in it be said to have vanished."""

    unseen: Reason = Reason.CONFIG
    """Why a row is computed that is known under another configuration."""

    because: Reason | None = None
    """Why the rows are computed, where that is known otherwise than from the table; None: as the plan finds."""

    anew: pa.Array | None = None
    """Subjects whose rows were read otherwise before: told as such, not as other content."""

    otherwise: Callable[[], Mapping[Reason, Sequence[str]]] = dict
    """Subjects whose rows were made from other things than content: asked where some are computed for other content."""

    row_filter: str = "true"
    """SQL condition that picks one live row of several that stand for one wanted."""

    counted: bool = True
    """Whether its rows are those that the run's record counts; not of a job that another one needs first."""

    replaces: bool = False
    """Rows take the place of others when they are committed: nothing is dropped before."""

    rows_in: int | None = None
    """Entities or feature sets that were looked at; None: as many as are wanted."""

    unit: str = "entities"
    """What progress counts."""

    total: Callable[[pa.Table], int | None] = field(default=len)
    """Planned rows -> units of progress."""

    commit_seconds: float | None = None
    """Seconds of work that one commit holds, 0: each increment by itself; None: ``commits.COMMIT_SECONDS``."""

    records_no_op: bool = True
    """Whether a run that finds nothing to do leaves a record."""

    prepare: "Callable[[Run, Plan], pa.Table] | None" = None
    """Called before the work with the run and the plan: drops what goes besides, returns the rows to hand over."""

    committers: "Mapping[str, Callable[[Run, pa.Table], None]]" = field(default_factory=dict)
    """Tables whose rows are committed in a way of their own -> that way."""

    executor: "Callable[[pa.Table], Executor] | None" = None
    """Rows to hand over -> where they are worked on; None: where the context says, of this machine in one process."""

    finish: "Callable[[Run], str] | None" = None
    """Called at the end: a sentence about the whole result."""

    amount: Callable[[Plan], Amount] | None = None
    """How much work a plan is; None: nobody counts it."""

    spent: "Callable[[Run], Amount] | None" = None
    """How much work a run has done; None: as planned."""

    like: Mapping[str, Any] = field(default_factory=dict)
    """What makes as much work take as long: runs that have it in common tell how long."""

    stand_ins: Mapping[str, Any] | None = None
    """In a rehearsal, what rows say that stand for those to be made; None: they are made there too."""

    besides: "Callable[[Run, Plan], None] | None" = None
    """Called in a rehearsal before rows stand in: drops and adds what goes besides."""
