"""Progress that was told once, and is not to be told again when the work is done again.

In: units. Out: how many of them were told before. Knows no work.
"""

import threading


class Skips:
    """Units that were told to be done, and will be done again; halves of a portion share them.

    Examples
    --------
    >>> skips = Skips()
    >>> skips.add(3)
    >>> skips.take(2), skips.take(2)
    (2, 1)
    """

    def __init__(self) -> None:
        self._left, self._lock = 0, threading.Lock()

    def add(self, more: int) -> None:
        """So many will be done again."""
        with self._lock:
            self._left += more

    def take(self, most: int) -> int:
        """How many of those that are done now were told before."""
        with self._lock:
            taken = min(most, self._left)
            self._left -= taken
        return taken
