"""Commits that outlive a power cut: the Delta library leaves it to the system when its files reach the disk.

In: the folder of a local table and a version just committed. Out: nothing; its files, its entry in the log and their
folders are on the disk. Knows no rows.
"""

import json
import os
import urllib.parse
from contextlib import suppress
from pathlib import Path


def flush(table: str, version: int) -> None:
    """Force one commit to the disk. Object stores need none of it, and a log entry that is gone needs it no more.

    Parameters
    ----------
    table : str
        Folder of a Delta table, or the URI of one in an object store.
    version : int
        Delta's version that the commit made.

    Examples
    --------
    >>> from llm4es_store import Store
    >>> from llm4es_store.fsync import flush
    >>> store = Store("example-flush", create=True)
    >>> flush(store.layout.table("runs"), 0)  # its files and its entry in the log are on the disk now
    """
    if "://" in table:
        return
    root = Path(table)
    entry = root / "_delta_log" / f"{version:020d}.json"
    try:
        # statistics hold values as they are, and line breaks of other scripts do not end an entry's line
        actions = [json.loads(line) for line in entry.read_text(encoding="utf-8").split("\n") if line]
    except FileNotFoundError:
        return  # another process has compacted the log since
    added = [root / urllib.parse.unquote(action["add"]["path"]) for action in actions if "add" in action]
    for file in added:
        with suppress(FileNotFoundError):  # another process has compacted and collected it since
            _sync(file)
    for folder in {file.parent for file in added}:
        _sync_folder(folder)
    _sync(entry)
    _sync_folder(entry.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        _sync(folder)
