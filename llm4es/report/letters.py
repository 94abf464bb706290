"""How wide a text is in a drawing, before anything is drawn.

In: a text. Out: its width in usual letters. Knows no figure.
"""

from functools import cache
from unicodedata import east_asian_width

from matplotlib.font_manager import findfont, get_font

_SIZE = 100
_LETTER = 0.6
"""Of the font's size: as wide as most letters are."""


def letters(text: str) -> float:
    """The width of ``text``, in usual letters."""
    return sum(map(_wide, text))


@cache
def _wide(character: str) -> float:
    """One character's width: a letter of which matplotlib's font knows nothing is a square in the browser's."""
    font = get_font(findfont("DejaVu Sans"))
    if east_asian_width(character) in "WF" or not font.get_char_index(ord(character)):
        return 1 / _LETTER
    font.set_size(_SIZE, 72)
    return float(font.load_char(ord(character)).linearHoriAdvance / 65536 / _SIZE / _LETTER)
