"""A store to rehearse on: another store's tables in a folder of their own, whose data files are links to its files.

In: a store, an empty folder. Out: a store that can be written to like any other. What is written there nobody else
sees, and nothing of the first store changes: the files of a table are never changed once they are there.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb

from llm4es.core.limits import Limits

from .catalog import Catalog
from .copy import StoreFiles, is_until, pinned
from .read_only_files import ReadOnlyFiles
from .sql import connect
from .store import Store
from .views import View

LOG = "_delta_log/"


class RehearsalStore(Store):
    """A store whose data files may be links, as those of ``rehearsal_of`` are."""

    def _connected(self, views: Mapping[str, View], limits: Limits | None, text: str) -> duckdb.DuckDBPyConnection:
        return connect(views, _LinkedFiles(self.layout.root), limits or self.limits, text)


class _LinkedFiles(ReadOnlyFiles):
    """The tables of one store, also over links: this package has made them."""

    def _place(self, path: str) -> str:
        return self._named(path)


def rehearsal_of(store: Catalog, folder: Path) -> RehearsalStore:
    """A store with the rows of another one, as they are now.

    Of a local store nothing is copied but links; of one in a bucket the files of its tables are fetched.

    Parameters
    ----------
    store : Catalog
        Whose rows; others may write to it meanwhile.
    folder : Path
        An empty folder; whoever made it removes it.

    Returns
    -------
    RehearsalStore
        Open.

    Raises
    ------
    StoreError
        For a table that is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from llm4es_store import Store
    >>> store = Store("example-rehearsed", create=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     other = rehearsal_of(store, Path(folder))
    ...     with other.run("embed", "shop", {}, "0.1"):
    ...         pass
    ...     other.datasets(), store.datasets()
    (['shop'], [])
    """
    source = StoreFiles(store)
    for name, pin in pinned(store).items():
        below = f"tables/{name}"
        logs = [each for each in source.names(f"{below}/{LOG.rstrip('/')}") if is_until(each, pin.version)]
        for each in [*pin.files, *(LOG + each for each in logs)]:
            _link(source, f"{below}/{each}", folder)
    remote, models = store.remote_folders(), store.layout.folder("models")
    if remote is not None:
        for name in remote.names():
            remote.download(name)
    for model in models.iterdir() if models.is_dir() else ():
        link(Path(os.path.abspath(model)), folder / "models" / model.name)  # noqa: PTH100  # links stay links
    (folder / "running").mkdir()
    return RehearsalStore(folder)


def link(file: Path, place: Path) -> None:
    """Have a file or folder at another place too; where the system makes no links it is copied."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(file)
    except OSError:
        if file.is_dir():
            shutil.copytree(file, place)
        else:
            shutil.copyfile(file, place)


def _link(source: StoreFiles, name: str, folder: Path) -> None:
    if source.is_remote:
        source.fetch(name, folder)
    else:
        link(Path(os.path.abspath(source.root)) / name, folder / name)  # noqa: PTH100  # links stay links
