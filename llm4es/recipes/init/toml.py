"""Pieces of a recipe's TOML: strings, blocks, and examples for comments.

In: values of any characters. Out: text. Knows nothing of recipes.
"""

import json
import re
from collections.abc import Sequence

from .column_profile import ColumnProfile


def toml_text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(column: ColumnProfile) -> str:
    """Some values, for a comment."""
    shown = ", ".join(repr(value[:30]) for value in column.examples[:3])
    return re.sub(r"[\x00-\x1f\x7f]", " ", shown)


def block(lines: Sequence[str], comment: str = "") -> str:
    """A field of a recipe, with a comment behind its head."""
    return "[[fields]]" + (f" {comment}" if comment else "") + "\n" + "\n".join(lines) + "\n"
