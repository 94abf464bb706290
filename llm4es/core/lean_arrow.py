"""Arrow without pandas: pyarrow imports it, half a second and 40 MB, at the first list that it makes an array of.

It only asks whether the list is a Series, which nothing on a command line is. Told once that there is no pandas it asks
no more; whoever wants a ``DataFrame`` later still gets one.

In: nothing. Out: nothing. Knows no command.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    """Says for a moment that pandas is not installed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("not asked for", name=name)


def lean_arrow() -> None:
    """Let pyarrow find no pandas; nothing is changed where it is imported already.

    Examples
    --------
    >>> lean_arrow()
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
