"""How exported features may lie in a file. Imports nothing heavy: the command line reads it."""

from enum import StrEnum


class TableLayout(StrEnum):
    """How exported features lie."""

    WIDE = "wide"  # entity_id, then one column a number; null where an entity lacks the features
    LONG = "long"  # entity_id, features, vector
