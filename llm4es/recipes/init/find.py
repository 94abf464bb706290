"""The files that somebody means: one, those of a folder, or those of a glob.

In: what was typed. Out: paths, and what a recipe calls them. Opens no file.
"""

import glob
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError
from ..kinds.kind import FOREIGN
from ..kinds.packing import ENDINGS


@dataclass(frozen=True)
class Found:
    """Files of one table."""

    paths: tuple[Path, ...]
    patterns: tuple[Path, ...]
    """What stands for them in a recipe: the file, or a glob that later files fall under too."""
    name: str
    """What they are called together."""
    doubts: tuple[str, ...] = ()


def find(typed: Path) -> Found:
    """The files that a path, a folder or a glob stands for."""
    if typed.is_file():
        return Found((typed,), (typed,), typed.name)
    if typed.is_dir():
        return _in_folder(typed)
    paths = tuple(path for path in map(Path, sorted(glob.glob(str(typed), recursive=True))) if path.is_file())  # noqa: PTH207
    if not paths:
        raise DataError(f"no file at {typed}: give the table of events, a CSV or Parquet file, a folder or a glob")
    return Found(paths, (typed,), next((part for part in typed.parts[::-1] if not glob.has_magic(part)), "events"))


def _in_folder(folder: Path) -> Found:
    """The files of the commonest ending in a folder, or in the folders below it where it has none itself."""
    for pattern in ("*", "**/*"):
        files = [path for path in sorted(folder.glob(pattern)) if path.is_file() and path.name[0] not in "._"]
        files = [path for path in files if path.suffix.lower() not in FOREIGN]
        if files:
            break
    else:
        raise DataError(f"there is no file in the folder {folder}: give a CSV or Parquet file, a folder or a glob")
    ending = Counter(map(_ending, files)).most_common(1)[0][0]
    chosen = [path for path in files if _ending(path) == ending]
    others = [path.name for path in files if _ending(path) != ending]
    doubts = (
        (f"path: of {folder} the files {pattern}{ending} are taken, and not {', '.join(others[:3])}",) if others else ()
    )
    return Found(tuple(chosen), (folder / f"{pattern}{ending}",), folder.absolute().name, doubts)


def _ending(path: Path) -> str:
    """What a file's name ends in, with what packs it."""
    return "".join(path.suffixes[-2:]) if path.suffix.lower() in ENDINGS else path.suffix
