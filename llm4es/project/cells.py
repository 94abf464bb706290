"""Values as cells of a table.

In: a value. Out: text. Knows no table; imports nothing heavy.
"""

from typing import Any


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
    ('0.1235', '', '[1, 2, ... 5 values]')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        small = value and abs(value) < 1e-4
        return f"{value:.4g}" if abs(value) >= 1e5 or small else f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, list) and len(value) > 4:
        return f"[{shown(value[0])}, {shown(value[1])}, ... {len(value)} values]"
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)
