"""A consistent copy of a store that others may be writing to: versions are pinned first, then files are copied.

In: a store, a new folder. Out: the same store there, as it was at one moment. Writes nothing to the store.
"""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from llm4es.core.errors import StoreError
from llm4es.core.hashing import file_hash

from . import checksums
from .catalog import Catalog
from .check_table import files_of
from .log import REMEDY, actions, entries
from .recovery import mark_killed_runs
from .remote_folders import remote_filesystem

_VERSION = re.compile(r"(\d{20})[.-]")

COPIED = pa.schema([("what", pa.string()), ("version", pa.int64()), ("files", pa.int64()), ("bytes", pa.int64())])


@dataclass(frozen=True)
class Pin:
    """One table at one moment."""

    path: str
    version: int
    files: dict[str, int]
    """Data file of this version -> bytes."""


def copy(store: Catalog, to: str | Path, advance: Callable[[int], None] = lambda _: None) -> pa.Table:
    """Copy a store into a new folder, every version that it can still read included.

    Parameters
    ----------
    store : Catalog
        Which may be written to meanwhile.
    to : str or Path
        A folder that is empty or not there yet. It appears when it is whole.
    advance : callable, optional
        Takes how many more bytes were copied.

    Returns
    -------
    pyarrow.Table
        (what, version, files, bytes): a row a table, and one each for tuned models and raw files.

    Raises
    ------
    StoreError
        For a folder that holds something, a table that is damaged, and a file that is not what was written.

    Examples
    --------
    >>> from llm4es_store import Store
    >>> from llm4es_store.copy import copy
    >>> store = Store("example-copied", create=True)
    >>> copy(store, "example-copy").to_pylist()[0]["what"]
    'runs'
    >>> Store("example-copy").datasets()
    []
    """
    target = Path(to).expanduser().absolute()
    if "://" in str(to) or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise StoreError(f"cannot copy to {to}: give a folder that is empty or not there yet")
    source = StoreFiles(store)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        rows = [_table(source, name, pin, partial, advance) for name, pin in pinned(store).items()]
        for kind in ("models", "raw"):
            sizes = [
                size for name in source.names(kind) if (size := source.fetch(f"{kind}/{name}", partial)) is not None
            ]
            rows.append({"what": kind, "version": None, "files": len(sizes), "bytes": sum(sizes)})
        (partial / "running").mkdir()  # whoever was writing is not writing there
        mark_killed_runs(Catalog(partial))
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        raise StoreError(
            f"cannot copy to {to}: {error.strerror or error}: check its permissions and free space"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return pa.Table.from_pylist(rows, COPIED)


def pinned(store: Catalog) -> dict[str, Pin]:
    """Every table as it was at one moment: none older than the record says, no row of a run that it does not know."""
    while True:
        record = store.table("runs")
        before = store.runs.version
        damaged = store.damaged()
        if damaged:
            raise StoreError(next(iter(damaged.values())))
        tables = {
            name: table for name in store.snapshot() if name != "runs" and (table := store.table(name)) is not None
        }
        pins = {name: Pin(table.path, table.version, files_of(table)) for name, table in tables.items()}
        store.runs.refresh()
        if record is not None and store.runs.version == before:
            return {"runs": Pin(record.path, before, files_of(record)), **pins}


def _table(source: "StoreFiles", name: str, pin: Pin, target: Path, advance: Callable[[int], None]) -> dict[str, Any]:
    """Copy a table up to a version: its log last, so that what it names is there."""
    below, moved, total = f"tables/{name}", 0, 0
    known = checksums.kept(pin.path).files
    there = source.names(below)
    logs = [each for each in there if each.startswith("_delta_log/") and is_until(each, pin.version)]
    for each in logs:
        source.fetch(f"{below}/{each}", target)
    earlier = _named(str(target / below)) - pin.files.keys()
    notes = {each for each in there if each.startswith(f"{checksums.FOLDER}/") and is_until(each, pin.version)}
    for each in [*pin.files, *sorted((earlier & {*there}) | notes)]:
        size = source.fetch(f"{below}/{each}", target)
        if each in pin.files:
            _refuse_other(name, each, target / below / each, pin.files[each], known.get(each))
        moved, total = moved + 1, total + (size or 0)
        advance(size or 0)
    _note_newest(str(target / below), pin.version)
    return {"what": name, "version": pin.version, "files": moved, "bytes": total}


def _note_newest(copied: str, version: int) -> None:
    """Note the checksums of what the newest commit added, where its writer had not come to that when it was copied."""
    if version not in checksums.kept(copied).entries:
        checksums.keep(copied, version)


def _refuse_other(name: str, file: str, copied: Path, size: int, digest: str | None) -> None:
    """Raise where a copied file is not what was written."""
    if not copied.exists():
        raise StoreError(f"table {name}: its file {file} is gone: `llm4es check` says whether it was dropped meanwhile")
    if copied.stat().st_size != size or (digest is not None and file_hash(copied) != digest):
        raise StoreError(f"table {name} is damaged: its file {file} is not what was written: {REMEDY}")


def is_until(name: str, version: int) -> bool:
    """Whether a file of a log, or a note of checksums, is of a version up to this one."""
    found = _VERSION.match(name.rpartition("/")[2])
    return found is not None and int(found[1]) <= version and "#" not in name


def _named(table: str) -> set[str]:
    """The data files that the entries of a copied log have ever added."""
    named: set[str] = set()
    for entry in entries(table).values():
        with suppress(ValueError):
            named |= {checksums.decoded(action["add"]["path"]) for action in actions(entry) if "add" in action}
    return named


class StoreFiles:
    """The files of a store, wherever it lies."""

    def __init__(self, store: Catalog) -> None:
        self.root, self._files = store.layout.root, remote_filesystem(store.layout)

    @property
    def is_remote(self) -> bool:
        """Whether they lie in a bucket."""
        return self._files is not None

    def names(self, folder: str) -> list[str]:
        """Every file below a folder, relative to it; what others are writing just now begins with a dot."""
        return sorted(name for name in self._all(folder) if not name.startswith("."))

    def _all(self, folder: str) -> Iterator[str]:
        if self._files is not None:
            base = f"{self.root.partition('://')[2]}/{folder}/"
            yield from (path.partition(base)[2] for path in self._files.find(base))
            return
        root = Path(self.root) / folder
        yield from (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def fetch(self, name: str, target: Path) -> int | None:
        """Copy a file; its bytes, None where it has gone meanwhile."""
        copied = target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        try:
            if self._files is not None:
                self._files.get_file(f"{self.root.partition('://')[2]}/{name}", str(copied))
            else:
                shutil.copyfile(Path(self.root) / name, copied)
        except FileNotFoundError:
            return None
        return copied.stat().st_size
