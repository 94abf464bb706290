"""What has changed in the answers of a report beside an earlier version, or beside another store: a sentence a task.

In: probes and predictions of there, a comparison of here. Out: words. Writes nothing.
"""

from collections.abc import Sequence

import pyarrow as pa

from ..core.errors import ProbeError
from ..core.figures import number
from ..probe.choices import short, took_none
from ..probe.comparison import in_short
from .comparison_answer import Answering, Row, answering

MOST_NAMED = 5
"""Feature sets that a sentence names."""


def answer_of(probes: pa.Table, predictions: pa.Table, metric: str) -> Answering | None:
    """The rows that answered, of what is kept of an earlier time or lies in another store; None where none did."""
    from ..probe.compare import compare  # heavy

    try:
        return answering(compare(probes, predictions, metric=metric).to_pylist())
    except ProbeError:  # predictions of then are not kept
        return None


def changed(
    task: str, before: Answering | None, rows: Sequence[Row], new: Sequence[str], sides: tuple[str, str]
) -> str:
    """The answer on both sides, whether it is another, and which feature sets are new.

    Parameters
    ----------
    task : str
        Its name.
    before : Answering or None
        What answered there; None: nothing did.
    rows : sequence of dict
        Of ``compare``, of this task here.
    new : sequence of str
        Feature sets that are here alone.
    sides : pair of str
        What there and here are called.

    Returns
    -------
    str
        A sentence or two.

    Examples
    --------
    >>> changed("loyal", None, project.compare("loyal").to_pylist(), ["m@1"], ("then", "now"))
    'loyal: then no answer; now no: model@1 [64 tokens] ... New: m@1.'
    """
    now = answering(rows)
    said = f"{task}: {sides[0]} {_answer(before)}; {sides[1]} {_answer(now)}."
    if before is not None and now is not None:
        same = in_short(before.best) == in_short(now.best)
        said += " The verdict is the same." if same else " The verdict is another."
    if new:
        more = f" and {len(new) - MOST_NAMED} more" if len(new) > MOST_NAMED else ""
        said += f" New: {', '.join(map(short, new[:MOST_NAMED]))}{more}."
    return said


def _answer(found: Answering | None) -> str:
    """Who answers, with what value and verdict."""
    if found is None:
        return "no answer"
    best, reference = found.best, found.reference
    yes = "yes" if in_short(best) == "better" and not took_none(best) else "no"
    return (
        f"{yes}: {short(best['features'])} {number(best['value'])}, {in_short(best)} "
        f"beside {reference['features']} {number(reference['value'])}"
    )
