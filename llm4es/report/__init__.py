"""report: tables -> one self-contained HTML page with the pictures.

In: ``ReportData``, a plain dataclass of tables. Out: the page as text. Opens no file and no connection; knows no store.
Needs the extra ``llm4es[report]``.
"""

from .data import ReportData
from .page import render

__all__ = ["ReportData", "render"]
