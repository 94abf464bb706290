"""Numbers as people write them: with currencies, percents, thousands apart, and brackets for negatives.

In: SQL of a text, and the mark that stands before fractions. Out: SQL. Reads nothing.
"""

from collections.abc import Iterable

from ..core.sql import literal

CURRENCY = (
    r"(?:R\$|US\$|[$€£¥₽₹₺₴₩฿]|USD|EUR|GBP|CHF|JPY|CNY|RUB|RUR|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|TRY|KRW|ZAR|"
    "kr|zł|\u0440\u0443\u0431)"
)
"""Signs and codes of currencies."""

_CODES = {
    "€": "EUR", "$": "USD", "US$": "USD", "£": "GBP", "¥": "JPY CNY", "₽": "RUB", "RUR": "RUB",
    "\u0440\u0443\u0431": "RUB", "₹": "INR", "₺": "TRY", "₩": "KRW", "R$": "BRL", "zł": "PLN", "kr": "SEK NOK DKK",
}  # fmt: skip
"""What a sign, or an older code, may stand for; of a dollar that of the United States alone."""

MINUS = "[-\u2212]"

GAP = "[ \u00a0\u202f'\u2019]"
"""What stands between thousands besides points and commas."""

WRITINGS = {
    ".": rf"(?:\d{{1,3}}(?:(?:,|{GAP})\d{{3}})+|\d+)(?:\.\d+)?|\.\d+",  # 1,234.56
    ",": rf"(?:\d{{1,3}}(?:(?:\.|{GAP})\d{{3}})+|\d+)(?:,\d+)?",  # 1.234,56
}
"""How numbers are written, by what stands before the fraction."""


def number_pattern(mark: str) -> str:
    """The regular expression of a number with a sign, a currency or a percent sign somewhere about it."""
    around, number = rf"\s*(?:{CURRENCY}|%)?\s*", WRITINGS[mark]
    return rf"\s*(?:(?:\+|{MINUS})?{around}(?:\+|{MINUS})?(?:{number}){around}-?|\({around}(?:{number}){around}\))\s*"


def is_one_currency(units: Iterable[str]) -> bool:
    """Whether signs and codes may all stand for one currency: € and EUR do, $ and CAD do not.

    Examples
    --------
    >>> is_one_currency(["EUR", "€"]), is_one_currency(["kr", "SEK"]), is_one_currency(["$", "CAD"])
    (True, True, False)
    """
    return bool(set.intersection(*(set(_CODES.get(unit, unit).split()) for unit in units)))


def plain_number(text: str, mark: str) -> str:
    """SQL of the text as a plain number; null where it is none.

    Examples
    --------
    >>> import duckdb
    >>> duckdb.sql(f"SELECT {plain_number('v', '.')} FROM (VALUES ('($1,234.50)'), ('see note 5')) AS t(v)").fetchall()
    [('-1234.50',), (None,)]
    """
    digits = f"regexp_replace({text}, '[^0-9{mark}]', '', 'g')"
    digits = f"replace({digits}, ',', '.')" if mark == "," else digits
    sign = f"CASE WHEN regexp_matches({text}, '^\\s*\\(|{MINUS}') THEN '-' ELSE '' END"
    return f"CASE WHEN regexp_full_match({text}, {literal(number_pattern(mark))}) THEN {sign} || {digits} END"
