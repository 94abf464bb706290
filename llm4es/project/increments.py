"""What a stage gives and what an executor is given: rows of tables that belong together, and how a stage is set up.

In: nothing. Out: types. Knows neither stages nor executors.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.sql import Scope
from .observer import Advance

if TYPE_CHECKING:
    from llm4es_store.data_file import DataFile


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

    files: "tuple[DataFile, ...]" = ()
    """Where the rows lie already, written by whoever made them: ``rows`` are their keys, of those that are meant."""

    whole: bool = True
    """Whether every row of the files is meant."""


Increment = Sequence[TableRows]
"""What belongs together, committed in this order: the last says that the others are there."""

Work = Callable[[Iterable[pa.RecordBatch], Advance], Iterator[Increment]]
"""A stage set up: input batches, and whom to tell how much more is done, to increments. It may be called again."""

Setup = Callable[[], Work]
"""Called once where the work is done: it loads what the stage needs, such as a model. Those of ``enrich`` and ``embed``
can be pickled."""
