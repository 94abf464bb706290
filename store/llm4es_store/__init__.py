"""The feature store of llm4es: versioned Delta tables in a folder or bucket, queried through DuckDB.

    from llm4es_store import Store
    store = Store("llm4es-store")
    store.sql("SELECT model, k, count(*) FROM embeddings GROUP BY ALL").df()

Names are loaded when they are first used, so that ``llm4es --help`` pays for none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layout import TABLES
    from .live import comparing, in_order, live_rows
    from .run import Run
    from .store import Store

_HOMES = {
    "TABLES": "layout",
    "Run": "run",
    "Store": "store",
    "comparing": "live",
    "in_order": "live",
    "live_rows": "live",
}

__all__ = ["TABLES", "Run", "Store", "comparing", "in_order", "live_rows"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
