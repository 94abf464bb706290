"""How figures are written for people: everywhere the same, on a terminal, in Markdown, in a notebook, on a page.

In: numbers. Out: text for a cell. Machines read the numbers themselves.
"""

from collections.abc import Callable


def number(value: float) -> str:
    """Three decimals, none where the unit is small.

    Examples
    --------
    >>> number(0.61234), number(1234.5)
    ('0.612', '1,234')
    """
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def signed(value: float) -> str:
    """With its sign, a zero without.

    Examples
    --------
    >>> signed(0.0123), signed(-0.0123), signed(-0.0001)
    ('+0.012', '-0.012', '0.000')
    """
    text = number(value)
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text if value < 0 else f"+{text}"


def between(low: float, high: float, form: Callable[[float], str]) -> str:
    """``0.679 to 0.873``: an interval, with a word, for a dash is read as a sign.

    Parameters
    ----------
    low, high : float
        An interval.
    form : callable
        How either end is written.

    Returns
    -------
    str
        Text for a cell.

    Examples
    --------
    >>> between(0.679, 0.873, number), between(-0.1, 0.2, signed)
    ('0.679 to 0.873', '-0.100 to +0.200')
    """
    return f"{form(low)} to {form(high)}"


def p_value(value: float) -> str:
    """``<0.001`` where it is smaller.

    Examples
    --------
    >>> p_value(0.04), p_value(0.0001)
    ('0.040', '<0.001')
    """
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int | None) -> str:
    """With thousands apart; nothing where it is not known.

    Examples
    --------
    >>> count(10995), count(None)
    ('10,995', '')
    """
    return "" if value is None else f"{value:,}"
