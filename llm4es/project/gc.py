"""The step ``gc``: what nobody needs any more, dropped.

In: a store, how long versions stay. Out: rows of what went. Knows no table.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.version import __version__
from .old_versions import drop_old_versions
from .result import Result

if TYPE_CHECKING:
    from llm4es_store import Store


def gc(store: "Store", older_than: int, *, models: bool, dry_run: bool) -> Result:
    """Drop files that only old versions of the store need, and with ``models`` older versions of models first.

    Parameters
    ----------
    store : Store
        Which one.
    older_than : int
        Days that versions of the store stay.
    models : bool
        Also drop versions of models that have a newer one and that nothing needs.
    dry_run : bool
        Count only.

    Returns
    -------
    Result
        A row a table, ``what`` and ``files``; with ``models`` also a row a version, and how many ``rows`` of it went.

    Raises
    ------
    StoreError
        While anybody writes, with ``models`` or less than a week.

    Examples
    --------
    >>> gc(project.store, 30, models=True, dry_run=True).to_pylist()[0]
    {'what': 'runs', 'files': 0, 'rows': None}
    """
    from llm4es_store.maintenance import vacuum

    versions = drop_old_versions(store, dry_run=dry_run) if models else []
    files = vacuum(store, older_than, dry_run, __version__)
    if not models:
        return Result(files)
    schema = pa.schema([*files.schema, ("rows", pa.int64())])
    told = [{"files": None, **row} for row in versions] + [{**row, "rows": None} for row in files.to_pylist()]
    return Result(pa.Table.from_pylist(told, schema))
