"""Which format a store is of: the description of its table ``runs`` says so.

In: that table. Out: a number. Knows no other table.
"""

import json

from llm4es.core.errors import StoreError

from . import layout
from .delta import Table


def described(number: int) -> str:
    """The description that the table ``runs`` of a store of this format bears."""
    return json.dumps({"llm4es store format": number})


def check_format(runs: Table, root: str) -> int:
    """The format of the store at ``root``. Raises StoreError for a newer one, and for a table that is not ours."""
    try:
        number = int(json.loads(runs.description)["llm4es store format"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{root} holds a table 'runs' that llm4es did not make: name another folder with --store"
        ) from error
    known = max(layout.FORMAT, layout.FORMAT_WITH_CODES)
    if number > known:
        raise StoreError(f"store {root} has format {number}, this llm4es knows up to {known}: upgrade it")
    return number
