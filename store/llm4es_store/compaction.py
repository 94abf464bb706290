"""Small files that become fewer while a run writes them: each commit leaves one a folder, a long run would thousands.

In: the files of each commit of one run. Out: commits that put one file in the place of several, with the same rows.
Knows not what rows mean, and touches no file of another run.

Of every ``FILES`` small files of a folder that were merged equally often one is made, so that a byte is written again
as often as the logarithm of the number of commits. What was there before stays for ``at`` until ``gc``.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from llm4es.core.errors import StoreError

from .data_file import DataFile
from .delta import Table
from .delta_errors import ConflictError
from .pruning import live_files
from .rewriting import merge

FILES = 16
"""Files that become one."""

SMALL = 8 * 2**20
"""Bytes from which on a file is large enough to be left alone."""

_Level = tuple[str, str, int]
"""Table, folder, how often its files were merged."""


class Compaction:
    """The small files of one run, by how often they were merged."""

    def __init__(self) -> None:
        self._files: dict[_Level, list[str]] = defaultdict(list)

    def has_merged(self, table: Table) -> bool:
        """Whether files of a table have been merged: what is left of them at the end is worth it too."""
        return any(path == table.path and times for path, _, times in self._files)

    def add(self, table: Table, files: Iterable[str], run_id: str) -> int | None:
        """Take in the files of a commit, named as they are on disk; returns the version of the last merging, if any.

        Where another writer has a hand in it, or no room is left, the files stay as they are.
        """
        version = None
        levels = set()
        for file in files:
            level = (table.path, file.rpartition("/")[0], 0)
            self._files[level].append(file)
            levels.add(level)
        for level in sorted(levels):
            while len(self._files[level]) >= FILES:
                small = [file for file in live_files(table, self._files.pop(level)) if file.size < SMALL]
                merged = _merged(table, small, run_id)
                if merged is None:
                    break
                version = table.version
                level = (*level[:2], level[2] + 1)
                self._files[level].append(merged.path)
        return version


def _merged(table: Table, files: list[DataFile], run_id: str) -> DataFile | None:
    """One file in the place of several; None: they stay."""
    if len(files) < FILES // 2:  # most are large, or another run has taken them away
        return None
    with suppress(ConflictError, StoreError, OSError):
        return merge(table, files, run_id)
    return None
