"""``llm4es report``: one self-contained page with the pictures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es import __version__
from llm4es.core.errors import OptionError, ProbeError
from llm4es.options import ProbeOptions

from ..candidate_vectors import readable
from ..candidates import candidates
from ..options import DEFAULT_STORE, DebugOption, QuietOption, RecipeArgument, StoreOption
from ..screen import Screen
from ..selection import raw_config
from ..work import Work
from .compare import comparison
from .probe import TaskOption, leaks_of, tasks_of

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.report import ReportData

_LINES = 6
"""Newest events of a user that the page can show."""

_MOST_RUNS = 200


def report(
    recipe: RecipeArgument,
    task: TaskOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="Default: <recipe>-report.html.")
    ] = None,
    features: Annotated[
        str, typer.Option("--features", help="Vectors of the map, by name; default: the best that were probed.")
    ] = "",
    projection: Annotated[str, typer.Option("--projection", help="Of the map: pca or umap.")] = "pca",
    protocol: Annotated[str, typer.Option("--protocol", help="Which probes to show.")] = ProbeOptions.protocol,
    common: Annotated[bool, typer.Option("--common", help="Cut comparisons to the entities that all have.")] = False,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write one HTML file with every picture: it needs no network and no other file.

    Examples:

        llm4es report movielens-100k

        llm4es report movielens-100k --features smollm2-135m@8 --projection umap --out page.html
    """
    try:
        from llm4es.report import render
        from llm4es.report.data import Projection
    except ImportError as error:
        raise OptionError("llm4es report needs matplotlib and jinja2: run `pip install 'llm4es[report]'`") from error

    if projection not in list(Projection):
        raise OptionError(f"--projection {projection!r} is unknown: choose one of {', '.join(Projection)}")
    work = Work(recipe, store, Screen(quiet), dry_run=True)
    path = out or Path(f"{work.dataset}-report.html")
    if path.is_dir() or not path.parent.is_dir():
        raise OptionError(f"--out {path} cannot be written: give the name of a file in a folder that is there")
    page = render(_data(work, tasks_of(work, task), protocol, features, Projection(projection), common=common))
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    work.screen.say(f"{len(page) / 1e6:.1f} MB, open it in any browser")
    typer.echo(str(path))


def _data(work: Work, tasks: list[str], protocol: str, features: str, projection: str, *, common: bool) -> "ReportData":
    """Everything that the page shows, from the store."""
    import pyarrow as pa

    from llm4es.core.sql import identifier, literal, where
    from llm4es.core.tables import events_view
    from llm4es.report import ReportData
    from llm4es.report.data import Projection

    of_data = where({"dataset": work.dataset})

    def rows(sql: str) -> pa.Table:
        return work.store.sql(sql).to_arrow_table()

    tables, predictions, warned = [], [], []
    for each in tasks:
        try:
            tables.append(comparison(work, each, protocol, common=common))
        except ProbeError as error:
            work.screen.say(f"{each} is left out: {error}")
            continue
        chosen = where({"dataset": work.dataset, "task": each, "protocol": protocol})
        newest = f"(SELECT config_id FROM probes WHERE {chosen} ORDER BY run_id DESC LIMIT 1)"
        scored = rows(f"SELECT * FROM predictions WHERE {chosen} AND config_id = {newest}")
        predictions.append(_of_all(scored) if common else scored)
        warned += leaks_of(work, each, predictions[-1])
    compared = pa.concat_tables(tables) if tables else None
    vectors, vectors_name = _vectors(work, features, compared)
    cuts = _cuts(rows(_CUTS.format(of_data=of_data)))
    for row in cuts.to_pylist():
        if row["n_cut"]:
            share = row["n_cut"] / row["n_entities"]
            whole = row["tokens_kept"] == 1
            warned.append(
                f"{row['features']}: {share:.0%} of the users lost events, {row['events_kept']:.0%} of all were read: "
                + ("serialize without --max-events" if whole else "embed with --history full, window by window")
            )
    events, raw = identifier(events_view(work.dataset)), literal(raw_config(work.store, work.dataset))
    return ReportData(
        dataset=work.dataset,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, llm4es {__version__}",
        warnings=tuple(warned),
        runs=rows(
            f"""SELECT run_id, stage,
            coalesce(config->>'$.model_name', config->>'$.task', config->>'$.name', '') AS what,
            strftime(started_at, '%Y-%m-%d %H:%M') AS started_at, seconds, status, rows_computed, rows_reused
            FROM runs WHERE {of_data} ORDER BY runs.started_at LIMIT {_MOST_RUNS}"""
        ),
        users=rows(
            f"""SELECT entity_id, count(*) AS n_events,
            (epoch(max(event_time)) - epoch(min(event_time))) / 86400 AS days
            FROM {events} GROUP BY entity_id ORDER BY entity_id"""
        ),
        cuts=cuts,
        comparison=compared,
        predictions=pa.concat_tables(predictions) if predictions else None,
        learning=rows(f"SELECT * FROM probes WHERE {of_data} AND starts_with(protocol, {literal(protocol + '@')})"),
        vectors=vectors,
        vectors_name=vectors_name,
        labels=rows(f"SELECT entity_id, task, label FROM labels WHERE {of_data} ORDER BY task, entity_id"),
        histories=rows(
            f"""SELECT entity_id, list_slice(list_reverse(lines[2:]), 1, {_LINES}) AS lines
            FROM (SELECT *, string_split(text, chr(10)) AS lines FROM texts) WHERE {of_data}
            AND variant = 'raw' AND config_id = {raw}"""
        ),
        models=rows(f"SELECT * FROM models WHERE {of_data} ORDER BY model"),
        fidelity=rows(f"SELECT variant, fidelity, note FROM texts WHERE {of_data} AND fidelity IS NOT NULL"),
        projection=Projection(projection),
    )


def _of_all(predictions: "pa.Table") -> "pa.Table":
    """The predictions of entities that every feature set has scored."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sets = [
        set(predictions.filter(pc.equal(predictions["features"], each))["entity_id"].to_pylist())
        for each in pc.unique(predictions["features"]).to_pylist()
    ]
    return predictions.filter(
        pc.is_in(predictions["entity_id"], pa.array(sorted(set.intersection(*sets)), pa.string()))
    )


_CUTS = """SELECT model, max(k) AS k, config_id, any_value(texts) AS texts, any_value(history) AS history,
    any_value(pooling) AS pooling, any_value(max_length) AS max_length, count(*) AS n_entities,
    count_if(n_events_dropped > 0) AS n_cut, sum(n_events) AS events, sum(n_events_dropped) AS events_lost,
    sum(n_tokens) AS tokens, sum(n_tokens_dropped) AS tokens_lost
    FROM (SELECT DISTINCT ON (entity_id, model, config_id) * FROM embeddings WHERE {of_data})
    GROUP BY model, config_id ORDER BY model, config_id"""


def _cuts(found: "pa.Table") -> "pa.Table":
    """How much of the histories each embedding has read."""
    import pyarrow as pa

    rows = found.to_pylist()
    names = [label.replace(f"@{row['k']}", "", 1) for label, row in zip(readable(rows), rows, strict=True)]
    kept = {
        "events_kept": [_share(row["events"], row["events_lost"]) for row in rows],
        "tokens_kept": [_share(row["tokens"], row["tokens_lost"]) for row in rows],
    }
    counts = {column: found[column] for column in ("n_entities", "n_cut")}
    return pa.table(
        {"features": pa.array(names, pa.string()), **counts, **{k: pa.array(v, pa.float64()) for k, v in kept.items()}}
    )


def _share(kept: float | None, lost: float | None) -> float:
    """Kept of all; all of nothing is all."""
    whole = (kept or 0) + (lost or 0)
    return float((kept or 0) / whole) if whole else 1.0


def _vectors(work: Work, features: str, compared: "pa.Table | None") -> "tuple[pa.Table | None, str]":
    """The vectors of the map: those asked for, else the best that were probed, else none."""
    import numpy as np
    import pyarrow as pa

    of_models = [] if compared is None else [row["features"] for row in compared.to_pylist() if row["model"]]
    name = features or next(iter(of_models), "")
    if not name:
        return None, ""
    found = candidates(work, [name])[0].load()
    dense = found.matrix.toarray() if hasattr(found.matrix, "tocsr") else found.matrix
    vectors = pa.array(list(np.asarray(dense, dtype=np.float32)), pa.list_(pa.float32()))
    return pa.table({"entity_id": list(found.entity_ids), "vector": vectors}), found.name
