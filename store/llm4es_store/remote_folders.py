"""Folders of files: in a local store they lie where they are made, a remote one keeps copies below its root.

In: a layout, a file system for its scheme, a folder's name. Out: a local folder. Knows no models.
"""

import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llm4es.core.errors import StoreError

from .layout import StoreLayout

_LOST = {"models": ("weights", "tune the model again"), "raw": ("raw files", "hand the frame in again")}
"""Kind of folder -> what is missing where one is gone, and what to do."""


def remote_filesystem(layout: StoreLayout) -> Any | None:
    """The fsspec file system of a remote store, None for a local one. Raises StoreError where none can be had."""
    if not layout.is_remote:
        return None
    import fsspec  # only remote stores need it

    try:  # a listing that is kept would hide what others have written since
        return fsspec.filesystem(layout.root.partition("://")[0], use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise StoreError(f"store {layout.root}: {error}: pip install 'llm4es[s3]' for s3://") from error


class RemoteFolders:
    """The folders below ``ROOT/<kind>/`` of a remote store, and their copies in the cache."""

    def __init__(self, layout: StoreLayout, filesystem: Any, kind: str = "models") -> None:
        self._files, self._kind = filesystem, kind
        self._remote = f"{layout.root.partition('://')[2]}/{kind}"
        self._local = layout.folder(kind)

    def upload(self, name: str) -> None:
        """Copy a finished local folder to the store; done before any row names it."""
        folder = self._local / name
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._files.put_file(str(path), f"{self._remote}/{name}/{path.relative_to(folder).as_posix()}")

    def download(self, name: str) -> Path:
        """The local copy of a folder, fetched where there is none yet. Raises StoreError where the store lacks it."""
        folder = self._local / name
        if folder.exists():
            return folder
        found = self._files.find(f"{self._remote}/{name}")
        if not found:
            what, remedy = _LOST[self._kind]
            raise StoreError(f"the {what} {self._remote}/{name} are gone: {remedy}, or restore them")
        partial = self._local / f".{name}.{secrets.token_hex(4)}"
        try:
            for path in found:
                target = partial / path.partition(f"{self._remote}/{name}/")[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(path, str(target))
            if not folder.exists():
                partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    def names(self) -> dict[str, datetime]:
        """Folder -> when anything in it was last written, of every folder in the store."""
        newest: dict[str, datetime] = {}
        for path, info in self._files.find(self._remote, detail=True).items():
            name = path.partition(f"{self._remote}/")[2].partition("/")[0]
            written = info.get("LastModified") or info.get("created") or datetime.now(UTC)
            newest[name] = max(newest.get(name, written), written)
        return newest

    def remove(self, name: str) -> None:
        """Drop a folder from the store."""
        self._files.rm(f"{self._remote}/{name}", recursive=True)
