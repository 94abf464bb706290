"""The report's first screen: whether a model adds anything to a task, by how much, why to trust it, what it cost.

In: rows of a comparison, how many leaks were found. Out: words. Decides nothing: every number is in the rows.
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from ..core.figures import between, count, number, p_value, signed
from ..core.interval_bar import interval_bar
from ..features.expressions import is_combined
from ..probe.cautions import cautions
from ..probe.choices import choices, made_with, short, taken_with_vectors, took_none
from ..probe.comparison import WITHIN_NOISE, in_short, shows_no_gain
from .comparison_answer import Answering, Row, answering, in_figures, place
from .underway import duration

if TYPE_CHECKING:
    from ..report.answer import TaskAnswer

_SCALES = {
    "roc_auc": "of two entities of different classes, how often the right one ranks first: 0.5 by guessing, 1 at best",
    "accuracy": "the share that is right",
    "r2": "0 for guessing everybody's mean, 1 at best",
    "average_precision": "how few wrong ones stand among those found first: 1 at best",
    "log_loss": "lower is better",
    "mae": "the mean error in the label's unit: lower is better",
    "macro_f1": "every class counted alike: 1 at best",
}


def task_answer(rows: Sequence[Row], n_leaks: int) -> "TaskAnswer":
    """What the page says first of one task.

    Parameters
    ----------
    rows : sequence of dict
        Of ``compare``, of one task, best first.
    n_leaks : int
        Warnings of labels that are given away, and of texts that several share.

    Returns
    -------
    TaskAnswer
        Words.

    Examples
    --------
    >>> task_answer(project.compare("loyal").to_pylist(), 0).headline
    'No: a language model adds nothing beyond the noise'
    """
    from ..report.answer import Ground, TaskAnswer

    found, task = answering(rows), rows[0]["task"]
    if found is None:
        best = rows[0]
        words = f"Best of {len(rows)}: {best['features']}, {best['metric']} {number(best['value'])}."
        return TaskAnswer(task, "Open: no features of a language model stand beside a baseline", words)
    best, reference = found.best, found.reference
    reach = max(abs(best["diff_low"]), abs(best["diff_high"]), 1e-9)
    bar = interval_bar(best["diff_low"], best["difference"], best["diff_high"], (-reach, reach), mark=0.0)
    scale = f" ({_SCALES[best['metric']]})" if best["metric"] in _SCALES else ""
    without = "the best baseline" if best.get("imported") else "the best without a language model"
    return TaskAnswer(
        task,
        _headline(best),
        f"{best['metric']} {number(best['value'])} with {short(best['features'])}, {number(reference['value'])} with "
        f"{reference['features']}, {without}{scale}.",
        signed(best["difference"]),
        f"95 % interval {between(best['diff_low'], best['diff_high'], signed)}",
        bar,
        _cost(found),
        tuple(Ground(*each) for each in (_labelled(best), _seen(best), _leaks(n_leaks), _choice(found), _noise(best))),
        tuple(_notes(found)),
        made_with(best),
    )


def _headline(row: Row) -> str:
    """Yes or no."""
    what, found = made_with(row), in_short(row)
    imported = what.endswith("s")
    if took_none(row):
        taken = "imported vectors were" if imported else "a language model was"
        return f"No: {taken} chosen in none of the {sum(choices(row).values())} folds"
    if found == WITHIN_NOISE:
        return f"No: {what} {'add' if imported else 'adds'} nothing beyond the noise"
    return (
        f"Yes: {what} {'add' if imported else 'adds'} something"
        if found == "better"
        else f"No: with {what} it is worse"
    )


def _notes(found: Answering) -> Iterator[str]:
    """What a choice took, the vectors alone, and the name of which the answer only says what it is."""
    best, alone = found.best, found.alone
    if (taken := taken_with_vectors(best)) is not None:
        each = ", ".join(f"{name} in {n}" for name, n in choices(best).items())
        vectors = "imported vectors" if best.get("imported") else "the model"
        yield f"Chosen: {each} of {taken[1]} folds; {vectors} in {taken[0]}."
    if alone is not None and alone is not best:
        several = "" if alone["best_of"] is None else f", the best of {alone['best_of']} on these entities"
        yield f"Its vectors alone are {place(alone)}: {in_figures(alone)}{several}."
    if short(best["features"]) != best["features"]:
        yield f"In full: {best['features']}."


def _cost(found: Answering) -> str:
    """Tokens and minutes of the row that answers; of a combination those of the best vectors alone."""
    paid = next((row for row in (found.best, found.alone) if row is not None and row["tokens"]), None)
    if paid is None:
        return ""
    time = "" if paid["seconds"] is None else f" in {duration(paid['seconds'])}"
    return f"{count(paid['tokens'])} tokens read{time} by {_readers(paid['features'])}"


def _readers(name: str) -> str:
    """Who has read: baselines among the parts of a combination read no token."""
    return f"the models of {short(name)}" if is_combined(name) else name


def _labelled(row: Row) -> tuple[bool, str, str]:
    told = cautions(row["n"], row["n_smallest"], row["repeats"], row["folds"])
    smallest = "" if row["n_smallest"] is None else f", {row['n_smallest']:,} of the smallest class"
    return not told, "Labelled entities", f"{row['n']:,} scored{smallest}" + (": see the warnings" if told else "")


def _seen(row: Row) -> tuple[bool, str, str]:
    if row["n_seen"]:
        return False, "Seen in tuning", f"{row['n_seen']:,} of {row['n']:,} scored entities: the value may flatter"
    return True, "Seen in tuning", "none of the scored entities"


def _leaks(n: int) -> tuple[bool, str, str]:
    return n == 0, "Leaks", f"{n} found: see the warnings" if n else "none found"


def _choice(found: Answering) -> tuple[bool, str, str]:
    row = found.best
    if row["chosen"] is not None:
        return found.n_alike == 1, "Choice of the best", "made inside the folds, not on who scores it"
    if row["best_of"] is None:
        words = "nothing was chosen" if found.n_alike == 1 else "best of several"
        return found.n_alike == 1, "Choice of the best", words
    most = number(row["optimism"])
    flattered = f"flattered by up to {most}" if float(most) else "flattered by less than 0.001"
    return False, "Choice of the best", f"best of {row['best_of']}: {flattered}"


def _noise(row: Row) -> tuple[bool, str, str]:
    if in_short(row) != WITHIN_NOISE:
        return True, "Noise", f"p {p_value(row['p_adjusted'])}, corrected for every comparison of the table"
    if not row["detectable"] > 0 or not isfinite(row["detectable"]):
        return False, "Noise", f"{row['n']:,} entities cannot tell"
    if shows_no_gain(row):
        return False, "Noise", f"{row['n']:,} entities cannot show any improvement: they are too few"
    least = number(row["detectable"])
    return False, "Noise", f"{row['n']:,} entities show a difference of {least} or more, none smaller"
