"""The step ``report``: everything that one self-contained page shows, from the store.

In: a context, tasks, options. Out: the page as HTML. Writes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import OptionError
from ..core.shell_words import shell_word
from ..core.sql import literal, where
from ..core.tasks import Kind
from ..core.version import __version__
from ..features.expressions import is_combined
from ..options import ReportOptions
from .context import Context
from .feature_sources import feature_sources
from .histories import Histories
from .report_against import against
from .report_commands import in_store, sql_command
from .report_cuts import cut_warnings, cuts_sql
from .report_evidence import evidence
from .report_learning import learning_curves
from .task_labels import every_label_sql
from .underway import duration
from .whole_file import check_place, whole_file

if TYPE_CHECKING:
    from ..report.data import ReportData

_LINES = 6
"""Newest events of a user that the page can show."""

_MOST_RUNS = 200

_RUNS = f"""SELECT run_id, stage, coalesce(config->>'$.model_name', config->>'$.task', config->>'$.name',
    config->>'$.imported', array_to_string(config->'$.variants'->>'$[*]', ', '),
    CASE stage WHEN 'serialize' THEN 'texts' ELSE '' END) AS what,
    strftime(started_at, '%Y-%m-%d %H:%M') AS started_at, seconds, status, rows_computed, rows_reused
    FROM runs WHERE {{of_data}} ORDER BY runs.started_at LIMIT {_MOST_RUNS}"""

_MODELS = """SELECT model, base, method, steps, held_out_loss_before, held_out_loss_after
    FROM models WHERE {of_data} ORDER BY model"""

_USERS = """SELECT entity_id, count(*) AS n_events,
    (epoch(max(event_time)) - epoch(min(event_time))) / 86400 AS days
    FROM ({events}) GROUP BY entity_id ORDER BY entity_id"""

_REWRITTEN = "SELECT variant, fidelity, note, n_events, n_events_by_rule FROM texts"

_HISTORIES = f"""SELECT entity_id, list_slice(list_reverse(lines[2:]), 1, {_LINES}) AS lines
    FROM (SELECT *, string_split(text, chr(10)) AS lines FROM texts) WHERE {{of_data}}
    AND variant = 'raw' AND config_id = {{raw}}"""


def report(context: Context, tasks: Sequence[str], options: ReportOptions) -> str:
    """One self-contained page with every picture, as HTML.

    Parameters
    ----------
    context : Context
        Recipe and store.
    tasks : sequence of str
        What is compared.
    options : ReportOptions
        Whose vectors the map shows, and how it is drawn.

    Returns
    -------
    str
        HTML that needs no network.

    Raises
    ------
    OptionError
        Where what draws it is not installed, and for a projection that there is not.
    """
    try:
        from ..report import render
        from ..report.data import Projection
    except ImportError as error:
        raise OptionError("llm4es report needs matplotlib and jinja2: run `pip install 'llm4es[report]'`") from error
    if options.projection not in list(Projection):
        raise OptionError(f"--projection {options.projection!r} is unknown: choose one of {', '.join(Projection)}")
    return render(_data(context, tasks, options))


def write_report(context: Context, tasks: Sequence[str], options: ReportOptions, out: str | Path | None) -> Path:
    """Write the page, whole or not at all; returns where it is.

    Parameters
    ----------
    context : Context
        Recipe and store.
    tasks : sequence of str
        What is compared.
    options : ReportOptions
        Whose vectors the map shows, and how it is drawn.
    out : str, Path or None
        The page's file; None: ``<dataset>-report.html`` here.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OptionError
        Where it cannot be written, for a PDF, and where what draws it is not installed.
    """
    path = Path(out or f"{context.dataset}-report.html")
    if path.suffix.lower() == ".pdf":
        raise OptionError(f"--out {path} would be a page in HTML: name it .html, and print it from the browser to PDF")
    check_place(path)
    page = report(context, tasks, options)
    with whole_file(path) as file:
        file.write(page.encode())
    context.observer.say(f"{_size(path.stat().st_size)}, open it in any browser")
    return path


def _size(n_bytes: int) -> str:
    """A file's size in words."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} KB"


def _data(context: Context, tasks: Sequence[str], options: ReportOptions) -> "ReportData":
    """Everything that the page shows, from the store."""
    from ..report.data import Projection, ReportData

    of_data = where({"dataset": context.dataset})

    def rows(sql: str) -> pa.Table:
        return context.store.sql(sql).to_arrow_table()

    context = context.at(options.train_as_of, options.test_as_of).of_task(tasks[0] if len(tasks) == 1 else None)
    raw = context.cutoff.config_id  # first: of tasks that end at several times one has to be chosen
    found = evidence(context, tasks, options)
    vectors, vectors_name = map_vectors(context, options.features, found.comparison)
    queries = {
        "runs": _RUNS.format(of_data=of_data),
        "users": _USERS.format(events=Histories(context.store, context.dataset, raw).sql(["event_time"])),
        "cuts": cuts_sql(context.scored),
        "models": _MODELS.format(of_data=of_data),
    }
    read, beside, root = rows(queries["cuts"]), context.scored.beside, str(context.store.layout.root)
    warnings = (*dict.fromkeys(found.cautions), *cut_warnings(context.scored, read))
    commands = {name: sql_command(query) for name, query in queries.items()}
    commands[""] = f"llm4es run {shell_word(context.dataset)}"
    return ReportData(
        dataset=context.dataset,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, llm4es {__version__}",
        answers=tuple(found.answers),
        against=against(context, options.against, found) if options.against else None,
        spent=_spent(context),
        warnings=tuple(replace(each, command=in_store(each.command, root)) for each in warnings),
        commands={name: in_store(typed, root) for name, typed in commands.items()},
        task_commands={task: tuple(in_store(each, root) for each in typed) for task, typed in found.commands.items()},
        runs=rows(queries["runs"]),
        users=rows(queries["users"]),
        cuts=read,
        comparison=found.comparison,
        predictions=found.predictions,
        learning=learning_curves(context, tasks if options.is_usual else (), options.protocol),
        vectors=vectors,
        vectors_name=vectors_name,
        labels=rows(f"{every_label_sql(context)} ORDER BY {asked_first(tasks)}, task, entity_id"),
        numbers=tuple(name for name, task in context.recipe.tasks.items() if task.kind is Kind.REGRESSION),
        histories=rows(_HISTORIES.format(of_data=of_data, raw=literal(raw))),
        models=rows(f"SELECT * FROM models WHERE {of_data} ORDER BY model"),
        fidelity=rows(f"{_REWRITTEN} WHERE {beside} AND fidelity IS NOT NULL"),
        projection=Projection(options.projection),
    )


def asked_first(tasks: Sequence[str]) -> str:
    """What orders rows of tasks as these are asked for, with all others behind."""
    return f"coalesce(list_position([{', '.join(map(literal, tasks))}], task), {len(tasks) + 1})"


def _spent(context: Context) -> str:
    """How many runs there were, and how long they took."""
    query = f"SELECT count(*), coalesce(sum(seconds), 0) FROM runs WHERE {where({'dataset': context.dataset})}"
    ((n, seconds),) = context.store.sql(query).fetchall()
    return f"{n:,} {'run' if n == 1 else 'runs'} took {duration(seconds)}"


def map_vectors(context: Context, features: str, compared: pa.Table | None) -> tuple[pa.Table | None, str]:
    """The vectors of the map: those asked for, else the best that were probed, else none."""
    import numpy as np

    of_models = [] if compared is None else [row["features"] for row in compared.to_pylist() if row["model"]]
    name = features or next((name for name in of_models if not is_combined(name)), "")
    if not name:
        return None, ""
    found = feature_sources(context, [name])[0].load()
    dense = found.matrix.toarray() if hasattr(found.matrix, "tocsr") else found.matrix
    vectors = pa.array(list(np.asarray(dense, dtype=np.float32)), pa.list_(pa.float32()))
    return pa.table({"entity_id": list(found.entity_ids), "vector": vectors}), found.name
