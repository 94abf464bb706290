"""A local table's Delta log as files: which entries there are, and the first that cannot be trusted.

In: the folder of a table. Out: entries, and a fault in words. The Delta library skips an empty entry in silence, and of
a damaged one it names neither file nor remedy. Knows no rows.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REMEDY = "restore it from a copy; `llm4es check` lists all that is damaged"
"""What to do about a damaged file."""

_ENTRY = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.[0-9.]+)?\.parquet")
_ACTIONS = {"add", "remove", "metaData", "protocol", "txn", "commitInfo", "cdc", "domainMetadata"}
"""What a line of an entry may be: the library skips any other word."""


@dataclass(frozen=True)
class LogFault:
    """An entry of a log that cannot be trusted."""

    version: int
    """The version that it would make; those before it can be read."""
    file: str
    """Below the table's folder."""
    words: str
    """What is wrong with it."""
    is_last: bool
    """Whether no later entry builds on it."""


def folder_of(table: str) -> Path:
    """Where a table's log lies."""
    return Path(table) / "_delta_log"


def entry_path(table: str, version: int) -> Path:
    """The file of one commit."""
    return folder_of(table) / f"{version:020d}.json"


def is_missing(table: str) -> bool:
    """Whether there is no log: told by one look, where the library tries and fails. Of a bucket nothing is known."""
    return "://" not in table and not os.path.exists(f"{table}/_delta_log")  # noqa: PTH110  # as below


def is_newest(table: str, version: int) -> bool:
    """Whether nobody has committed after a version, as far as two looks tell: the library reads the log, and that for
    each of twenty tables whenever a store's views are asked for. Of a bucket nothing is known."""
    return "://" not in table and _is_there(table, version) and not _is_there(table, version + 1)


def entries(table: str) -> dict[int, Path]:
    """Version -> file, ascending, of the entries that are there."""
    return _numbered(table, _ENTRY)


def checkpoints(table: str) -> dict[int, Path]:
    """Version -> file, ascending, of the checkpoints that are there."""
    return _numbered(table, _CHECKPOINT)


def actions(entry: Path) -> list[dict[str, Any]]:
    """What an entry says. Raises ValueError where it is empty, cut short or damaged."""
    # statistics hold values as they are, and line breaks of other scripts do not end an entry's line
    lines = [line for line in entry.read_text(encoding="utf-8").split("\n") if line]
    if not lines:
        raise ValueError("is empty, which is what a power cut leaves")
    try:
        read = [json.loads(line) for line in lines]
    except ValueError as error:
        raise ValueError("is cut short or damaged") from error
    if not all(isinstance(action, dict) and action.keys() <= _ACTIONS for action in read):
        raise ValueError("holds a word that no log has")
    return read


def log_fault(table: str) -> LogFault | None:
    """The first entry that cannot be trusted, from the newest checkpoint on; None: all can, or there is no log."""
    there = entries(table)
    if not there:
        return None
    first = max(checkpoints(table), default=-1) + 1
    last = max(there)
    for version in range(first, last + 1):
        if version not in there:
            return LogFault(version, _name(version), "is missing", version == last)
        try:
            actions(there[version])
        except (ValueError, OSError) as error:
            words = str(error) if isinstance(error, ValueError) and "\n" not in str(error) else "cannot be read"
            words = "is cut short or damaged" if isinstance(error, UnicodeDecodeError) else words
            return LogFault(version, _name(version), words, version == last)
    return None


def is_empty(table: str, version: int) -> bool:
    """Whether the entry of a version is there without a byte; commits are moved into place, so none is ever half
    written by us."""
    try:
        return os.stat(_entry(table, version)).st_size == 0  # noqa: PTH116  # as above
    except OSError:
        return False


def _is_there(table: str, version: int) -> bool:
    return os.path.exists(_entry(table, version))  # noqa: PTH110  # a Path costs twice the look, and looks are many


def _entry(table: str, version: int) -> str:
    return f"{table}/{_name(version)}"


def _name(version: int) -> str:
    return f"_delta_log/{version:020d}.json"


def _numbered(table: str, pattern: re.Pattern[str]) -> dict[int, Path]:
    folder = folder_of(table)
    names = folder.iterdir() if folder.is_dir() else ()
    found = ((match, path) for path in names if (match := pattern.fullmatch(path.name)))
    return dict(sorted((int(match.group(1)), path) for match, path in found))
