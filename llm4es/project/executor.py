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
    """Rows of one table, ready to be committed.

    Examples
    --------
    >>> import pyarrow as pa
    >>> TableRows("texts", pa.table({"entity_id": ["a"]}), key=("entity_id",)).scope is None
    True
    """

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
"""Called once where the work is done: it loads what the stage needs, such as a model. Those of ``enrich`` and ``embed``
can be pickled."""


class Executor(Protocol):
    """Maps a stage over its input: in this process, in others, on a cluster. It computes; whoever calls it commits."""

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """What the stage gives for the batches, in any order of increments.

        Parameters
        ----------
        setup : callable
            Called once wherever work is done; it loads what the stage needs.
        batches : iterable of pyarrow.RecordBatch
            The stage's input.
        advance : callable
            Takes how many more units are done.

        Returns
        -------
        iterator of sequences of TableRows
            What belongs together is committed together.
        """


class Local:
    """This process.

    Examples
    --------
    >>> import pyarrow as pa
    >>> def setup():
    ...     return lambda batches, advance: ([TableRows("t", pa.table([b["x"]], ["x"]))] for b in batches)
    >>> ((rows,),) = Local().map(setup, [pa.record_batch({"x": [1, 2]})], lambda done: None)
    >>> rows.table, rows.rows.num_rows
    ('t', 2)
    """

    def map(self, setup: Setup, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Set the stage up here and let it read the batches one after the other.

        Parameters
        ----------
        setup : callable
            Loads what the stage needs; called once.
        batches : iterable of pyarrow.RecordBatch
            The stage's input.
        advance : callable
            Takes how many more units are done.

        Yields
        ------
        sequence of TableRows
            As the stage makes them.

        Examples
        --------
        >>> list(Local().map(lambda: lambda batches, advance: iter(()), [], lambda done: None))
        []
        """
        yield from setup()(batches, advance)
