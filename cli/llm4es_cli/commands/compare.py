"""``llm4es compare``: every embedding and baseline side by side."""

from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.config import ProbeOptions
from llm4es.errors import ProbeError

from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, RecipeArgument, StoreOption
from ..screen import Screen, show
from ..work import Work
from .probe import TaskOption, tasks_of

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = (
    "task",
    "features",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "difference",
    "p_adjusted",
    "n",
    "n_seen",
    "words",
)


def compare(
    recipe: RecipeArgument,
    task: TaskOption = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="Features to pair the others with; default: the best baseline.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Default: the task's primary one.")] = None,
    protocol: Annotated[str, typer.Option("--protocol", help="Which probes to compare.")] = ProbeOptions.protocol,
    common: Annotated[bool, typer.Option("--common", help="Cut to the entities that all have.")] = False,
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Only entities that no compared model was trained on.")
    ] = False,
    wide: Annotated[bool, typer.Option("--wide", help="Every column.")] = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare everything that was probed: metric, interval, paired difference against the best baseline.

    Examples:

        llm4es compare movielens-100k --task gender

        llm4es compare movielens-100k --task gender --unseen-only --reference smollm2-135m@8 --format json
    """
    work = Work(recipe, store, Screen(quiet), dry_run=True)
    tables = [
        comparison(work, each, protocol, reference=reference, metric=metric, common=common, unseen_only=unseen_only)
        for each in tasks_of(work, task)
    ]
    show_comparison(tables, format_, wide=wide)


def comparison(
    work: Work,
    task: str,
    protocol: str = ProbeOptions.protocol,
    *,
    config_id: str | None = None,
    reference: str | None = None,
    metric: str | None = None,
    common: bool = False,
    unseen_only: bool = False,
) -> "pa.Table":
    """The comparison of one task's newest probes, or of those of one configuration."""
    import pyarrow as pa

    from llm4es.compare import compare as pair
    from llm4es_store import where

    chosen: dict[str, str | int] = {"dataset": work.dataset, "task": task, "protocol": protocol}
    if config_id is None:
        newest = work.store.sql(f"SELECT config_id FROM probes WHERE {where(chosen)} ORDER BY run_id DESC LIMIT 1")
        rows = newest.fetchall()
        if not rows:
            raise ProbeError(
                f"no probes of {task!r} in the store: run `llm4es probe {work.dataset} --task {task}` first"
            )
        config_id = str(rows[0][0])
    chosen["config_id"] = config_id
    probes = work.store.sql(f"SELECT * FROM probes WHERE {where(chosen)}").to_arrow_table()
    predictions = work.store.sql(f"SELECT * FROM predictions WHERE {where(chosen)}").to_arrow_table()
    rows = pair(probes, predictions, reference, metric=metric, common=common, unseen_only=unseen_only)
    return rows.add_column(0, "task", pa.array([task] * len(rows), pa.string()))


def show_comparison(tables: "list[pa.Table]", format_: FormatOption, *, wide: bool = False) -> None:
    """The tables under each other, on stdout."""
    import pyarrow as pa

    from ..options import Format

    rows = pa.concat_tables(tables)
    show(rows if wide else rows.select([c for c in _SHOWN if c in rows.column_names]), format_, piped=Format.TABLE)
