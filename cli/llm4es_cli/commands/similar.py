"""``llm4es similar``: the nearest entities, and the events that make them alike."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm4es.core.errors import OptionError, StoreError

from ..candidates import candidates
from ..options import DEFAULT_STORE, DebugOption, FormatOption, OutputFormat, QuietOption, RecipeArgument, StoreOption
from ..screen import Screen, show
from ..selection import preset
from ..work import Work

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.features.feature_set import FeatureSet

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
    from llm4es.features.neighbours import nearest

    work = Work(recipe, store, Screen(quiet), dry_run=True)
    found = _features(work, features or _name(work, model, k))
    near = nearest(found, [entity], n)
    texts = [field.name for field in work.recipe.text_fields(preset(work.store, work.dataset))]
    column = by or texts[0]
    alike = _shared(work, entity, near["neighbour"].to_pylist(), column, texts)
    labels = _labels(work)
    rows = [
        {
            "rank": row["rank"],
            "entity_id": row["neighbour"],
            "cosine": row["cosine"],
            **{task: of.get(row["neighbour"]) for task, of in labels.items()},
            "shared": len(alike[row["neighbour"]]),
            "rarest shared": _named(alike[row["neighbour"]], format_),
        }
        for row in near.to_pylist()
    ]
    import pyarrow as pa

    said = ", ".join(f"{task}: {of[entity]}" for task, of in labels.items() if entity in of)
    work.screen.say(f"{entity} ({said or 'no label'}) in {found.name}")
    if format_ not in (None, OutputFormat.TABLE):
        show(pa.Table.from_pylist(rows), format_)
        return
    events = [
        {"neighbour": neighbour, column: event["value"], entity: event["entity_says"],
         "the neighbour": event["neighbour_says"], "had by": event["n_others"]}
        for neighbour, shared in alike.items()
        for event in shared[:_SHARED_SHOWN]
    ]  # fmt: skip
    show(
        pa.Table.from_pylist([{k: v for k, v in row.items() if k != "rarest shared"} for row in rows]),
        OutputFormat.TABLE,
    )
    if events:
        sys.stdout.write(f"\nWhat they have in common, the rarest first, at most {_SHARED_SHOWN} each:\n\n")
        show(pa.Table.from_pylist(events), OutputFormat.TABLE)


def _name(work: Work, model: str, k: str) -> str:
    """The readable name of a model's vectors."""
    from llm4es.core.sql import where

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


def _shared(
    work: Work, entity: str, neighbours: list[str], column: str, texts: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """Neighbour -> events in common, rarest first; each neighbour, also one that shares nothing."""
    from llm4es.core.sql import identifier
    from llm4es.core.tables import events_view
    from llm4es.features.neighbours import shared

    view = identifier(events_view(work.dataset))
    events = work.store.sql(f"SELECT * FROM {view}").to_arrow_reader(100_000)
    rows: pa.Table = shared(events, entity, neighbours, column, texts)
    common: dict[str, list[dict[str, Any]]] = {neighbour: [] for neighbour in neighbours}
    for row in rows.to_pylist():
        common[row["neighbour"]].append(row)
    return common


def _labels(work: Work) -> dict[str, dict[str, str]]:
    """Task -> entity -> label."""
    from llm4es.core.sql import where

    found: dict[str, dict[str, str]] = {task: {} for task in work.recipe.tasks}
    chosen = where({"dataset": work.dataset})
    for task, entity, label in work.store.sql(f"SELECT task, entity_id, label FROM labels WHERE {chosen}").fetchall():
        found.setdefault(task, {})[entity] = label
    return found


def _named(events: list[dict[str, Any]], format_: OutputFormat | None) -> Any:
    """A few of the shared values as text; all of them, with what either says, where a program reads JSON."""
    if format_ is OutputFormat.JSON:
        return [{key: value for key, value in event.items() if key != "neighbour"} for event in events]
    return "; ".join(event["value"] for event in events[:_SHARED_SHOWN])
