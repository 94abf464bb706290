"""Values as text: cells of a table, CSV, JSON.

In: values. Out: text. Knows no table; imports nothing heavy.
"""

import csv
import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TextIO


def shown(value: Any) -> str:
    """A cell: figures to four places, long lists to their ends.

    Parameters
    ----------
    value
        Any; None is an empty cell.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> shown(0.123456), shown(None), shown([1.0, 2.0, 3.0, 4.0, 5.0])
    ('0.1235', '', '[1, 2, … 5]')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        small = value and abs(value) < 1e-4
        return f"{value:.4g}" if abs(value) >= 1e5 or small else f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, list) and len(value) > 4:
        return f"[{_in_short(value[0])}, {_in_short(value[1])}, … {len(value)}]"
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)


def _in_short(value: Any) -> str:
    """A number of many, of which only the size matters."""
    return shown(float(f"{value:.2g}")) if isinstance(value, float) else shown(value)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def write_csv(
    names: Sequence[str], rows: Iterable[Sequence[Any]], file: TextIO, *, spreadsheet_safe: bool = False
) -> None:
    """Rows as CSV: nothing where there is no value, lists as JSON.

    Parameters
    ----------
    names : sequence of str
        The header.
    rows : iterable of sequences
        A value a column each.
    file : text file
        Where to.
    spreadsheet_safe : bool, default False
        Put an apostrophe before texts that a spreadsheet would take for a formula.

    Examples
    --------
    >>> import sys
    >>> write_csv(["id", "tags"], [["c1", ["a", "b"]], ["c2", None]], sys.stdout)
    id,tags
    c1,"[""a"", ""b""]"
    c2,
    """
    writer = csv.writer(_Lines(file), lineterminator="\r\n")
    safe = _unlike_formula if spreadsheet_safe else lambda value: value
    writer.writerow([safe(name) for name in names])
    for row in rows:
        writer.writerow(["" if value is None else cell(safe(value)) for value in row])


class _Lines:
    """A file whose lines end in a line feed: csv puts quotes around what its own line end holds, and before Python 3.13
    around no other. A carriage return without them ends a row for those who read it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """A row as csv hands it on, whole."""
        self._file.write(f"{row[:-2]}\n")


def _unlike_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def cell(value: Any) -> str:
    """A value as text in a CSV.

    Parameters
    ----------
    value
        Any; times become ISO 8601, lists and structs JSON.

    Returns
    -------
    str
        Nothing of it is shortened.

    Examples
    --------
    >>> cell(0.1), cell([1, None])
    ('0.1', '[1, null]')
    """
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, list | dict):
        return json.dumps(_finite(value), default=_plain, ensure_ascii=False)
    return str(value)


def as_json(rows: Any) -> str:
    """Rows as JSON that any reader takes: what is no number (NaN, infinity) has no word there and becomes null.

    Parameters
    ----------
    rows
        Lists, dicts and what a table holds.

    Returns
    -------
    str
        Indented, with a line feed at the end.

    Examples
    --------
    >>> print(as_json([{"value": float("nan")}]), end="")
    [
     {
      "value": null
     }
    ]
    """
    return json.dumps(_finite(rows), default=_plain, ensure_ascii=False, indent=1) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """What JSON has no type for: decimals as numbers (DuckDB's sums are), times in ISO 8601, anything else as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
