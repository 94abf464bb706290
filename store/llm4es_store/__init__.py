"""The feature store of llm4es: versioned Delta tables in a folder or bucket, queried through DuckDB.

    from llm4es_store import Store
    store = Store("llm4es-store")
    store.sql("SELECT model, k, count(*) FROM embeddings GROUP BY ALL").df()

Names are loaded when they are first used, so that ``llm4es --help`` pays for none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm4es.core.entities import among
    from llm4es.core.plan import Plan, Reason
    from llm4es.core.sql import Scope, where
    from llm4es.core.tables import events_table, events_view

    from .layout import TABLES
    from .run import Run
    from .store import Store

_HOMES = {
    "Scope": "delta",
    "where": "delta",
    "TABLES": "layout",
    "events_table": "layout",
    "events_view": "layout",
    "Plan": "plan",
    "Reason": "plan",
    "Run": "running",
    "among": "running",
    "Store": "store",
}

__all__ = ["TABLES", "Plan", "Reason", "Run", "Scope", "Store", "among", "events_table", "events_view", "where"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
