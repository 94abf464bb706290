"""Whether a worker elsewhere sees the store that its driver sees, in the package that its driver has.

In: a store's folder or URI. Out: a file in it, for as long as work is done; an error where somebody does not see it.
Knows no cluster.
"""

import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import WorkerError
from ..core.version import __version__


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
        place = cls(store, f".shared-{secrets.token_hex(8)}")
        with place._opened("wb") as file:
            file.write(place.name.encode())
        try:
            yield place
        finally:
            with suppress(OSError):
                place._remove()

    def check(self) -> None:
        """Raise WorkerError where this process does not see the file, or is of another version of the package."""
        node = platform.node()
        if __version__ != self.version:
            raise WorkerError(
                f"the worker on {node} has llm4es {__version__} and this machine {self.version}: install the same"
            )
        try:
            with self._opened("rb") as file:
                seen = file.read() == self.name.encode()
        except (OSError, ImportError, ValueError):
            seen = False
        if not seen:
            raise WorkerError(
                f"the store {self.store} is not seen by the worker on {node}: every worker needs it under the same "
                "name, on a disk that all share or in a bucket (s3://...)"
            )

    def _opened(self, mode: str) -> Any:
        if "://" in self.store:
            return self._bucket().open(f"{self.store.partition('://')[2]}/{self.name}", mode)
        return (Path(self.store) / self.name).open(mode)

    def _remove(self) -> None:
        if "://" in self.store:
            self._bucket().rm_file(f"{self.store.partition('://')[2]}/{self.name}")
        else:
            (Path(self.store) / self.name).unlink()

    def _bucket(self) -> Any:
        import fsspec

        return fsspec.filesystem(self.store.partition("://")[0])
