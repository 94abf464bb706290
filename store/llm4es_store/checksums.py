"""A checksum of every data file and log entry, kept beside each commit: a flipped bit changes numbers in silence.

In: a table's path, a version just committed. Out: ``_checksums/<version>.json`` below the table, where no reader of
Delta looks; later the checksums by file. Knows no rows.
"""

import hashlib
import json
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm4es.core.hashing import file_hash

from .layout import StoreLayout
from .log import entry_path
from .remote_folders import remote_filesystem

FOLDER = "_checksums"


@dataclass
class Checksums:
    """What was kept for a table."""

    files: dict[str, str] = field(default_factory=dict)
    """Data file, below the table's folder -> SHA-256."""
    entries: dict[int, str] = field(default_factory=dict)
    """Version -> SHA-256 of its entry in the log."""
    unreadable: list[str] = field(default_factory=list)
    """Notes, by the names of their files, that are damaged themselves."""
    lost: int | None = None
    """The first version whose entry was lost, and that nobody waits for any more."""


def keep(table: str, version: int) -> list[str]:
    """Note the checksums of what a commit added; returns its files.

    The commit stands: where they cannot be noted, ``check`` says so, and no files are known.
    """
    with suppress(Exception):
        return _keep_remote(table, version) if "://" in table else _keep_local(table, version)
    return []


def keep_first(table: str) -> None:
    """Note the checksum of a new local table's first entry, which says what its columns are."""
    first = Path(table) / FOLDER / f"{0:020d}.json"
    if "://" not in table and not first.exists():
        keep(table, 0)


def set_aside(table: str, after: int) -> None:
    """Keep the notes of a local table's versions after this one as those of lost entries: what they name may be wanted
    yet, and is not expected any more."""
    for note in (Path(table) / FOLDER).glob("*.json"):
        if note.stem.isdigit() and int(note.stem) > after:
            files = json.loads(note.read_text())["files"]
            _write(note.with_name(f"{note.stem}-lost.json"), {"files": files})
            note.unlink()


def kept(table: str) -> Checksums:
    """The checksums of a table."""
    found = Checksums()
    for name, text in _notes(table).items():
        version, _, kind = name.removesuffix(".json").partition("-")
        try:
            note = json.loads(text)
            found.files |= note["files"]
            if not kind:
                found.entries[int(version)] = note["log"]
            elif kind == "lost":
                found.lost = min(int(version), found.lost or int(version))
        except (ValueError, KeyError, TypeError, AttributeError):
            found.unreadable.append(name)
    return found


def forget(table: str, note: str) -> None:
    """Take a local table's note that cannot be read out of the way."""
    path = Path(table) / FOLDER / note
    path.replace(path.with_suffix(".unreadable"))


def add(table: str, version: int, files: Mapping[str, str]) -> None:
    """Note checksums of files that came without, in a local table."""
    _write(Path(table) / FOLDER / f"{version:020d}-added.json", {"files": dict(files)})


def hash_of(table: str, file: str) -> str:
    """SHA-256 of a file below the table. Raises OSError where it cannot be read."""
    if "://" not in table:
        return file_hash(Path(table) / file)
    with _remote(table).open(f"{_bare(table)}/{file}", "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _keep_local(table: str, version: int) -> list[str]:
    entry = entry_path(table, version).read_bytes()
    files = {name: file_hash(Path(table) / name) for name in _added(entry)}
    _write(Path(table) / FOLDER / f"{version:020d}.json", _note(entry, files))
    return list(files)


def _keep_remote(table: str, version: int) -> list[str]:
    files, root = _remote(table), _bare(table)
    entry = files.cat_file(f"{root}/_delta_log/{version:020d}.json")
    sums = {name: hash_of(table, name) for name in _added(entry)}
    files.pipe_file(f"{root}/{FOLDER}/{version:020d}.json", json.dumps(_note(entry, sums)).encode())
    return list(sums)


def _note(entry: bytes, files: Mapping[str, str]) -> dict[str, Any]:
    return {"log": hashlib.sha256(entry).hexdigest(), "files": dict(files)}


def _added(entry: bytes) -> list[str]:
    """The data files that an entry of the log adds."""
    actions = [json.loads(line) for line in entry.split(b"\n") if line]
    return [decoded(action["add"]["path"]) for action in actions if "add" in action]


def decoded(path: str) -> str:
    """A data file's path as it is on disk: the log's is percent-encoded once."""
    return urllib.parse.unquote(path)


def _write(path: Path, note: Mapping[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(note))
    part.replace(path)


def _notes(table: str) -> dict[str, str]:
    """Name -> content of every note."""
    if "://" not in table:
        folder = Path(table) / FOLDER
        return {path.name: path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.json"))}
    files, folder_ = _remote(table), f"{_bare(table)}/{FOLDER}"
    with suppress(FileNotFoundError):
        return {
            path.rpartition("/")[2]: files.cat_file(path).decode("utf-8", "replace")
            for path in files.ls(folder_, detail=False)
        }
    return {}


def _remote(table: str) -> Any:
    return remote_filesystem(StoreLayout(table))


def _bare(table: str) -> str:
    return table.partition("://")[2]
