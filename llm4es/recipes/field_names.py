"""Names of columns as names of fields, which are columns of tables everywhere.

In: a name in any script. Out: lower-case letters, digits and underscores, and not taken. Knows no frame and no file.
"""

import re
import unicodedata
from collections.abc import Collection

from .model import RESERVED


def field_name(name: str, used: Collection[str]) -> str:
    """A column's name as a field's that is neither in use nor a column that every event has."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", ascii_letters(name)).lower()
    plain = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_")
    plain = plain if plain and not plain[0].isdigit() else f"column_{plain}".rstrip("_")
    while plain in used or plain in RESERVED:
        plain += "_"
    return plain


def slug(name: str) -> str:
    """A text as the name of a dataset; '' where no letter of it can stand in one."""
    return re.sub(r"[^a-z0-9._-]+", "-", ascii_letters(name).lower()).strip("-._")


def ascii_letters(name: str) -> str:
    """Letters without their marks; those of other scripts are lost."""
    return unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
