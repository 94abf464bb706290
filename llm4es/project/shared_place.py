"""Whether a worker elsewhere sees the store that its driver sees, in the package that its driver has.

In: a store's folder or URI. Out: a file in it, for as long as work is done; an error where somebody does not see it.
Knows no cluster.
"""

import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..core.errors import WorkerError
from ..core.version import __version__

_BEGINNING = ".shared-"

_OLD = timedelta(days=1)
"""After which nobody works on."""


@dataclass(frozen=True)
class SharedPlace:
    """A file that the driver has left in a store, and what the driver is."""

    store: str
    """Folder or URI."""

    name: str
    """Of the file."""

    version: str = __version__
    """The driver's package."""

    @classmethod
    @contextmanager
    def of(cls, store: str) -> "Iterator[SharedPlace]":
        """Leave a file in the store, a folder or URI, and take it away in the end.

        Examples
        --------
        >>> with SharedPlace.of(str(project.store.layout.root)) as place:
        ...     place.check()
        >>> SharedPlace("no-such-store", "file").check()
        Traceback (most recent call last):
        llm4es.core.errors.WorkerError: the store no-such-store is not seen by the worker on ...
        """
        place = cls(store, f"{_BEGINNING}{secrets.token_hex(8)}")
        files, folder = place._folder()
        with suppress(OSError):  # what drivers that were killed have left
            for path in files.ls(folder, detail=False):
                if Path(path).name.startswith(_BEGINNING) and datetime.now(UTC) - files.modified(path) > _OLD:
                    files.rm_file(path)
        files.pipe_file(f"{folder}/{place.name}", place.name.encode())
        try:
            yield place
        finally:
            with suppress(OSError):
                files.rm_file(f"{folder}/{place.name}")

    def check(self) -> None:
        """Raise WorkerError where this process does not see the file, or is of another version of the package."""
        node = platform.node()
        if __version__ != self.version:
            raise WorkerError(
                f"the worker on {node} has llm4es {__version__} and this machine {self.version}: install the same"
            )
        try:
            files, folder = self._folder()
            seen = files.cat_file(f"{folder}/{self.name}") == self.name.encode()
        except (OSError, ImportError, ValueError):
            seen = False
        if not seen:
            raise WorkerError(
                f"the store {self.store} is not seen by the worker on {node}: every worker needs it under the same "
                "name, on a disk that all share or in a bucket (s3://...)"
            )

    def _folder(self) -> tuple[Any, str]:
        """The file system that the store lies in, and where in it."""
        import fsspec

        protocol, _, folder = self.store.rpartition("://")
        return fsspec.filesystem(protocol or "file"), folder
