"""Commits that are tried until no other writer comes first.

In: a table's snapshot, an attempt. Out: what the attempt gave. Knows no rows.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from .delta import Table
from .delta_errors import ConflictError

T = TypeVar("T")


def until_first(target: Table, attempt: Callable[[], T]) -> T:
    """Try a commit until no other writer comes first, each time on what is there then."""
    while True:
        try:
            return attempt()
        except ConflictError:
            time.sleep(random.uniform(0.01, 0.2))  # noqa: S311  (spreads writers out; guards nothing)
            target.refresh()
