"""Text from data as a terminal may show it: what would move its cursor, colour it or turn its direction is written out.

In: any text. Out: text of printable characters. Knows no terminal.
"""

import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # escape sequences begin with one of these; tab and line feed are left
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of what follows
    "\u2028\u2029\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text, control characters and marks of direction as Python writes them.

    Parameters
    ----------
    text : str
        Any: an id, a title, an error's message.

    Returns
    -------
    str
        Safe to print; tab and line feed stay.

    Examples
    --------
    >>> print(printable("\x1b[31mred\u202e"))
    \\x1b[31mred\\u202e
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_line(text: str) -> str:
    """The same in one line: a line feed is written out too, a tab is a space.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        Without line breaks.

    Examples
    --------
    >>> print(printable_line("a name\\nof two lines"))
    a name\\nof two lines
    """
    return printable(text).replace("\n", "\\n").replace("\t", " ")
