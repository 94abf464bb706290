"""One interval as a small picture beside its figures: in a notebook's table, and on the report's first screen.

In: an interval and the scale that it shares with others. Out: an ``<svg>``, coloured as the text around it.
"""

WIDTH, HEIGHT = 140, 16
"""Of a drawing, in the units of a page."""

_EDGE = 5


def interval_bar(low: float, value: float, high: float, scale: tuple[float, float], mark: float | None = None) -> str:
    """A line from ``low`` to ``high`` with a dot at ``value``, and a dashed line at ``mark``.

    Parameters
    ----------
    low, value, high : float
        An interval and what it is of.
    scale : tuple of two floats
        What the drawing's left and right end stand for; what lies outside is cut there.
    mark : float, optional
        What the interval is read against: no difference, or the reference's value.

    Returns
    -------
    str
        An SVG element, hidden from screen readers: the figures stand beside it.

    Examples
    --------
    >>> drawn = interval_bar(0.2, 0.5, 0.6, (0.0, 1.0), mark=0.4)
    >>> drawn.count("<line"), drawn.count("<circle")
    (2, 1)
    """
    (left, middle, right), at = (_place(x, scale) for x in (low, value, high)), HEIGHT / 2
    dashed = ""
    if mark is not None:
        x = _place(mark, scale)
        dashed = f'<line x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}" stroke-width="1" stroke-dasharray="3 2" opacity="0.7"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return (
        f'<svg {size} aria-hidden="true" stroke="currentColor">{dashed}'
        f'<line x1="{left}" x2="{right}" y1="{at}" y2="{at}" stroke-width="2"/>'
        f'<circle cx="{middle}" cy="{at}" r="3.5" fill="currentColor" stroke="none"/></svg>'
    )


def scale_of(*values: float | None) -> tuple[float, float]:
    """The least and the most of some values; with one alone a little to either side.

    Parameters
    ----------
    *values : float or None
        Ends of intervals; None: there is none.

    Returns
    -------
    tuple of two floats
        As ``interval_bar`` takes them.

    Examples
    --------
    >>> scale_of(0.5, None, 0.25), scale_of(2.0)
    ((0.25, 0.5), (1.5, 2.5))
    """
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _place(value: float, scale: tuple[float, float]) -> float:
    """Where a value stands from the left, inside the drawing."""
    share = (value - scale[0]) / (scale[1] - scale[0])
    return round(_EDGE + min(max(share, 0.0), 1.0) * (WIDTH - 2 * _EDGE), 1)
