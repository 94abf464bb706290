"""Where a recipe's raw files are.

In: a recipe and, perhaps, a folder. Out: the files of one of its layouts, all there and named by their contents; where
no folder is given they are fetched, verified and kept. Opens them only to hash them: knows nothing of what is inside.
"""

import functools
import glob
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core import downloads as fetch
from ..core.cache_folder import cache_dir
from ..core.errors import DataError, FetchError
from ..core.hashing import canonical_json, file_hash, text_hash
from .model import FileLayout, RawTable, Recipe
from .outside import refuse_link, refuse_outside

COMPRESSED = ("", ".gz")
"""Endings that a file may have besides its name."""


@dataclass(frozen=True)
class Beyond:
    """The rows of a table that are not read yet."""

    column: str
    """Of the files."""

    condition: str
    """SQL of our own making."""


@dataclass(frozen=True)
class Source:
    """The raw files of a dataset: one layout of them, found."""

    layout: str
    """Name of the layout."""

    files: dict[str, tuple[Path, ...]]
    """The files of each table, in reading order."""

    beyond: Mapping[str, Beyond] = field(default_factory=dict)
    """Tables of which only the rows beyond some value are read."""

    partial: bool = False
    """Only what came in addition: that it is nothing is no error."""

    before: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Files whose rows were read before: columns that only they have are there, and missing in ``files``."""

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash over the files' contents, not over where they lie or when they were written."""
        return text_hash(canonical_json([self.layout, self.contents]))

    @functools.cached_property
    def contents(self) -> dict[str, list[str]]:
        """Table -> hash of each file's content."""
        return {table: [file_hash(path) for path in paths] for table, paths in sorted(self.files.items())}


def locate(recipe: Recipe, data: Path | None = None, *, allow_outside: bool = False) -> Source:
    """The recipe's raw files: in ``data``, else beside the recipe itself, else fetched into the cache.

    Parameters
    ----------
    recipe : Recipe
        Of several layouts the first whose files are all there is taken.
    data : Path, optional
        Folder of the raw files. Default: the recipe's own ``folder``; where they are not there, and the recipe says
        where they can be had, they are fetched once.
    allow_outside : bool, default False
        Take files that lie outside that folder, as an absolute path, ``..`` or a symbolic link may lead there.

    Returns
    -------
    Source
        The layout's name and the files of each table; ``fingerprint`` hashes their contents.

    Raises
    ------
    DataError
        There is no such folder, a file is missing from it, empty, or outside of it, or the data cannot be fetched.
    FetchError
        The download failed.

    Examples
    --------
    >>> import tempfile
    >>> from llm4es.recipes import load_recipe
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("transactions_train.csv", "train_target.csv", "small_group_description.csv"):
    ...     _ = (folder / name).write_text("a,b\\n1,2\\n")
    >>> source = locate(load_recipe("age"), folder)
    >>> sorted(source.files), len(source.fingerprint)
    (['events', 'groups', 'targets'], 64)
    """
    folder = data if data is not None else recipe.folder
    can_be_had = any(layout.fetch for layout in recipe.all_layouts.values())
    if folder is not None and (data is not None or not can_be_had or _is_there(recipe, folder, allow_outside)):
        return _in_folder(recipe, folder, allow_outside)
    kept = cache_dir() / "data" / recipe.name
    if folder is not None:  # anybody's recipe may have that name
        kept = kept.with_name(f"{recipe.name}-{recipe.content_hash()[:16]}")
    reasons = []
    for name, layout in recipe.all_layouts.items():  # what an earlier run has fetched is taken first
        if (kept / name).is_dir() and not _lacking(layout, kept / name):
            return _source(name, layout, kept / name, allow_outside=False)
    for name, layout in recipe.all_layouts.items():
        for at, origin in enumerate(layout.fetch):
            try:
                if origin.url is not None:
                    archive = fetch.download(origin.url, origin.digest, kept / f"{name}-{at}{Path(origin.url).suffix}")
                    fetch.unpack(archive, origin.members, kept / name)
                elif origin.wheel is not None:
                    fetch.wheel_files(origin.wheel, origin.digest, origin.members, kept / name)
            except FetchError as error:
                reasons.append(str(error))
                continue
            return _in_folder(recipe, kept / name, allow_outside=False)
    if reasons:
        raise FetchError(
            f"cannot fetch the data of {recipe.name!r}: {'; '.join(reasons)}; or give its folder with --data"
        )
    raise DataError(
        f"the data of {recipe.name!r} cannot be fetched: give the folder that holds "
        f"{' or '.join(_wanted(layout) for layout in recipe.all_layouts.values())} with --data"
    )


def _is_there(recipe: Recipe, folder: Path, allow_outside: bool) -> bool:
    """Whether the files of some layout are all in a folder."""
    for layout in recipe.all_layouts.values():
        if not allow_outside:
            refuse_outside(layout, folder)
        if not _lacking(layout, folder):
            return True
    return False


def _in_folder(recipe: Recipe, folder: Path, allow_outside: bool) -> Source:
    """The first layout whose files are all in a folder."""
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: give the one that holds the raw files with --data")
    for layout in () if allow_outside else recipe.all_layouts.values():
        refuse_outside(layout, folder)
    lacking = {name: _lacking(layout, folder) for name, layout in recipe.all_layouts.items()}
    for name, layout in recipe.all_layouts.items():
        if not lacking[name]:
            return _source(name, layout, folder, allow_outside)
    what = " or ".join(f"{missing[0]} (layout {name!r})" for name, missing in lacking.items())
    raise DataError(f"{folder} does not hold the data of {recipe.name!r}: there is no {what}: give theirs with --data")


def _source(name: str, layout: FileLayout, folder: Path, allow_outside: bool) -> Source:
    files = {table: tuple(_found(spec, folder)) for table, spec in layout.tables.items()}
    for table, paths in () if allow_outside else files.items():
        for path in paths:
            refuse_link(table, path, folder)
    for path in (path for paths in files.values() for path in paths):
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty: replace it by the whole file")
    return Source(name, files)


def _found(table: RawTable, folder: Path) -> list[Path]:
    """The files of a table that are there, in order; globs sorted by name."""
    found: list[Path] = []
    for pattern in table.path:
        found += _matches(pattern, folder)
    return list(dict.fromkeys(found))


def _matches(pattern: str, folder: Path) -> list[Path]:
    """The files that a path or glob stands for; of several compressions of one file, the first of COMPRESSED."""
    full = folder / Path(pattern).expanduser()
    for ending in COMPRESSED:
        if (path := Path(f"{full}{ending}")).is_file():
            return [path]
    found = glob.glob(escaped(full), recursive=True)  # noqa: PTH207
    return [path for path in map(Path, sorted(found)) if path.is_file()]


def escaped(pattern: Path) -> str:
    """A pattern in which the folders that are there as they are written stand for themselves: '[2026] data/*.csv'."""
    known = next((parent for parent in pattern.parents if parent.exists()), Path())
    return str(Path(glob.escape(str(known))) / pattern.relative_to(known))


def _lacking(layout: FileLayout, folder: Path) -> list[str]:
    """Paths of a layout that no file in the folder stands for."""
    needed = [path for table in layout.tables.values() for path in table.path if path not in table.optional]
    return [path for path in needed if not _matches(path, folder)]


def _wanted(layout: FileLayout) -> str:
    return ", ".join(path for table in layout.tables.values() for path in table.path if path not in table.optional)
