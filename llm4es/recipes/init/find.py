"""The files that somebody means: one, those of a folder, or those of a glob.

In: what was typed. Out: paths, and what a recipe calls them. Opens no file.
"""

import glob
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError, did_you_mean
from ..kinds.kind import FOREIGN
from ..kinds.packing import ENDINGS
from ..locate import escaped


@dataclass(frozen=True)
class Found:
    """Files of one table."""

    paths: tuple[Path, ...]
    patterns: tuple[Path, ...]
    """What stands for them in a recipe: the file, or a glob that later files fall under too."""
    name: str
    """What they are called together."""
    doubts: tuple[str, ...] = ()


def find(typed: Path, what: str = "the table of events") -> Found:
    """The files that a path, a folder or a glob stands for; ``what`` they hold."""
    if typed.is_file():
        return Found((typed,), (typed,), typed.name)
    if typed.is_dir():
        return _in_folder(typed)
    paths = tuple(path for path in map(Path, sorted(glob.glob(escaped(typed), recursive=True))) if path.is_file())  # noqa: PTH207
    if not paths:
        near = did_you_mean(typed.name, _beside(typed))
        raise DataError(f"no file at {typed}: give {what}, a CSV or Parquet file, a folder or a glob{near}")
    known = [folder for folder in typed.parents if folder.name and folder.exists()]
    return Found(paths, (typed,), known[0].name if known else "events")


def _beside(typed: Path) -> list[str]:
    """What lies where a file is not that was typed."""
    try:
        return sorted(path.name for path in typed.parent.iterdir() if path.name[0] != ".")
    except OSError:
        return []


def _in_folder(folder: Path) -> Found:
    """The files of the commonest ending in a folder, or in the folders below it where it has none itself."""
    for pattern in ("*", "**/*"):
        files = [path for path in sorted(folder.glob(pattern)) if path.is_file() and path.name[0] not in "._"]
        files = [path for path in files if path.suffix.lower() not in FOREIGN]
        if files:
            break
    else:
        raise DataError(f"there is no file in the folder {folder}: give a CSV or Parquet file, a folder or a glob")
    counted = Counter(_ending(path).lower() for path in files)
    ending = max(counted, key=lambda each: (each.split(".")[1:2] != ["md"] and bool(each), counted[each]))
    chosen = [path for path in files if _ending(path).lower() == ending]
    others = [path.name for path in files if _ending(path).lower() != ending]
    endings = sorted({_ending(path) for path in chosen}, reverse=True)
    doubts = (
        (f"path: of {folder} the files {pattern}{ending} are taken, and not {', '.join(others[:3])}",) if others else ()
    )
    patterns = tuple(folder / f"{pattern}{each}" for each in endings)
    return Found(tuple(chosen), patterns, folder.absolute().name, doubts)


def told_by_folders(paths: Sequence[Path]) -> dict[str, str]:
    """What names of folders say of the rows below them, as Spark and pandas part tables: names, each with a value."""
    told = [dict(part.split("=", 1) for part in path.parts[:-1] if "=" in part) for path in paths]
    names = dict.fromkeys(name for each in told for name in each)
    return {name: str(told[0].get(name)) for name in names if len({each.get(name) for each in told}) > 1}


def _ending(path: Path) -> str:
    """What a file's name ends in, with what packs it."""
    return "".join(path.suffixes[-2:]) if path.suffix.lower() in ENDINGS else path.suffix
