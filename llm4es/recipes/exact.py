"""Numbers of raw data that a float does not hold: which of them are refused, and which are told of.

In: SQL of a raw value and of the float that it becomes, and the type of its column. Out: SQL conditions. A value is
held where the float, written in as few digits as tell it from all others, is the value again. Reads nothing.
"""

from .times import Doubt

BIG = 2**53
"""Floats tell all whole numbers below it apart."""

LONG = 15
"""Characters that a float always holds."""

HELD = frozenset({"DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "BOOLEAN"})
"""Column types all of whose values are floats already, or fit one."""


def shortest(raw: str) -> str:
    """A column of single precision as the numbers that it shows: 0.1, and not 0.10000000149011612."""
    return f"CAST(CAST({raw} AS VARCHAR) AS DOUBLE)"


def is_lost(raw: str, number: str, type: str, decimals: int | None) -> str:
    """The condition of a value that would be written as another one."""
    text, of_float = f"CAST({raw} AS VARCHAR)", f"CAST({number} AS VARCHAR)"
    differs = f"{_digits(text)} <> {_digits(of_float)}"
    if decimals is not None:
        rounded = [f"TRY_CAST({each} AS DECIMAL(38, {decimals}))" for each in (text, of_float)]
        differs = f"coalesce({rounded[0]} <> {rounded[1]}, {differs})"
    elif type == "VARCHAR":  # digits behind the point that no float tells apart are common, and told only
        differs = f"abs({number}) >= {BIG} AND {differs}"
    return f"CASE WHEN length({text}) > {LONG} THEN {differs} ELSE false END"


def rounded_doubt(raw: str, number: str) -> Doubt:
    """Texts with more digits behind the point than a float has."""
    text = f"CAST({raw} AS VARCHAR)"
    differs = f"abs({number}) < {BIG} AND {_digits(text)} <> {_digits(f'CAST({number} AS VARCHAR)')}"
    says = 'have more digits than a float holds, and are rounded to about 17: type = "text" keeps them'
    return Doubt(f"CASE WHEN length({text}) > {LONG} THEN {differs} ELSE false END", says)


def _digits(text: str) -> str:
    """The digits of a number between the first and the last that is not 0."""
    mantissa = f"regexp_replace({text}, '[eE].*$', '')"
    return f"rtrim(ltrim(regexp_replace({mantissa}, '[^0-9]', '', 'g'), '0'), '0')"
