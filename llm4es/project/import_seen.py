"""Who was trained on by whatever made imported vectors, as its user declares it: ``import --seen``.

In: a context, a word or a file of ids. Out: rows of ``exposures`` under the vectors' name. Knows no vectors.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError
from ..core.sql import Scope, literal, where
from ..options import ImportOptions
from .context import Context
from .ids_file import read_ids
from .import_versions import ImportVersion
from .seen import DECLARED

if TYPE_CHECKING:
    from ..recipes import Recipe

ALL, NONE = "all", "none"
_SHOWN = 5
_AT_ONCE = 2**16
"""Rows of a commit that are made at a time."""


def declare(context: Context, options: ImportOptions, version: ImportVersion, ids: pa.ChunkedArray) -> None:
    """Keep who was seen; nothing is written where that is known already.

    What was declared of the version before holds for the next until it is said otherwise.

    Parameters
    ----------
    context : Context
        Store, who hears of it; a dry run only reads.
    options : ImportOptions
        The vectors' name, their dataset, and who was seen.
    version : ImportVersion
        What they are called.
    ids : pyarrow.ChunkedArray
        Who has a vector, sorted.

    Raises
    ------
    OptionError
        For a file that is not there, and where there is no split to take the train entities of.
    DataError
        For a file that cannot be read.

    Examples
    --------
    >>> from llm4es.project.import_versions import ImportVersion
    >>> options = ImportOptions.of(name="coles", dataset="shop", seen="all")
    >>> declare(context, options, ImportVersion("coles"), pa.chunked_array([["c0", "c1"]]))
    >>> context.store.sql("SELECT entity_id, role FROM exposures WHERE model = 'coles' ORDER BY 1").fetchall()
    [('c0', 'declared'), ('c1', 'declared')]
    """
    scope = {"model": version.name, "dataset": options.dataset}
    if options.seen is not None:
        seen = _declared(context, options, ids)
    elif version.before:
        seen = _seen(context, {**scope, "model": version.before})
    else:
        return
    before = _seen(context, scope)
    if options.seen is not None or len(seen):
        context.observer.say(f"{version.name}: {len(seen)} entities are declared seen by what made the vectors")
    if context.dry_run or before.equals(seen):
        return
    rows = pa.table({"entity_id": seen, "role": pa.repeat(pa.scalar(DECLARED), len(seen))})
    with context.run("import", {"model_name": version.name, "seen": options.seen}) as run:
        run.record.rows_in = run.record.rows_computed = len(seen)
        run.replace_streamed("exposures", scope, lambda: rows.to_batches(_AT_ONCE))


def _seen(context: Context, scope: Scope) -> pa.ChunkedArray:
    """Who was declared, each once, sorted."""
    return _ids(context, f"SELECT entity_id FROM exposures WHERE {where(scope)}")


def _ids(context: Context, query: str) -> pa.ChunkedArray:
    """The ids of a SELECT, each once, sorted."""
    sorted_ids = f"SELECT DISTINCT entity_id FROM ({query}) ORDER BY entity_id"
    return context.store.sql(sorted_ids).to_arrow_table()["entity_id"].cast(pa.string())


def _declared(context: Context, options: ImportOptions, ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """The ids, each once, sorted."""
    if options.seen == ALL:
        return ids
    if options.seen == NONE:
        return ids.slice(0, 0)
    if options.seen == "train":
        return _train(context, options.dataset)
    found = read_ids(Path(str(options.seen)).expanduser(), options)
    known = _ids(context, f"SELECT entity_id FROM texts WHERE {where({'dataset': options.dataset})}")
    is_known = pc.or_(pc.is_in(found, value_set=ids), pc.is_in(found, value_set=known))
    unknown = found.filter(pc.invert(is_known)).to_pylist()
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        context.observer.warn(
            f"--seen {options.seen}: {len(unknown)} of {len(found)} ids are unknown in {options.dataset!r}: "
            f"{', '.join(unknown[:_SHOWN])}{more}; see that they are written as the dataset writes them"
        )
    return found


def _train(context: Context, dataset: str) -> pa.ChunkedArray:
    """The train entities of the dataset's default split."""
    recipe = _recipe(context, dataset)
    of_dataset = where({"dataset": dataset})
    names = [name for (name,) in context.store.sql(f"SELECT DISTINCT name FROM splits WHERE {of_dataset}").fetchall()]
    name = names[0] if recipe is None and len(names) == 1 else recipe and recipe.splits.default
    if name not in names:
        raise OptionError(
            f"--seen train: no split of {dataset!r} is in the store: run `llm4es serialize {dataset}` first"
        )
    query = f"SELECT entity_id FROM splits WHERE {of_dataset} AND name = {literal(str(name))} AND split = 'train'"
    return _ids(context, query)


def _recipe(context: Context, dataset: str) -> "Recipe | None":
    """The dataset's recipe, where the store keeps it."""
    from ..recipes import recipe_from_json

    if context.given_recipe is not None:
        return context.given_recipe
    kept = context.store.recipe(dataset)
    return None if kept is None else recipe_from_json(kept["recipe"], None, origin=kept["origin"])
