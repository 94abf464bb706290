"""The writings of times that are tried, as strptime patterns.

In: nothing. Out: patterns, and for each a regular expression that tells quickly whether a value may be written so.
"""

import re
from functools import cache
from itertools import product

CLOCKS = ("", "%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")
"""Times of day behind a date; '' is none."""

DAYS = (
    "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%m/%d/%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d",
    "%d.%m.%y", "%d/%m/%y", "%d-%m-%y", "%m/%d/%y", "%m-%d-%y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d %B %Y", "%d. %B %Y", "%d %b %y", "%d%b%Y", "%d%b%y",
    "%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%Y %b %d", "%Y-%b-%d",
    "%a %d %b %Y", "%a, %d %b %Y", "%a %b %d %Y", "%a, %b %d, %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%A %d %B %Y",
)  # fmt: skip
"""Dates; where two orders of day and month would do, the day comes first."""

WHOLE = (
    "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z", "%d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M:%S %Z",
    "%d/%b/%Y:%H:%M:%S %z", "[%d/%b/%Y:%H:%M:%S %z]", "%d/%b/%Y:%H:%M:%S", "%d%b%Y:%H:%M:%S", "%d%b%y:%H:%M:%S",
    "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Z %Y",
    "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d", "%Y%m%d %H%M%S", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ", "%Y%m%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S,%f", "%Y-%m-%d-%H.%M.%S.%f", "%Y-%m-%d-%H.%M.%S", "%Y:%m:%d %H:%M:%S",
    "%H:%M:%S %d.%m.%Y", "%H:%M %d.%m.%Y",
)  # fmt: skip
"""Times that are no date with a time of day behind it: mails, logs, SAS, C, digits only, DB2, cameras."""

COARSE = ("%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y/%m", "%Y%m", "%Y")
"""Months and years."""

PATTERNS = (*WHOLE, *(f"{day} {clock}".strip() for day, clock in product(DAYS, CLOCKS)), *COARSE)

PARTS = {
    "%d": r"\s?\d{1,2}", "%m": r"\d{1,2}", "%Y": r"\d{4}", "%y": r"\d{2}", "%H": r"\d{1,2}", "%I": r"\d{1,2}",
    "%M": r"\d{2}", "%S": r"\d{2}", "%f": r"\d{1,6}", "%p": r"[AaPp][Mm]", "%b": r"[A-Za-z]{3}", "%B": r"[A-Za-z]{3,9}",
    "%a": r"[A-Za-z]{3}", "%A": r"[A-Za-z]{6,9}", "%z": r"[+-]\d\d:?\d\d", "%Z": r"[A-Z]{1,5}",
}  # fmt: skip
"""What stands for each part of a pattern."""


@cache
def shapes() -> dict[str, re.Pattern[str]]:
    """Each pattern as a regular expression; of digits without anything between them only whole parts fit."""
    return {pattern: re.compile(_shape(pattern)) for pattern in PATTERNS}


def _shape(pattern: str) -> str:
    glued = re.fullmatch(r"(%[YmdHMS])+.*", pattern) is not None and "%m%d" in pattern
    pieces = re.split(r"(%[A-Za-z])", pattern)
    return "".join(
        (r"\d{2}" if glued and piece in ("%d", "%m", "%H") else PARTS[piece]) if piece in PARTS else re.escape(piece)
        for piece in pieces
    )
