"""A tuned model whose base lies elsewhere now, and is the same.

In: a store, what ``finetune`` was asked for. Out: the model's row of ``models`` with its base's new place. Trains
nothing.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from ..core.processes import writes
from ..core.schemas import MODELS
from ..core.sql import where
from .context import Context

SAME = ("model", "config_id", "source_hash", "base_fingerprint")
"""What a model has in common with itself, wherever its base lies."""


def keep_new_place(context: Context, row: Mapping[str, object], record: Mapping[str, object]) -> None:
    """Enter where the base of a model lies now, if it was tuned as ``row`` says and its base is gone from there."""
    store = context.store
    known = store.sql(f"SELECT base FROM models WHERE {where({name: str(row[name]) for name in SAME})}").fetchall()
    if context.dry_run or not writes() or not known:
        return
    before = Path(str(known[0][0]))
    if not before.is_absolute() or before.exists():
        return
    columns = ", ".join([*MODELS.names, "config_id"])
    of_model = {"model": str(row["model"])}
    kept = store.sql(f"SELECT {columns} FROM models WHERE {where(of_model)}").to_arrow_table()
    base = pa.array([row["base"]], pa.string())
    moved = kept.set_column(kept.schema.get_field_index("base"), "base", base)
    with context.run("finetune", record) as run:
        run.replace("models", of_model, moved)
    context.observer.say(f"finetune {row['model']}: its base is taken from {row['base']} now; {before} is gone")
