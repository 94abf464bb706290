"""Edges of bins, kept in the store: what was 'large' yesterday is 'large' tomorrow.

In: a store, a recipe, edges that were found. Out: rows of ``bins``, and the recipe whose fields know their edges.
Knows no texts.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.hashing import config_id
from ..core.schemas import BINS
from ..core.sql import literal
from ..recipes import FieldSpec, Recipe
from ..recipes.bin_edges import BinEdges
from ..recipes.bins import bin_words
from .context import Context

if TYPE_CHECKING:
    from llm4es_store import Run, Store

_VALUES = ("name", "column", "type", "derive", "decimal_mark", "bins")
"""Of a field: what its numbers are, and how many bins."""


def fitted(store: "Store", recipe: Recipe) -> Recipe:
    """The recipe, its numbers of bins replaced by the edges that the store keeps.

    Parameters
    ----------
    store : Store
        Where the dataset was serialized.
    recipe : Recipe
        As it was read.

    Returns
    -------
    Recipe
        For the pure stages. A field whose edges are not there keeps its number, and is refused where it is written.

    Examples
    --------
    >>> fitted(project.store, context.recipe) == context.recipe
    True
    """
    return recipe.with_edges(_kept(store, recipe))


def unfitted(store: "Store", recipe: Recipe) -> list[FieldSpec]:
    """The fields with a number of bins whose edges the store does not keep.

    Parameters
    ----------
    store : Store
        Where the dataset was serialized, or will be.
    recipe : Recipe
        As it was read.

    Returns
    -------
    list of FieldSpec
        None where nothing has to be fitted.

    Examples
    --------
    >>> unfitted(project.store, context.recipe)
    []
    """
    return fitted(store, recipe).counted_bins()


def keep_edges(context: Context, edges: BinEdges, run: "Run | None") -> None:
    """Enter the edges that were found, and say what the words mean.

    Parameters
    ----------
    context : Context
        Whose recipe it is, and who hears of it.
    edges : BinEdges
        After the reading.
    run : Run or None
        Open; it writes the rows. None: a dry run.
    """
    sample = "" if context.max_entities is None else ", a sample: they stay when all are read"
    for field in edges.fields:
        found = edges.edges[field.name]
        context.observer.say(f"serialize: {_said(field, found)}, fitted on {edges.n_entities:,} entities{sample}")
        if run is not None:
            row = {"n_bins": field.bins, "edges": list(found), "n_entities": edges.n_entities}
            scope = {"dataset": context.dataset, "field": field.name, "config_id": _config(context.recipe, field)}
            run.replace("bins", scope, pa.Table.from_pylist([{**scope, **row}], schema=BINS))


def _said(field: FieldSpec, edges: tuple[float, ...]) -> str:
    """What the words of a field mean: ``amount: small < 10 <= medium < 100 <= large``."""
    lowest, *others = bin_words(len(edges) + 1)
    words = lowest + "".join(f" < {edge:.6g} <= {word}" for edge, word in zip(edges, others, strict=True))
    fewer = f" ({len(edges) + 1} of the {field.bins} bins: many values are equal)"
    return f"{field.name}: {words}{fewer if len(edges) + 1 != field.bins else ''}"


def _kept(store: "Store", recipe: Recipe) -> dict[str, tuple[float, ...]]:
    """Field -> edges, of the fields with a number of bins that the store knows."""
    counted = recipe.counted_bins()
    if not counted:
        return {}
    query = f"SELECT field, config_id, edges FROM bins WHERE dataset = {literal(recipe.name)}"
    there = {(field, config): tuple(edges) for field, config, edges in store.sql(query).fetchall()}
    keys = {field.name: (field.name, _config(recipe, field)) for field in counted}
    return {name: there[key] for name, key in keys.items() if key in there}


def _config(recipe: Recipe, field: FieldSpec) -> str:
    """What names the edges: other values or another number of bins have edges of their own."""
    values = field.model_dump(mode="json", include=set(_VALUES))
    return config_id({"recipe": recipe.name, "field": {name: values.get(name) for name in _VALUES}})
