"""A training as ``finetune`` has it done: the pure stage with its model, and how its rows are committed.

In: what to train, on which texts. Out: work, and rows of ``models`` and ``exposures``. Knows no settings' names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.phases import importing
from ..core.schemas import MODELS
from ..core.versions import kept_name, version_of
from ..models.ref import ModelRef
from ..options import FinetuneOptions, LoadOptions
from .context import Context
from .executor import Increment, TableRows, Work
from .observer import Advance, as_increments
from .tuned_versions import tuned_versions

if TYPE_CHECKING:
    from llm4es_store import Run

    from ..finetune.finetune import Tuned


@dataclass(frozen=True)
class Training:
    """What one training needs."""

    model: ModelRef
    load: LoadOptions
    options: FinetuneOptions
    train: pa.Table
    """Texts of train entities."""
    held_out: pa.Table
    """Texts of validation entities."""
    folder: Path
    """Where the weights go."""
    row: dict[str, Any]
    """What the row of ``models`` says before the training."""


def ready(training: Training) -> Work:
    """The model in memory, ready to be trained.

    Parameters
    ----------
    training : Training
        What to train.

    Returns
    -------
    Work
        Trains once, and gives the rows of the model and of whom it has seen.
    """
    with importing("torch"):
        from ..finetune import finetune as tune
        from ..models import load_model

    model = load_model(training.model, training.load)

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        so_far = as_increments(advance)
        for _ in batches:  # the one row that is to be made
            tuned = tune(
                training.train,
                training.held_out,
                model,
                training.options,
                training.folder,
                lambda step, total, loss: so_far(step),
            )
            yield [TableRows("exposures", _exposures(tuned)), TableRows("models", _model_row(training.row, tuned))]

    return work


@dataclass
class Committed:
    """How the rows of a training are committed, under a version that is free then."""

    context: Context
    row: dict[str, Any]
    """What the row of ``models`` says before the training."""
    name: str = field(init=False)
    """What the version is called."""

    def __post_init__(self) -> None:
        self.name = str(self.row["model"])

    def keep_exposures(self, run: "Run", rows: pa.Table) -> None:
        """Enter whom the model has seen; a remote store has the weights before any row names them."""
        if (remote := self.context.store.remote_folders()) is not None:
            remote.upload(Path(str(self.row["path"])).name)
        self._take_a_free_name(run)
        run.replace("exposures", {"model": self.name, "dataset": self.context.dataset}, rows)

    def keep_model(self, run: "Run", rows: pa.Table) -> None:
        """Enter the model, last: its row makes it known."""
        number = pa.array([version_of(self.name).number] * len(rows), pa.int32())
        named = rows.set_column(rows.schema.get_field_index("version"), "version", number)
        named = named.set_column(named.schema.get_field_index("model"), "model", pa.array([self.name] * len(rows)))
        run.replace("models", {"model": self.name}, named)

    def _take_a_free_name(self, run: "Run") -> None:
        """The next version, where another machine has entered one of this number while we trained.

        Where it was made the same way from the same texts it is this one, and ours takes its place.
        """
        family = version_of(self.name).family
        there = tuned_versions(self.context.store, family)
        made = [v.name for v in there if (v.config_id, v.content) == (self.row["config_id"], self.row["source_hash"])]
        if made:
            self.name = made[0]
        elif any(version.name == self.name for version in there):
            self.name = kept_name(family, there[0].number + 1)
        if self.name != self.row["model"]:
            run.record.config = {**run.record.config, "model_name": self.name}


def _exposures(tuned: "Tuned") -> pa.Table:
    """Whom the model has seen."""
    fingerprints = pa.array([tuned.fingerprint] * len(tuned.exposures), pa.string())
    return tuned.exposures.append_column("fingerprint", fingerprints)


def _model_row(row: dict[str, Any], tuned: "Tuned") -> pa.Table:
    """The row of ``models``."""
    measured = {
        "method": str(tuned.method),
        "fingerprint": tuned.fingerprint,
        "n_layers": tuned.n_layers,
        "dim": tuned.dim,
        "steps": tuned.steps,
        "n_entities": tuned.n_entities,
        "held_out_loss_before": tuned.held_out_loss_before,
        "held_out_loss_after": tuned.held_out_loss_after,
        "mean_cosine": tuned.mean_cosine,
        "verdict": tuned.verdict,
        "loss_curve": [{"step": s, "loss": loss, "held_out": held} for s, loss, held in tuned.loss_curve],
    }
    kept = pa.Table.from_pylist([{**row, **measured}], schema=MODELS)
    return kept.append_column("config_id", pa.array([row["config_id"]]))
