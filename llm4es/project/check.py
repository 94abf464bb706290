"""The step ``check``: a whole store looked at, tuned models' weights included.

In: where a store is. Out: findings. Writes only to repair.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import Llm4esError, one_line
from ..core.hashing import file_hash
from ..models.folders import adapter_fingerprint, folder_fingerprint
from ..options import Method
from .observer import Advance, Observer
from .result import Result

if TYPE_CHECKING:
    from llm4es_store.finding import Finding

_MEGABYTE = 10**6
_FULL = Method.FULL.value


def check(root: str | Path, observer: Observer, *, repair: bool = False) -> Result:
    """Look at every table, file, checksum, key and tuned model of a store, and at its record of runs.

    Parameters
    ----------
    root : str or Path
        Where the store is.
    observer : Observer
        Hears how far it is, and a summary.
    repair : bool, default False
        Put right what is safe.

    Returns
    -------
    Result
        A row a finding: ``level`` (damaged, untidy, mended, note), ``what``, ``file``, ``finding``, ``remedy``; none
        where all is well.

    Raises
    ------
    StoreError
        Where there is no store.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> len(check(project.store.layout.root, Null()))
    0
    """
    from llm4es_store.check import check as look
    from llm4es_store.finding import FINDINGS

    @contextmanager
    def progress(total: int) -> Iterator[Advance]:
        """Bytes as whole megabytes: people read them."""
        done = 0
        with observer.progress("check", max(1, total // _MEGABYTE), "MB") as advance:

            def bytes_done(more: int) -> None:
                nonlocal done
                advance((done + more) // _MEGABYTE - done // _MEGABYTE)
                done += more

            yield bytes_done

    found = [*look(root, repair=repair, progress=progress)]
    found = [*_weights(root), *found]
    if not found:
        observer.say(f"{root}: nothing is damaged, nothing is left over")
    return Result(pa.Table.from_pylist([finding.row() for finding in found], FINDINGS))


def needs_care(findings: Result) -> bool:
    """Whether anything is lost, may be wrong, or waits for a repair.

    Parameters
    ----------
    findings : Result
        As ``check`` gives them.

    Returns
    -------
    bool
        False where there are notes only.

    Examples
    --------
    >>> needs_care(project.check())
    False
    """
    return bool({"damaged", "untidy"} & {row["level"] for row in findings})


def _weights(root: str | Path) -> "Iterator[Finding]":
    """Tuned models whose weights are not those that were tuned; every file is read, whatever was remembered of it."""
    from llm4es_store import Store
    from llm4es_store.finding import Finding, Level

    try:
        store = Store(root)
        if store.layout.is_remote:
            return
        columns = "model, path, method, base_fingerprint, fingerprint"
        rows = store.sql(f"SELECT {columns} FROM models WHERE path IS NOT NULL").fetchall()
    except Llm4esError:
        return  # the store itself has said so
    for model, path, method, base, fingerprint in rows:
        folder = store.layout.folder("models") / Path(path).name
        if not folder.is_dir():
            continue  # the store itself has said so
        try:
            full = method == _FULL
            now = folder_fingerprint(folder, file_hash) if full else adapter_fingerprint(folder, base, file_hash)
        except (Llm4esError, OSError) as error:
            told = f"the model's weights cannot be read ({one_line(error)})"
        else:
            if now == fingerprint:
                continue
            told = "the model's weights are not those that were tuned: their fingerprint differs"
        yield Finding(Level.DAMAGED, f"model {model}", path, told, "restore them from a copy, or tune it again")
