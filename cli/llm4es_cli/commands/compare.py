"""``llm4es compare``: every embedding and baseline side by side."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.core.errors import ProbeError
from llm4es.options import ProbeOptions

from ..candidates import all_candidates, named
from ..options import DEFAULT_STORE, DebugOption, FormatOption, OutputFormat, QuietOption, RecipeArgument, StoreOption
from ..screen import Screen, result_console, show
from ..work import Work
from .probe import TaskOption, tasks_of

if TYPE_CHECKING:
    import pyarrow as pa

COSTS = ("dimensions", "tokens", "seconds")
"""Columns of a comparison, and fields of a candidate."""


def compare(
    recipe: RecipeArgument,
    task: TaskOption = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="Features to pair the others with; default: the best baseline.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Default: the recipe's for the task.")] = None,
    protocol: Annotated[str, typer.Option("--protocol", help="Which probes to compare.")] = ProbeOptions.protocol,
    probe: Annotated[
        str | None, typer.Option("--probe", help="Of these models on top of the features; default: the newest's.")
    ] = None,
    common: Annotated[bool, typer.Option("--common", help="Cut to the entities that all have.")] = False,
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Only entities that no compared model was trained on.")
    ] = False,
    wide: Annotated[bool, typer.Option("--wide", help="Every column, also on a narrow terminal.")] = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare everything that was probed: metric, interval, paired difference against the best baseline.

    Examples:

        llm4es compare movielens-100k --task gender

        llm4es compare movielens-100k --task gender --unseen-only --reference smollm2-135m@8 --format json

        llm4es compare movielens-100k --format markdown
    """
    work = Work(recipe, store, Screen(quiet), dry_run=True)
    tables = [
        comparison(
            work,
            each,
            protocol,
            probe=probe,
            reference=reference,
            metric=metric,
            common=common,
            unseen_only=unseen_only,
        )
        for each in tasks_of(work, task)
    ]
    show_comparison(tables, format_, wide=wide)


def comparison(
    work: Work,
    task: str,
    protocol: str = ProbeOptions.protocol,
    *,
    config_id: str | None = None,
    probe: str | None = None,
    reference: str | None = None,
    metric: str | None = None,
    common: bool = False,
    unseen_only: bool = False,
) -> "pa.Table":
    """The comparison of one task's newest probes, or of those of one configuration."""
    import pyarrow as pa

    from llm4es.core.sql import where
    from llm4es.probe.compare import compare as pair

    chosen: dict[str, str | int] = {"dataset": work.dataset, "task": task, "protocol": protocol}
    if probe is not None:
        chosen["probe"] = probe
    if config_id is None:
        newest = work.store.sql(f"SELECT config_id FROM probes WHERE {where(chosen)} ORDER BY run_id DESC LIMIT 1")
        rows = newest.fetchall()
        if not rows:
            raise ProbeError(
                f"no probes of {task!r}{_by(probe, protocol)} in the store: "
                f"run `llm4es probe {work.dataset} --task {task}` first"
            )
        config_id = str(rows[0][0])
    chosen["config_id"] = config_id
    probes = work.store.sql(f"SELECT * FROM probes WHERE {where(chosen)}").to_arrow_table()
    scored = sorted(set(probes["n"].to_pylist()))
    if common and len(scored) > 1:
        work.screen.warn(
            f"{task}: the feature sets were probed on {scored[0]} to {scored[-1]} entities, so their probes learnt "
            "from different numbers too: embed the same entities for a fair comparison"
        )
    predictions = work.store.sql(f"SELECT * FROM predictions WHERE {where(chosen)}").to_arrow_table()
    costs = _costs(work, sorted(set(probes["features"].to_pylist())))
    if metric is None and task in work.recipe.tasks:
        metric = work.recipe.tasks[task].metric
    rows = pair(probes, predictions, reference, metric=metric, common=common, unseen_only=unseen_only, costs=costs)
    return rows.add_column(0, "task", pa.array([task] * len(rows), pa.string()))


def _by(probe: str | None, protocol: str) -> str:
    """What was asked for beyond the defaults, in words."""
    said = "" if protocol == ProbeOptions.protocol else f" by protocol {protocol!r}"
    return said if probe is None else f"{said} by probe {probe!r}"


def _costs(work: Work, features: "Iterable[str]") -> "pa.Table":
    """What each feature set costs, where the store knows it."""
    import pyarrow as pa

    from llm4es.core.errors import Llm4esError

    there = {candidate.name: candidate for candidate in all_candidates(work)}
    rows = []
    for each in features:
        try:
            found = named(each, there)
        except Llm4esError:
            continue  # probed, and its vectors are gone
        rows.append({"features": each, **{column: getattr(found, column) for column in COSTS}})
    schema = pa.schema([("features", pa.string()), *((column, pa.float64()) for column in COSTS)])
    return pa.Table.from_pylist(rows, schema=schema)


def show_comparison(tables: "list[pa.Table]", format_: FormatOption, *, wide: bool = False) -> None:
    """The tables under each other, on stdout: for people short, for machines every column."""
    import pyarrow as pa

    from ..comparison_table import markdown, print_text

    chosen = format_ or OutputFormat.TABLE
    if chosen not in (OutputFormat.TABLE, OutputFormat.MARKDOWN):
        show(pa.concat_tables(tables), chosen)
        return
    for place, table in enumerate(tables):
        rows = table.to_pylist()
        if place:
            sys.stdout.write("\n")
        if chosen is OutputFormat.MARKDOWN:
            sys.stdout.write(markdown(rows))
        else:
            print_text(rows, result_console(), wide=wide)
