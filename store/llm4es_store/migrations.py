"""Older store formats, brought up to date one step at a time.

In: a store of an older format. Out: the same store in this code's format. Each step is one function, numbered by the
format that it starts from; a step must be safe to run again, since it may have been killed before the store said so.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from llm4es.core.errors import StoreError

from . import layout

if TYPE_CHECKING:
    from .store import Store

Migration = Callable[["Store"], None]

MIGRATIONS: dict[int, Migration] = {}
"""Format -> the function that turns a store of it into one of the next. Empty: format 1 is the first."""


def migrate(store: "Store", made_by: int, say_format: Callable[[int], None]) -> None:
    """Take a store from the format ``made_by`` to this code's; each step is recorded when it is done."""
    for number in range(made_by, layout.FORMAT):
        if number not in MIGRATIONS:
            raise StoreError(
                f"store {store.layout.root} has format {number}, which this llm4es no longer migrates: "
                "open it with an older llm4es first"
            )
        MIGRATIONS[number](store)
        say_format(number + 1)
