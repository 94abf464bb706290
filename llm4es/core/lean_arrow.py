"""Arrow and scikit-learn without pandas, which they import wherever it is installed: half a second and 40 MB.

pyarrow does at the first list that it makes an array of: it only asks whether the list is a Series, which nothing on a
command line is. Told once that there is no pandas it asks no more. scikit-learn does beside what differs between
versions, and uses it nowhere there. Whoever wants a ``DataFrame`` later still gets one.

In: nothing. Out: nothing. Knows no command.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

from .phases import importing


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
    with importing("pyarrow"), _no_pandas():
        import pyarrow as pa

        pa.array([0])


def lean_scikit() -> None:
    """Import scikit-learn's base without pandas; nothing is changed where either is imported already.

    Examples
    --------
    >>> lean_scikit()
    """
    with importing("sklearn"), _no_pandas():
        import sklearn.utils.fixes  # noqa: F401  # heavy, and what follows is imported in any order


@contextmanager
def _no_pandas() -> Iterator[None]:
    if "pandas" in sys.modules:
        yield
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
