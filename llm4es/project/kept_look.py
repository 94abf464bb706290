"""What a look at a model has shown, in a file of the cache folder.

In: a file's place, vectors of fixed texts, plain values. Out: the same again. A file that is not to be read is no file.
Knows not how long it holds.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.schemas import CANARIES

if TYPE_CHECKING:
    from ..models.load import Model

SHOWN = b"first_look"
"""Where a file of fixed texts' vectors says the rest."""


def remembered_look(file: Path, model: "Model") -> tuple[pa.RecordBatch, float] | None:
    """Vectors and tokens a second of the look that a file keeps, what it found out taken over; None: there is none."""
    from ..embed.drift import TEXTS
    from ..inputs.found_out import take_over

    try:
        with pa.ipc.open_file(pa.BufferReader(file.read_bytes())) as opened:
            table, shown = opened.read_all(), json.loads(opened.schema.metadata[SHOWN])
        rate = float(shown["rate"])
        if table["text"].to_pylist() != [*TEXTS] or not rate > 0:
            return None
        own = table.set_column(0, CANARIES.field("model"), pa.array([model.name] * len(table)))
        (rows,) = own.cast(CANARIES).combine_chunks().to_batches()
        take_over(model.network, shown["found"])
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # not there, or not readable: look again
    return rows, rate


def remember_look(file: Path, rows: pa.RecordBatch, shown: dict[str, Any]) -> None:
    """Keep what a look showed; a cache that cannot be written costs time, nothing else."""
    part = file.with_suffix(f".{os.getpid()}.part")
    schema = rows.schema.with_metadata({SHOWN: json.dumps(shown)})
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with pa.ipc.new_file(part, schema) as kept:
            kept.write_batch(rows.cast(schema))
        part.replace(file)
