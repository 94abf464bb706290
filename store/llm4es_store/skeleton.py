"""What a first creation leaves that was killed before its first commit: folders, and a file that was being written.

In: the folder of a store that does not open. Out: whether it is such a skeleton. Knows no tables but the record.
"""

import os
import re
from pathlib import Path

_FOLDERS = ("tables", "tables/runs", "tables/runs/_delta_log", "tables/runs/_checksums", "running")
_STAGED = re.compile(r"tables/runs/_delta_log/0{20}\.json#\d+")
_NOTE = re.compile(r"tables/runs/_checksums/0{20}\.(json|part)")
_FIRST = f"tables/runs/_delta_log/{0:020d}.json"


def is_skeleton(root: Path) -> bool:
    """Whether a folder holds nothing but what a killed creation leaves; the first strange name ends the look.

    The first entry of the log may be there too where a power cut emptied or cut it: no table can be built on it.
    """
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        if any((below / name).as_posix() not in _FOLDERS or (below / name).is_symlink() for name in folders):
            return False
        if any(not _is_ours((below / name).as_posix()) for name in files):
            return False
    return root.is_dir()


def clear(root: Path) -> None:
    """Make room for a first entry of the log. Files that are being written stay: another process may be at it."""
    first = root / _FIRST
    if first.exists():  # cut short: a whole one would have been opened
        first.unlink()
        (root / "tables/runs/_checksums" / first.name).unlink(missing_ok=True)  # of that entry


def remove_staged(root: Path) -> None:
    """Remove the files that the killed creation was writing."""
    for staged in (root / _FIRST).parent.glob("*.json#*"):
        staged.unlink(missing_ok=True)


def no_store_in(folder: Path) -> str:
    """Why a folder that is not empty is no store."""
    if (folder / "tables").is_dir() and (folder / "running").is_dir():
        return f"{folder} has tables and no record of runs: restore tables/runs from a copy, or name another store"
    return f"{folder} is not a store and not empty: name a new folder, or an existing store, with --store"


def _is_ours(name: str) -> bool:
    return name == _FIRST or any(known.fullmatch(name) for known in (_STAGED, _NOTE))
