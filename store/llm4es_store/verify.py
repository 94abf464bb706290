"""Files compared with their checksums before a query reads them.

In: a catalog, a query. Out: nothing, or a StoreError that names the file. Knows no rows.
"""

import re
from collections.abc import Iterable, Iterator

from llm4es.core.errors import StoreError
from llm4es.core.tables import EVENTS

from .catalog import Catalog
from .check_table import check_files
from .delta import Table
from .finding import Level
from .log import REMEDY
from .time_travel import At, state_at

_INDIRECT = re.compile(r"\b(query|query_table|json_execute_serialized_sql)\s*\(", re.IGNORECASE)
_THROUGH = {"nearest": "embeddings", "embedding_of": "layers"}
"""Macro -> the table that it reads."""


def verify(catalog: Catalog, text: str, at: At | None = None) -> None:
    """Compare every file of the tables that a query names with its checksum.

    Parameters
    ----------
    catalog : Catalog
        The store.
    text : str
        The query.
    at : int, datetime or str, optional
        The store as it was then.

    Raises
    ------
    StoreError
        For a file that is gone, of another size, or not what was written.

    Examples
    --------
    >>> from llm4es_store import Store
    >>> from llm4es_store.verify import verify
    >>> verify(Store("example-verify", create=True), "SELECT * FROM texts")
    """
    versions = catalog.snapshot() if at is None else state_at(catalog.record(), at)[1]
    for name in _named(versions, text):
        table = Table.open(catalog.layout.table(name), versions[name])
        for finding in check_files(table, name, lambda _: None) if table is not None else ():
            if finding.level is Level.DAMAGED:
                raise StoreError(f"table {name} is damaged: {finding.finding}: {finding.file}: {REMEDY}")


def _named(tables: Iterable[str], text: str) -> Iterator[str]:
    """The tables whose names stand in a query; all where names may be put together there."""
    words = {word.lower() for word in re.findall(r"\w+", text)}
    words |= {table for macro, table in _THROUGH.items() if macro in words}
    for name in tables:
        is_events = name.startswith(f"{EVENTS}/") and any(word.startswith(EVENTS) for word in words)
        if name in words or is_events or _INDIRECT.search(text):
            yield name
