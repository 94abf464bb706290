"""What the names in the comparisons stand for: a line each, once on the page.

In: ``ReportData``. Out: names and words. Knows no template.
"""

import re

from ..core.tasks import BASELINES
from .data import ReportData

_COMBINED = {
    "vote": "the mean of the parts' log odds, of numbers their mean",
    "stack": "a small model on the parts' predictions",
    "best": "the part that does best inside the training part, chosen in every fold anew",
}


def legend(data: ReportData) -> list[tuple[str, str]]:
    """The names that stand in the comparisons, each with what it is.

    Parameters
    ----------
    data : ReportData
        With a comparison, or none.

    Returns
    -------
    list of pairs of str
        Baselines first.

    Examples
    --------
    >>> legend(ReportData(dataset="bank", made="today"))
    []
    """
    rows = [] if data.comparison is None else data.comparison.select(["features", "model"]).to_pylist()
    names = [row["features"] for row in rows]
    pieces = {piece for name in names for piece in re.split(r"[+(), ]+", name)}
    found = [(name, words) for name, words in BASELINES.items() if name in pieces]
    if any("@" in name for name in names):
        found.append(
            (
                "MODEL@K [settings]",
                "a model's vectors: the mean of its last K layers; in brackets what is not usual, as how many tokens "
                "it read at most, or how histories were read: full, whole; events, each event on its own",
            )
        )
    found += [(f"{how}(A, B)", words) for how, words in _COMBINED.items() if any(f"{how}(" in name for name in names)]
    return found + ([("A+B", "side by side")] if any("+" in name for name in names) else [])
