"""Numbers with the word for what is counted.

In: a number, a word. Out: both, the word as the number wants it. Knows no language but English.
"""


def counted(n: int, one: str, several: str = "") -> str:
    """So many of something.

    Parameters
    ----------
    n : int
        How many.
    one, several : str
        What one is called, and what others are; '': with an s.

    Returns
    -------
    str
        Number and word.

    Examples
    --------
    >>> counted(1, "event"), counted(6652, "event"), counted(2, "entity", "entities")
    ('1 event', '6,652 events', '2 entities')
    """
    return f"{n:,} {one if n == 1 else several or f'{one}s'}"
