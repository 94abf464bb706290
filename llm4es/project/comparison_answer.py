"""What a comparison says first: whether the model adds anything, to which task, and what it cost.

In: rows of ``llm4es.compare``. Out: a line or two a task. Decides nothing: every number is in the rows. The row that
answers is one for which nothing was chosen on the entities that score it, where there is such a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..core.figures import between, count, number, signed
from ..core.printable import printable_line
from ..features.expressions import is_combined
from ..features.names import parse_features
from ..probe.choices import short, taken_with_vectors, took_none
from ..probe.comparison import WITHIN_NOISE, in_short

Row = Mapping[str, Any]

BEST_HERE = ", the best of several on these entities"


def answers(rows: Sequence[Row]) -> list[str]:
    """The lines that stand above the tables of some tasks.

    Parameters
    ----------
    rows : sequence of dict
        Of ``compare``, those of a task together and best first.

    Returns
    -------
    list of str
        Two a task at most.

    Examples
    --------
    >>> len(answers(project.compare("loyal").to_pylist()))
    1
    """
    return [
        printable_line(line)
        for _, of_task in groupby(rows, key=lambda row: row["task"])
        for line in answer(list(of_task))
    ]


@dataclass(frozen=True)
class Answering:
    """The rows of one task that answer whether a model adds anything."""

    reference: Row
    """The best without a model."""
    best: Row
    """With a model: the one that was chosen least on the entities that score it."""
    alone: Row | None
    """The best vectors with nothing beside them."""
    n_alike: int
    """Combinations as good an answer as ``best``, which did best of them on these entities; 1: there is no other."""


def answering(rows: Sequence[Row]) -> Answering | None:
    """The rows that answer.

    Parameters
    ----------
    rows : sequence of dict
        Of ``compare``, of one task, best first.

    Returns
    -------
    Answering or None
        None where no model is compared with a baseline.

    Examples
    --------
    >>> answering(project.compare("loyal").to_pylist()).reference["features"]
    'counts'
    """
    reference = next((row for row in rows if row["difference"] is None), None)
    with_model = [row for row in rows if row["model"] and row["difference"] is not None]
    if reference is None or reference["model"] or not with_model:
        return None
    best = min(with_model, key=_worth)
    alike = sum(_worth(row) == _worth(best) for row in with_model) if is_combined(best["features"]) else 1
    return Answering(reference, best, next((row for row in with_model if _is_alone(row["features"])), None), alike)


def answer(rows: Sequence[Row]) -> list[str]:
    """The lines that stand above the table of one task.

    Parameters
    ----------
    rows : sequence of dict
        Of ``compare``, of one task, best first.

    Returns
    -------
    list of str
        None where no model is compared with a baseline.

    Examples
    --------
    >>> answer(project.compare("loyal").to_pylist())[0]
    'loyal: no, a model adds nothing beyond the noise to counts (...): model@1 [64 tokens] ...'
    """
    found = answering(rows)
    if found is None:
        return []
    reference, best, alone = found.reference, found.best, found.alone
    beyond = f"{reference['features']} ({number(reference['value'])})"
    lines = [f"{best['task']}: {_verdict(best)} {beyond}: {in_figures(best)}"]
    if took_none(best):
        what = "imported vectors" if best.get("imported") else "a model"
        lines[0] += ", {} chosen in {} of {} folds".format(what, *(taken_with_vectors(best) or ()))
    if found.n_alike > 1:
        lines[0] += BEST_HERE
    if alone is not None and alone is not best:
        flattered = "" if alone["best_of"] is None else BEST_HERE
        lines.append(f"{best['task']}: its vectors alone are {place(alone)}: {in_figures(alone)}{flattered}")
    paid = next((row for row in (best, alone) if row is not None and row["tokens"]), None)
    if paid is not None:
        lines[-1] += f"; cost: {count(paid['tokens'])} tokens"
        lines[-1] += "" if paid["seconds"] is None else f", {paid['seconds']:,.0f} seconds"
    return lines


def _worth(row: Row) -> int:
    """How little stands against a row as an answer: a choice inside folds, what nothing was chosen for, the best."""
    name = row["features"]
    if row["chosen"] is not None:
        return 0
    return 1 if is_combined(name) else 2


def _is_alone(name: str) -> bool:
    return not is_combined(name) and len(parse_features(name)) == 1


def _verdict(row: Row) -> str:
    """Yes or no."""
    found, imported = in_short(row), row.get("imported")
    what, adds = ("imported vectors", "add") if imported else ("a model", "adds")
    if found == WITHIN_NOISE:
        return f"no, {what} {adds} nothing beyond the noise to"
    if took_none(row):
        return f"no, a choice that took {'no imported vectors' if imported else 'no model'} is {found} than"
    return f"yes, {what} {adds} something to" if found == "better" else f"no, with {what} it is worse than"


def place(row: Row) -> str:
    """Where vectors stand beside the reference."""
    return {WITHIN_NOISE: "level with it, within the noise"}.get(in_short(row), in_short(row))


def in_figures(row: Row) -> str:
    """A row in figures."""
    gap = f"{signed(row['difference'])}, {between(row['diff_low'], row['diff_high'], signed)}"
    return f"{short(row['features'])} {number(row['value'])} ({gap})"
