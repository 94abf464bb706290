"""One data file of a table: where it lies, and what the log is told of it.

In: nothing. Out: a value. Knows neither logs nor rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """One data file of a snapshot, or one that a commit is to add."""

    path: str
    """Below the table's folder, as it is on disk."""
    size: int
    """Bytes."""
    rows: int
    partition: Mapping[str, str | None]
    """Partition column -> value, as the log has it: text."""
    statistics: str = ""
    """What the log is to keep of its columns: JSON; of a file that is there already: not read."""

    @property
    def folder(self) -> str:
        """Where it lies, below the table's folder; empty: in it."""
        return self.path.rpartition("/")[0]
