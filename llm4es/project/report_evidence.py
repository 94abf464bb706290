"""The report's evidence: what was probed of each task, what has to be known of it, and what is typed to get it.

In: a context, tasks, options. Out: comparisons, predictions, answers, cautions, commands. Writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import ProbeError
from ..core.sql import literal, where
from ..core.tasks import NEW_ITEMS, Kind
from ..options import ReportOptions
from ..options.new_items import typed_items
from ..options.two_times import typed_times
from .compare import with_probes
from .context import Context
from .feature_sources import named
from .kept_recipes import is_file
from .leaks import label_leaks, leaks_of
from .report_answer import task_answer
from .report_commands import compare_command, sql_command
from .report_warnings import Listening, of_task
from .seen import with_seen
from .shown_probes import ShownProbes

if TYPE_CHECKING:
    from ..report.answer import Caution, TaskAnswer

_SHARED_TEXTS = """SELECT text_hash, count(*) AS n, list(entity_id ORDER BY entity_id) AS entities
FROM texts WHERE {beside} AND variant = 'raw' GROUP BY text_hash HAVING n > 1 ORDER BY n DESC"""
"""Who has the same text as others."""

_NEW_ITEMS = (
    "New items: every probe has learnt from events of some items and is scored by those of others, and of other users. "
    "What counts items cannot do better than chance here; what reads texts can."
)


@dataclass
class TaskEvidence:
    """The evidence of some tasks."""

    tables: list[pa.Table] = field(default_factory=list)
    """Comparisons."""
    scores: list[pa.Table] = field(default_factory=list)
    """Predictions that they are made of."""
    answers: "list[TaskAnswer]" = field(default_factory=list)
    """The first screen."""
    cautions: "list[Caution]" = field(default_factory=list)
    """What has to be known before."""
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Task -> what is typed to get its table."""
    chosen: dict[str, Mapping[str, str | int]] = field(default_factory=dict)
    """Task -> columns of ``probes`` and ``predictions`` with the values that the shown rows have."""

    def rows_of(self, task: str) -> list[dict[str, Any]]:
        """The comparison of a task, best first."""
        return next(rows for table in self.tables if (rows := table.to_pylist())[0]["task"] == task)

    @property
    def comparison(self) -> pa.Table | None:
        """Of all tasks; None: nothing was probed."""
        return pa.concat_tables(self.tables) if self.tables else None

    @property
    def predictions(self) -> pa.Table | None:
        """Of all tasks; None: nothing was probed."""
        return pa.concat_tables(self.scores) if self.scores else None


def evidence(context: Context, tasks: Sequence[str], options: ReportOptions) -> TaskEvidence:
    """Comparison, answer and predictions of the tasks that were probed, and what has to be known of them.

    Parameters
    ----------
    context : Context
        Recipe and store.
    tasks : sequence of str
        What is compared.
    options : ReportOptions
        Of which probes.

    Returns
    -------
    TaskEvidence
        Of those that were probed so.

    Examples
    --------
    >>> from llm4es.options import ReportOptions
    >>> evidence(context, ["loyal"], ReportOptions()).comparison.num_rows
    2
    """
    found, left_out = TaskEvidence(), []
    if context.earlier is not None:  # the page says it where it warns: nothing else on it is of another time
        found.cautions += of_task(context.dataset, "", [f"Out of time: {context.cutoff}, and other users."])
    if options.protocol == NEW_ITEMS:
        found.cautions += of_task(context.dataset, "", [_NEW_ITEMS])
    for task in tasks:
        heard = Listening(context.observer)
        of = context.with_(observer=heard).of_task(task)
        try:
            table, shown = with_probes(of, task, options.of_probes())
        except ProbeError as error:
            context.observer.say(f"{task} is left out: {error}")
            left_out.append(_left_out(of, task, str(error)))
            continue
        _add(found, of, task, table, shown, options, heard.heard)
    found.answers += left_out  # behind those that have tables
    return found


def _left_out(of: Context, task: str, why: str) -> "TaskAnswer":
    """What the page says first of a task without probes to show; how its last probe ended where that failed."""
    from ..report.answer import TaskAnswer

    query = f"""SELECT status, message FROM runs WHERE {where({"stage": "probe", "dataset": of.dataset})}
        AND config->>'$.task' = {literal(task)} ORDER BY started_at DESC LIMIT 1"""
    failed = [str(message) for status, message in of.store.sql(query).fetchall() if status == "failed" and message]
    return TaskAnswer(
        task, "Left out: nothing to compare", why, notes=tuple(f"Its last probe failed: {m}" for m in failed)
    )


def _add(
    found: TaskEvidence,
    of: Context,
    task: str,
    table: pa.Table,
    shown: ShownProbes,
    options: ReportOptions,
    heard: Sequence[str],
) -> None:
    """One task more."""
    from ..probe.cautions import cautions_of  # heavy

    scored = of.store.sql(f"SELECT * FROM predictions WHERE {where(shown.chosen)}").to_arrow_table()
    scored = scored.filter(pc.is_in(scored["features"], pc.unique(table["features"])))  # what still holds
    seen = {name: named(name, shown.sources).seen for name in pc.unique(scored["features"]).to_pylist()}
    scored = with_seen(_of_all(scored) if options.common else scored, seen)
    given_away, same = label_leaks(of, task, shown.probes), leaks_of(of, task, scored)
    regression = of.recipe.tasks[task].kind is Kind.REGRESSION
    lay = of.recipe.origin or ""
    file = lay if is_file(lay) and Path(lay).is_file() else None
    found.cautions += [
        *of_task(of.dataset, task, given_away, recipe=file),
        *of_task(of.dataset, task, same, sql_command(_SHARED_TEXTS.format(beside=of.beside))),
        *of_task(of.dataset, task, [line for line in heard if line not in given_away]),
        *of_task(of.dataset, task, cautions_of(task, [scored.filter(_first_features(scored))], regression)),
    ]
    rows = table.to_pylist()
    found.tables.append(table)
    found.scores.append(scored)
    found.chosen[task] = shown.chosen
    found.answers.append(task_answer(rows, len(given_away) + len(same)))
    found.commands[task] = tuple(_commands(of, task, rows, shown.chosen, options))


def _commands(
    of: Context, task: str, rows: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any], options: ReportOptions
) -> list[str]:
    """What gives the comparison: all of it, and of the store's own rows the values."""
    protocol = "" if options.protocol == ReportOptions.protocol else f" --protocol {options.protocol}"
    flags = protocol + " --common" * options.common
    flags += typed_times(options.train_as_of, options.test_as_of) + typed_items(options)
    whole = compare_command(of.dataset, task, flags)
    if options.common:  # values of another cohort than the store's rows are of
        return [whole]
    of_metric = where({**chosen, "metric": rows[0]["metric"]})
    names = ", ".join(literal(name) for name in dict.fromkeys(row["features"] for row in rows))
    columns = "features, probe, value, n" if len({row["probe"] for row in rows}) > 1 else "features, value, n"
    query = f"SELECT {columns}\nFROM probes WHERE {of_metric}\nAND features IN ({names})\nORDER BY value DESC"
    return [whole, sql_command(query)]


def _first_features(predictions: pa.Table) -> pa.ChunkedArray:
    """Which rows are of one feature set: all are scored alike."""
    return pc.and_(*(pc.equal(predictions[name], predictions[name][0]) for name in ("features", "probe")))


def _of_all(predictions: pa.Table) -> pa.Table:
    """The predictions of entities that every feature set has scored."""
    sets = [
        set(predictions.filter(pc.equal(predictions["features"], name))["entity_id"].to_pylist())
        for name in pc.unique(predictions["features"]).to_pylist()
    ]
    return predictions.filter(
        pc.is_in(predictions["entity_id"], pa.array(sorted(set.intersection(*sets)), pa.string()))
    )
