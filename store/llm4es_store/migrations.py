"""Older store formats, brought up to date one step at a time.

In: the catalog of a store of an older format. Out: the same store in this code's format. Each step is one function,
numbered by the format that it starts from; a step must be safe to run again, since it may have been killed before the
store said so.
"""

from collections.abc import Callable
from contextlib import suppress

from llm4es.core.errors import StoreError

from . import layout
from .catalog import Catalog
from .delta_errors import ConflictError
from .store_format import check_format, described

Migration = Callable[[Catalog], None]

MIGRATIONS: dict[int, Migration] = {}
"""Format -> the function that turns a store of it into one of the next. Empty: format 1 is the first."""


def migrate(catalog: Catalog) -> None:
    """Take a store to this code's format; each step is recorded when it is done."""
    for number in range(catalog.format, layout.FORMAT):
        if number not in MIGRATIONS:
            raise StoreError(
                f"store {catalog.layout.root} has format {number}, which this llm4es no longer migrates: "
                "open it with an older llm4es first"
            )
        MIGRATIONS[number](catalog)
        raise_format(catalog, number + 1)


def raise_format(catalog: Catalog, number: int) -> None:
    """Say that a store is of this format, unless it is already: who knows only older ones refuses it from now on."""
    while catalog.format < number:
        catalog.runs.refresh()
        catalog.format = check_format(catalog.runs, catalog.layout.root)
        if catalog.format < number:
            with suppress(ConflictError):  # another writer came first: look again
                catalog.runs.describe(described(number))
