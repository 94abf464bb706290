"""One hash for the rows of many entities: what is made of them is known by it.

In: a store, a query of entities and the hashes of what each row was made from. Out: a hash. Knows no table.
"""

import hashlib
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from ..core.limits import FRUGAL

if TYPE_CHECKING:
    from llm4es_store import Store

ROWS_AT_ONCE = 20_000


def content_hash(store: "Store", rows: str) -> str | None:
    """SHA-256 of ``entity_id:source_hash``, a line an entity, sorted by id.

    The lines go by in batches: as one value of SQL they would be text of a hundred bytes an entity, of which DuckDB
    takes no more than 4 GB.

    Parameters
    ----------
    store : Store
        Which is asked.
    rows : str
        SELECT of ``entity_id`` and ``source_hash``; rows without a hash are left out.

    Returns
    -------
    str or None
        64 digits; None where there are no rows.

    Examples
    --------
    >>> rows = "SELECT unnest(['b', 'a']) AS entity_id, unnest(['2', '1']) AS source_hash"
    >>> content_hash(project.store, rows) == hashlib.sha256(b"a:1\\nb:2").hexdigest()
    True
    >>> content_hash(project.store, f"{rows} LIMIT 0")
    """
    digest, separator = hashlib.sha256(), ""
    query = f"SELECT entity_id, source_hash FROM ({rows}) WHERE source_hash IS NOT NULL ORDER BY entity_id"
    for batch in store.sql(query, limits=FRUGAL).to_arrow_reader(ROWS_AT_ONCE):
        if batch.num_rows:
            lines = pc.binary_join_element_wise(batch["entity_id"], batch["source_hash"], ":")
            digest.update((separator + "\n".join(lines.to_pylist())).encode())
            separator = "\n"
    return digest.hexdigest() if separator else None
