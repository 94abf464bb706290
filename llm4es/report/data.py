"""What a report is made of: a plain dataclass of tables.

In: nothing. Out: the names of the tables and their columns. A table that is None is left out of the page. Knows no
store and no picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ..options import Projection as Projection
from .against import Against
from .answer import Caution, TaskAnswer


@dataclass(frozen=True)
class ReportData:
    """Everything that the page shows. Tables may have further columns than those named."""

    dataset: str
    """Name of the data."""

    made: str
    """When and by which version, as text: the page itself reads no clock."""

    answers: tuple[TaskAnswer, ...] = ()
    """The first screen: a task each."""

    against: Against | None = None
    """An earlier version or another store beside it; None: nothing."""

    spent: str = ""
    """What all runs have cost, in words."""

    warnings: tuple[Caution, ...] = ()
    """What a reader has to know before believing a figure."""

    commands: Mapping[str, str] = field(default_factory=dict)
    """A table (runs, users, cuts, models) -> what is typed to get it; '' -> what probes the dataset."""

    task_commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A task -> what is typed to get its comparison."""

    runs: pa.Table | None = None
    """run_id, stage, what (model or task), started_at, seconds, status, rows_computed, rows_reused: oldest first."""

    users: pa.Table | None = None
    """entity_id, n_events, days (length of the history): one row an entity."""

    cuts: pa.Table | None = None
    """features, n_entities, n_cut (entities that lost events), events_kept (share, 0..1), tokens_kept (share)."""

    comparison: pa.Table | None = None
    """Rows of ``compare`` with a column ``task`` in front; of several tasks."""

    predictions: pa.Table | None = None
    """Rows of ``predictions`` of the tasks compared."""

    learning: pa.Table | None = None
    """Rows of ``probes`` of fewer training entities and of all, of one configuration a task: with ``trained``."""

    vectors: pa.Table | None = None
    """entity_id, vector: one feature set, for the map and the neighbours."""

    vectors_name: str = ""
    """Its name."""

    labels: pa.Table | None = None
    """entity_id, task, label: colours of the map."""

    numbers: tuple[str, ...] = ()
    """Tasks whose labels are numbers: a scale on the map."""

    histories: pa.Table | None = None
    """entity_id, lines (list of text, newest first): shown for a chosen user."""

    models: pa.Table | None = None
    """model, base, method, steps, held_out_loss_before, held_out_loss_after, loss_curve (step, loss, held_out)."""

    fidelity: pa.Table | None = None
    """variant, fidelity (share of events kept, 0..1), note, n_events, n_events_by_rule: one row a rewritten text."""

    projection: Projection = Projection.PCA
    """Of the map."""

    shown_users: int = 2000
    """Users drawn on the map; of more, a sample, and the page says so."""
