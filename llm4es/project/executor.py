"""Where the pure stage is mapped over its input: in this process, or wherever an executor takes it.

In: a set-up to call where the work is done, batches of input. Out: what the work gives, for whoever commits. Knows
neither stages nor the store: an executor never writes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from ..core.sql import Scope
from .observer import Advance


@dataclass(frozen=True)
class TableRows:
    """Rows of one table, ready to be committed."""

    table: str
    """Name of the table."""

    rows: pa.Table
    """Its rows, without what the keeper adds."""

    key: tuple[str, ...] = ()
    """Appended: no two live rows agree in these columns."""

    scope: Scope | None = None
    """The rows take the place of this scope's; None: they are appended to the job's."""


Increment = Sequence[TableRows]
"""What belongs together, committed in this order: the last says that the others are there."""

Work = Callable[[Iterable[pa.RecordBatch], Advance], Iterator[Increment]]
"""A stage set up: input batches, and whom to tell how much more is done, to increments."""

Setup = Callable[[], Work]
"""Called once where the work is done: it loads what the stage needs, such as a model. It can be pickled."""


class Executor(Protocol):
    """Maps a stage over its input."""

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """What the stage gives for the batches, in any order of increments."""


class Local:
    """This process."""

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Set the stage up here and let it read the batches one after the other."""
        yield from setup()(batches, advance)
