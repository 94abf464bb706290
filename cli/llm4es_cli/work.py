"""What the stage commands share: an opened store and recipe, and what a stage did.

In: a command's common options. Out: ``Work`` to do it with, ``Outcome`` to show. Knows no stage.
"""

import atexit
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm4es import __version__
from llm4es.core.errors import OptionError, StoreError
from llm4es.core.processes import several

from .options import OutputFormat
from .screen import Screen, duration, show

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.recipes import Recipe
    from llm4es_store import Run, Store


@dataclass(frozen=True)
class Work:
    """One command's means: what it works on, and how far."""

    recipe_name: str
    """Built-in recipe or path of a TOML."""
    store_root: str
    """Where the store is, or will be."""
    screen: Screen
    data: Path | None = None
    """Folder of raw files; None: the recipe fetches them."""
    max_entities: int | None = None
    """Only so many entities; None: all."""
    dry_run: bool = False
    """Plan only."""
    ahead: dict[str, str | None] = field(default_factory=dict)
    """In a dry run of several stages: entity -> why its texts will be others; None: they vanish."""

    @cached_property
    def recipe(self) -> "Recipe":
        """The recipe, read once."""
        from llm4es.recipes import load_recipe

        return load_recipe(self.recipe_name)

    @cached_property
    def store(self) -> "Store":
        """The store, made where there is none; a dry run of a store that is not there plans on an empty one."""
        from llm4es_store import Store

        if not self.dry_run:
            return Store(self.store_root, create=True)
        try:
            return Store(self.store_root)
        except StoreError:
            if Path(self.store_root).exists():
                raise
            empty = tempfile.TemporaryDirectory(prefix="llm4es-dry-run-")
            atexit.register(empty.cleanup)
            return Store(empty.name, create=True)

    @property
    def dataset(self) -> str:
        """The recipe's name for its data."""
        return self.recipe.name

    def foreseen(self, hashes: "pa.Table") -> "pa.Table":
        """(entity_id, source_hash) of texts as they will be when the stages before in this dry run are done."""
        import pyarrow as pa

        if not self.ahead:
            return hashes
        there = dict(zip(hashes["entity_id"].to_pylist(), hashes["source_hash"].to_pylist(), strict=True))
        there |= dict.fromkeys(self.ahead, "to come")
        rows = sorted((entity, hash_) for entity, hash_ in there.items() if self.ahead.get(entity, "") is not None)
        return pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], hashes.column_names)

    def run(self, stage: str, config: Mapping[str, Any]) -> "Run":
        """A run of a stage on this dataset, which reads what the pipeline says it reads."""
        from llm4es.core.tables import events_table
        from llm4es.project.pipeline import STAGES

        if several() and stage != "finetune":
            raise OptionError(f"{stage} is the work of one process: start llm4es without torchrun or accelerate launch")
        run = self.store.run(stage, self.dataset, config, __version__)
        tables = next(each.reads for each in STAGES if each.name == stage)
        run.reads(events_table(self.dataset) if table == "events" else table for table in tables)
        return run


@dataclass(frozen=True)
class Outcome:
    """What a stage did, or with a dry run would do."""

    stage: str
    what: str
    """Which of several: the model, the task."""
    rows: int
    """Rows wanted."""
    computed: int
    reused: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why rows were computed -> how many."""
    seconds: float = 0.0
    config_id: str | None = None

    def row(self) -> dict[str, Any]:
        """As a row of the summary."""
        why = ", ".join(f"{count} {reason}" for reason, count in self.reasons.items() if count)
        return {
            "stage": self.stage,
            "what": self.what,
            "rows": self.rows,
            "computed": self.computed,
            "reused": self.reused,
            "why": why or ("nothing to do" if not self.computed else ""),
            "seconds": round(self.seconds, 1),
        }

    def line(self) -> str:
        """As one line of progress."""
        row = self.row()
        done = f"{self.computed} computed, {self.reused} reused ({row['why']}), {duration(self.seconds)}"
        return f"{self.stage} {self.what}: {done}"


def show_outcomes(outcomes: Sequence[Outcome], format_: OutputFormat | None, *, dry_run: bool) -> None:
    """The summary of what stages did, on stdout."""
    import pyarrow as pa

    rows: pa.Table = pa.Table.from_pylist([outcome.row() for outcome in outcomes])
    show(rows.rename_columns({"computed": "to compute"}) if dry_run else rows, format_)
