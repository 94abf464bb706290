"""What ``export`` gives: rows for other tools, and what their columns stand for.

In: rows. Out: a result. Knows no step and no file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from .result import Result


class Exported(Result):
    """An export, and what has to be known of it.

    Examples
    --------
    >>> Exported(pa.table({"entity_id": ["a"]}), {"dataset": "shop"}).about
    {'dataset': 'shop'}
    """

    def __init__(self, table: pa.Table, about: Mapping[str, Any], parts: Sequence[str] = ()) -> None:
        super().__init__(table)
        self.about = dict(about)
        """What stands in the file beside an export: ``dataset``, ``version`` of the store, ``columns`` (name ->
        ``features`` and ``column``), ``feature_sets`` (name -> theirs); with ``since`` also who is ``gone``."""
        self.partition_by = tuple(parts)
        """Columns that have folders of their own."""
