"""Questions that nobody answered: they are no rewritings, and asked again by the next run.

In: why each was not answered. Out: an error of one line. Knows no texts.
"""

from collections import Counter
from collections.abc import Sequence

from ..core.errors import ModelError


class UnansweredError(ModelError):
    """Some texts were not written, because a question was not answered; all others were.

    Examples
    --------
    >>> UnansweredError(["too long", "too long"])
    UnansweredError('2 texts were not rewritten: too long; what was made is kept, the next run asks for these alone')
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        counts = Counter(self.reasons).most_common(3)
        why = "; ".join(reason if len(counts) == 1 else f"{reason} ({count})" for reason, count in counts)
        many = "1 text was" if len(self.reasons) == 1 else f"{len(self.reasons)} texts were"
        super().__init__(f"{many} not rewritten: {why}; what was made is kept, the next run asks for these alone")
