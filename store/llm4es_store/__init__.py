"""The feature store of llm4es: versioned Delta tables in a folder or bucket, queried through DuckDB.

from llm4es_store import Store
store = Store("llm4es-store")
store.sql("SELECT model, k, count(*) FROM embeddings GROUP BY ALL").df()
"""

from .delta import Scope
from .layout import TABLES, events_table, events_view
from .plan import Plan, Reason
from .running import Run
from .store import Store

__all__ = ["TABLES", "Plan", "Reason", "Run", "Scope", "Store", "events_table", "events_view"]
