"""``llm4es similar``: the nearest entities, and the events that make them alike."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm4es.errors import OptionError, StoreError

from ..candidates import candidates
from ..options import DEFAULT_STORE, DebugOption, Format, FormatOption, QuietOption, RecipeArgument, StoreOption
from ..screen import Screen, show
from ..work import Work

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.features import FeatureSet

_SHARED_SHOWN = 5
"""Shared values named for each neighbour, the rarest first."""


def similar(
    recipe: RecipeArgument,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="The entity's id.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Whose vectors.")] = "smollm2-135m",
    k: Annotated[str, typer.Option("--k", help="Last layers averaged, or all.")] = "8",
    features: Annotated[
        str, typer.Option("--features", help="Instead of --model and --k: a name as `llm4es compare` shows it.")
    ] = "",
    n: Annotated[int, typer.Option("-n", min=1, help="Neighbours.")] = 10,
    by: Annotated[
        str, typer.Option("--by", help="The events' column that is compared; default: the text's first.")
    ] = "",
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Show the nearest entities by cosine, and what they have in common with this one, the rarest first.

    Examples:

        llm4es similar movielens-100k 196

        llm4es similar movielens-100k 196 --model smollm2-135m --k all -n 3 --format json
    """
    from llm4es.similar import nearest

    work = Work(recipe, store, Screen(quiet), dry_run=True)
    found = _features(work, features or _name(work, model, k))
    near = nearest(found, [entity], n)
    column = by or next(field.name for field in work.recipe.fields if field.in_text)
    common = _shared(work, entity, near["neighbour"].to_pylist(), column)
    labels = _labels(work)
    rows = [
        {
            "rank": row["rank"],
            "entity_id": row["neighbour"],
            "cosine": row["cosine"],
            **{task: of.get(row["neighbour"]) for task, of in labels.items()},
            "shared": len(common.get(row["neighbour"], [])),
            "rarest shared": _named(common.get(row["neighbour"], []), format_),
        }
        for row in near.to_pylist()
    ]
    import pyarrow as pa

    said = ", ".join(f"{task}: {of[entity]}" for task, of in labels.items() if entity in of)
    work.screen.say(f"{entity} ({said or 'no label'}) in {found.name}")
    show(pa.Table.from_pylist(rows), format_, piped=Format.TABLE)


def _name(work: Work, model: str, k: str) -> str:
    """The readable name of a model's vectors."""
    from llm4es_store import where

    if k == "all":
        chosen = where({"dataset": work.dataset, "model": model})
        ((depth,),) = work.store.sql(f"SELECT max(k) FROM embeddings WHERE {chosen}").fetchall()
        if depth is None:
            raise StoreError(
                f"no vectors of {model!r} in the store: run `llm4es embed {work.dataset} -m {model}` first"
            )
        return f"{model}@{depth}"
    if not k.isdigit() or int(k) < 1:
        raise OptionError(f"--k {k!r} is no number of layers: give 1 or more, or 'all'")
    return f"{model}@{k}"


def _features(work: Work, name: str) -> "FeatureSet":
    """The feature set of that name; where only the beginning of a name was given, the newest that begins so."""
    begun = [candidate for candidate in candidates(work) if candidate.name.startswith(f"{name} [")]
    return (begun or candidates(work, [name]))[-1].load()


def _shared(work: Work, entity: str, neighbours: list[str], column: str) -> dict[str, list[str]]:
    """Neighbour -> values in common, rarest first."""
    from llm4es.similar import shared
    from llm4es_store import events_view
    from llm4es_store.quoting import name

    view = name(events_view(work.dataset))
    rows: pa.Table = shared(
        work.store.sql(f"SELECT * FROM {view}").to_arrow_reader(100_000), entity, neighbours, column
    )
    common: dict[str, list[str]] = {}
    for row in rows.to_pylist():
        common.setdefault(row["neighbour"], []).append(row["value"])
    return common


def _labels(work: Work) -> dict[str, dict[str, str]]:
    """Task -> entity -> label."""
    from llm4es_store import where

    found: dict[str, dict[str, str]] = {task: {} for task in work.recipe.tasks}
    chosen = where({"dataset": work.dataset})
    for task, entity, label in work.store.sql(f"SELECT task, entity_id, label FROM labels WHERE {chosen}").fetchall():
        found.setdefault(task, {})[entity] = label
    return found


def _named(values: list[str], format_: Format | None) -> Any:
    """A few of the values as text; all of them where a program reads."""
    return values if format_ is Format.JSON else "; ".join(values[:_SHARED_SHOWN])
