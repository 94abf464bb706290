"""The step ``report``: everything that one self-contained page shows, from the store.

In: a context, tasks, options. Out: the page as HTML. Writes nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError, ProbeError
from ..core.sql import literal, where
from ..core.tasks import NEW_ITEMS, Kind
from ..core.version import __version__
from ..features.expressions import is_combined
from ..options import ReportOptions
from .compare import with_probes
from .context import Context
from .feature_sources import feature_sources, named
from .histories import Histories
from .leaks import label_leaks, leaks_of
from .report_cuts import cut_warnings, cuts
from .report_learning import learning_curves
from .seen import in_words, with_seen
from .task_labels import every_label_sql

if TYPE_CHECKING:
    from ..report.data import ReportData

_LINES = 6
"""Newest events of a user that the page can show."""

_MOST_RUNS = 200

_RUNS = f"""SELECT run_id, stage,
    coalesce(config->>'$.model_name', config->>'$.task', config->>'$.name', '') AS what,
    strftime(started_at, '%Y-%m-%d %H:%M') AS started_at, seconds, status, rows_computed, rows_reused
    FROM runs WHERE {{of_data}} ORDER BY runs.started_at LIMIT {_MOST_RUNS}"""

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
        Where it cannot be written, and where what draws it is not installed.
    """
    path = Path(out or f"{context.dataset}-report.html")
    if path.is_dir() or not path.parent.is_dir():
        raise OptionError(f"--out {path} cannot be written: give the name of a file in a folder that is there")
    page = report(context, tasks, options)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    context.observer.say(f"{len(page) / 1e6:.1f} MB, open it in any browser")
    return path


def _data(context: Context, tasks: Sequence[str], options: ReportOptions) -> "ReportData":
    """Everything that the page shows, from the store."""
    from ..report.data import Projection, ReportData

    of_data = where({"dataset": context.dataset})

    def rows(sql: str) -> pa.Table:
        return context.store.sql(sql).to_arrow_table()

    context = context.at(options.train_as_of, options.test_as_of).of_task(tasks[0] if len(tasks) == 1 else None)
    raw = context.cutoff.config_id  # first: of tasks that end at several times one has to be chosen
    compared, predictions, warnings = _evidence(context, tasks, options)
    vectors, vectors_name = _vectors(context, options.features, compared)
    read, beside = cuts(context.scored), context.scored.beside
    events = Histories(context.store, context.dataset, raw).sql(["event_time"])
    return ReportData(
        dataset=context.dataset,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, llm4es {__version__}",
        warnings=(*dict.fromkeys(warnings), *cut_warnings(read)),
        runs=rows(_RUNS.format(of_data=of_data)),
        users=rows(_USERS.format(events=events)),
        cuts=read,
        comparison=compared,
        predictions=predictions,
        learning=learning_curves(context, tasks if _usual(options) else (), options.protocol),
        vectors=vectors,
        vectors_name=vectors_name,
        labels=rows(f"{every_label_sql(context)} ORDER BY task, entity_id"),
        numbers=tuple(name for name, task in context.recipe.tasks.items() if task.kind is Kind.REGRESSION),
        histories=rows(_HISTORIES.format(of_data=of_data, raw=literal(raw))),
        models=rows(f"SELECT * FROM models WHERE {of_data} ORDER BY model"),
        fidelity=rows(f"{_REWRITTEN} WHERE {beside} AND fidelity IS NOT NULL"),
        projection=Projection(options.projection),
    )


def _evidence(
    context: Context, tasks: Sequence[str], options: ReportOptions
) -> tuple[pa.Table | None, pa.Table | None, list[str]]:
    """Comparison and predictions of the tasks that were probed, and what has to be known of them."""
    from ..probe.cautions import cautions_of  # heavy

    tables, predictions, warnings = [], [], []
    comparing = options.of_probes()
    if context.earlier is not None:  # the page says it where it warns: nothing else on it is of another time
        warnings.append(f"Out of time: {context.cutoff}, and other users.")
    if options.protocol == NEW_ITEMS:
        warnings.append(
            "New items: every probe has learnt from events of some items and is scored by those of others, and of "
            "other users. What counts items cannot do better than chance here; what reads texts can."
        )
    for task in tasks:
        of = context.of_task(task)
        try:
            table, shown = with_probes(of, task, comparing)
        except ProbeError as error:
            context.observer.say(f"{task} is left out: {error}")
            continue
        tables.append(table)
        scored = context.store.sql(f"SELECT * FROM predictions WHERE {where(shown.chosen)}").to_arrow_table()
        scored = scored.filter(pc.is_in(scored["features"], pc.unique(table["features"])))  # what still holds
        by_name = shown.sources
        seen = {name: named(name, by_name).seen for name in pc.unique(scored["features"]).to_pylist()}
        scored = with_seen(_of_all(scored) if options.common else scored, seen)
        predictions.append(scored)
        warnings += label_leaks(of, task, shown.probes) + leaks_of(of, task, scored) + in_words(scored, seen)
        regression = context.recipe.tasks[task].kind is Kind.REGRESSION
        warnings += cautions_of(task, [scored.filter(_first_features(scored))], regression)
    if not tables:
        return None, None, warnings
    return pa.concat_tables(tables), pa.concat_tables(predictions), warnings


def _usual(options: ReportOptions) -> bool:
    """Whether what is shown is named by its plain protocol."""
    return options.of_probes().named_protocol == options.protocol


def _first_features(predictions: pa.Table) -> pa.ChunkedArray:
    """Which rows are of one feature set: all are scored alike."""
    import pyarrow.compute as pc

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


def _vectors(context: Context, features: str, compared: pa.Table | None) -> tuple[pa.Table | None, str]:
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
