"""The raw texts that a serialization makes: one set a cut-off, each under a configuration of its own.

In: a recipe, options, labels. Out: cuts, and each entity's own cut-off. Knows no store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError
from ..core.hashing import config_id
from ..core.schemas import TEXTS
from ..core.times import shown
from ..options import SerializeOptions
from ..recipes import Recipe, Task
from ..serialize import serialize_whole
from ..serialize.cutoffs import before, before_own, with_own
from .cutoffs import Cutoff


@dataclass(frozen=True)
class TextSet:
    """One set of raw texts: everybody's events before one time, or each entity's before its own."""

    cutoff: Cutoff
    """Where they end, and the configuration that they bear."""

    options: SerializeOptions
    """Of the texts; ``as_of`` where there is one for everybody."""

    config: dict[str, Any]
    """What ``config_id`` is made from."""

    def texts(self, events: pa.RecordBatch, recipe: Recipe, own: pa.Table | None) -> pa.Table:
        """One text an entity that has events before its cut-off.

        Parameters
        ----------
        events : pyarrow.RecordBatch
            Whole entities, all of their events.
        recipe : Recipe
            How fields are written.
        own : pyarrow.Table or None
            Each entity's own cut-off (CUTOFFS), where this is a cut of that kind.

        Returns
        -------
        pyarrow.Table
            TEXTS.
        """
        known = before(events, self.options.as_of) if own is None else before_own(events, own)
        texts = pa.Table.from_batches([serialize_whole(known, recipe, self.options)], schema=TEXTS)
        return texts if own is None else with_own(texts, own)


def text_sets(recipe: Recipe, options: SerializeOptions) -> list[TextSet]:
    """The cuts that a recipe's tasks ask for: those of tasks with cut-offs of their own, then that of all others.

    Parameters
    ----------
    recipe : Recipe
        Its tasks may say where the cut-off of each entity stands.
    options : SerializeOptions
        With ``as_of`` there is one cut, whatever the tasks say.

    Returns
    -------
    list of TextSet
        At least one.

    Examples
    --------
    >>> [str(cut.cutoff) for cut in text_sets(context.recipe, SerializeOptions())]
    ['whole histories']
    """
    config = {"recipe": recipe.fingerprint(options.preset), "options": options.fingerprint()}
    of_all = TextSet(Cutoff(config_id(config), options.as_of), options, config)
    if options.as_of is not None:
        return [of_all]
    own: dict[str, list[str]] = {}
    for name, task in recipe.tasks.items():
        if key := own_key(task):
            own.setdefault(key, []).append(name)
    cuts = list(_own_cuts(own, options, config))
    everybody = len(recipe.tasks) > sum(map(len, own.values())) or not recipe.tasks
    return [*cuts, of_all] if everybody else cuts


def _own_cuts(own: dict[str, list[str]], options: SerializeOptions, config: dict[str, Any]) -> Iterator[TextSet]:
    for key, tasks in own.items():
        of_own = {**config, "as_of": key}
        yield TextSet(Cutoff(config_id(of_own), None, key, tuple(tasks)), options, of_own)


def own_key(task: Task) -> str:
    """Where a task's cut-offs stand: ``labels.asked_at by customer``; '' where it has none of its own.

    Parameters
    ----------
    task : Task
        Of a recipe.

    Returns
    -------
    str
        Equal for tasks whose texts are the same.

    Examples
    --------
    >>> own_key(context.recipe.tasks["loyal"])
    ''
    """
    if task.as_of is None:
        return ""
    spec = task.as_of
    how = "" if spec.format == "iso" else f" ({spec.format}{f' {spec.unit}' if spec.format == 'unix' else ''})"
    since = f" since {spec.origin}" if spec.origin else ""
    return f"{task.table}.{spec.column}{how}{since} by {task.entity}"


def own_cutoffs(labels: pa.Table, cutoff: Cutoff) -> pa.Table:
    """Each entity's own cut-off, from the dates of its labels.

    Parameters
    ----------
    labels : pyarrow.Table
        LABELS.
    cutoff : Cutoff
        Whose tasks' labels count.

    Returns
    -------
    pyarrow.Table
        CUTOFFS, a row an entity.

    Raises
    ------
    DataError
        An entity has labels of two dates.
    """
    chosen = labels.filter(pc.is_in(labels["task"], pa.array(cutoff.tasks, pa.string())))
    dates = chosen.select(["entity_id", "as_of"]).group_by(["entity_id", "as_of"], use_threads=False).aggregate([])
    counted = dates.group_by("entity_id", use_threads=False).aggregate([("as_of", "min"), ("as_of", "max")])
    torn = counted.filter(pc.not_equal(counted["as_of_min"], counted["as_of_max"])).slice(0, 1).to_pylist()
    for row in torn:
        two = f"{shown(row['as_of_min'])} and {shown(row['as_of_max'])}"
        raise DataError(
            f"tasks.{cutoff.tasks[0]}: entity {row['entity_id']!r} has labels of several dates ({two}): serialize with "
            "--as-of TIME, whose labels are of that time or the next, or keep one date an entity"
        )
    return pa.table({"entity_id": counted["entity_id"], "as_of": counted["as_of_min"]})
