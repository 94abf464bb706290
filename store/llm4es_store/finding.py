"""One thing that a check found, and how bad it is.

In: words. Out: rows for people. Knows no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Level(StrEnum):
    """How bad a finding is."""

    DAMAGED = "damaged"  # something is lost, or may be wrong
    UNTIDY = "untidy"  # nothing is lost; --repair mends it
    NOTE = "note"  # good to know
    MENDED = "mended"  # --repair has mended it


@dataclass
class Finding:
    """One thing that is not as it should be."""

    level: Level
    what: str
    """A table, a model, a run, or the store."""
    file: str
    """Which file, below the table's or the store's folder; empty: no single one."""
    finding: str
    remedy: str

    def mended(self, how: str) -> None:
        """It has just been put right."""
        self.level, self.remedy = Level.MENDED, how

    def row(self) -> dict[str, str]:
        """As a row of the result."""
        return {
            "level": self.level.value,
            "what": self.what,
            "file": self.file,
            "finding": self.finding,
            "remedy": self.remedy,
        }


FINDINGS = pa.schema([(name, pa.string()) for name in ("level", "what", "file", "finding", "remedy")])


def is_bad(findings: Sequence[Finding]) -> bool:
    """Whether anything is lost, may be wrong, or waits for ``--repair``."""
    return any(finding.level in (Level.DAMAGED, Level.UNTIDY) for finding in findings)
