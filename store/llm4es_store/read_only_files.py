"""A store's files under a scheme of their own, ``store://tables/...``, which are opened to be read and no other way.

In: a root, and the file system that it lies on. Out: an fsspec file system for DuckDB. It is the wall of the sandbox:
DuckDB's own ``allowed_directories`` are for reading and for writing alike, and a query that the parser takes for a
SELECT may write. What is not below ``tables/``, or is a link, is not there.
"""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem  # heavy

from .layout import SCHEME

_TABLES = "tables"


class ReadOnlyFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The tables of one store. ``remote`` is the fsspec file system of its root; None: the root is a local folder."""

    protocol = SCHEME
    cachable = False  # fsspec would keep every instance, and with it every store, for ever

    def __init__(self, root: str, remote: Any | None = None) -> None:
        super().__init__()
        self._root, self._remote, self.is_local = root, remote, remote is None
        self._opened: dict[str, os.stat_result] = {}  # local path -> what it was when it was last opened
        self._folders: set[str] = set()  # local folders that are reached over no link: files are many, these are few

    def open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        """A file, to be read. Raises PermissionError for every other mode."""
        if mode.replace("b", "") != "r":
            raise PermissionError(f"{path} is disabled by configuration: the files of a store are only read")
        place = self._place(path)
        try:
            if self._remote is not None:
                return _SharedFile(self._remote.open(place, "rb"))
            file = _LocalFile(place) if hasattr(os, "pread") else _SharedFile(Path(place).open("rb"))  # noqa: SIM115
            self._opened[path] = os.stat(place)  # noqa: PTH116  # a Path costs as much again, and there are many
            return file
        except OSError as error:
            known = "No files found" if isinstance(error, FileNotFoundError) else str(error)
            raise type(error)(f'{known}: "{path}"') from error

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size and kind of a file."""
        if self._remote is not None:
            return {**self._remote.info(self._place(path)), "name": path}
        return {"name": path, "size": self._stat(path).st_size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """When a file was last written."""
        if self._remote is not None:
            moment: datetime = self._remote.modified(self._place(path))
            return moment
        return datetime.fromtimestamp(self._stat(path).st_mtime, UTC)

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is such a file."""
        try:
            self.info(path)
        except OSError:
            return False
        return True

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file itself, there or not: views name each of theirs, and nobody else is to look around."""
        self._named(path)
        return [path]

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Nothing: no folder can be looked into."""
        return []

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Refused, as ``rm`` and ``mv`` are."""
        raise PermissionError(f"{path} is disabled by configuration: the files of a store are only read")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Refused."""
        self.mkdir(path)

    def rm(self, path: str, *_: Any, **__: Any) -> None:
        """Refused."""
        self.mkdir(path)

    rm_file = rmdir = touch = rm

    def mv(self, path1: str, path2: str, **_: Any) -> None:
        """Refused."""
        self.mkdir(path2)

    cp_file = copy = move = mv

    def _stat(self, path: str) -> os.stat_result:
        """Size and times of a local file. The files of a table never change: of one that was opened they are known."""
        known = self._opened.get(path)
        return Path(self._place(path)).stat() if known is None else known

    def _named(self, path: str) -> str:
        """Where a file would lie. Raises PermissionError for whatever is no plain file name below ``tables/``."""
        name = path.removeprefix(f"{SCHEME}://")
        parts = name.split("/")
        if parts[0] != _TABLES or not {"", ".", ".."}.isdisjoint(parts):
            raise PermissionError(f"{path} is disabled by configuration: it is no file of a table")
        return f"{self._root}/{name}"

    def _place(self, path: str) -> str:
        """Where a file really lies. Raises PermissionError as ``_named``, and for what is reached over a link."""
        place = self._named(path)
        is_link = self._remote is None and os.path.islink(place)  # noqa: PTH114  # as above
        if is_link or (self._remote is None and not self._is_real(place.rpartition("/")[0])):
            raise PermissionError(f"{path} is disabled by configuration: it is no file of a table")
        return place

    def _is_real(self, folder: str) -> bool:
        """Whether a local folder is reached over no link. No query can make one, so it is asked once a folder."""
        if folder not in self._folders and os.path.realpath(folder) == os.path.normpath(folder):
            self._folders.add(folder)
        return folder in self._folders


class _OpenFile:
    """An open file with a place of its own for every thread: DuckDB reads one file with several at once."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}  # thread -> the byte where it reads next

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte, counted from the beginning or from where the thread is."""
        at = offset + (self.tell() if whence == os.SEEK_CUR else 0)
        self._at[threading.get_ident()] = at
        return at

    def tell(self) -> int:
        """The byte where this thread reads next."""
        return self._at.get(threading.get_ident(), 0)

    def read(self, size: int) -> bytes:
        """The next bytes."""
        at = self.tell()
        found = self._read(size, at)
        self._at[threading.get_ident()] = at + len(found)
        return found

    def _read(self, size: int, at: int) -> bytes:
        raise NotImplementedError


class _LocalFile(_OpenFile):
    """A local file, which several threads read at the same time."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file: int | None = None
        self._file = os.open(path, os.O_RDONLY)

    def _read(self, size: int, at: int) -> bytes:
        return os.pread(self._file, size, at) if self._file is not None else b""

    def close(self) -> None:
        """Give the file back."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    __del__ = close


class _SharedFile(_OpenFile):
    """Any file, which one thread reads at a time."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file, self._lock = file, threading.Lock()

    def _read(self, size: int, at: int) -> bytes:
        with self._lock:
            self._file.seek(at)
            found: bytes = self._file.read(size)
        return found

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
