"""Whether labels and splits are those that the store has: told by what they are made from, without reading them.

In: a recipe, its raw files. Out: a hash to keep in the record and to compare. Knows no events.
"""

import pyarrow as pa

from ..core.hashing import canonical_json, text_hash
from ..core.sql import literal
from ..core.version import __version__
from ..recipes import Recipe, Source
from .context import Context

EVERYBODY = "everybody"
"""What the record calls the hash of all that labels and splits are made from, besides who there is."""


def made_from(recipe: Recipe, source: Source, *, skip: bool) -> str:
    """Hash of what labels are made from, and the splits of given entities: where it is as before, so are they.

    Parameters
    ----------
    recipe : Recipe
        Its tasks and splits.
    source : Source
        The raw files.
    skip : bool
        Leave out lines that are no rows.

    Returns
    -------
    str
        '' where some of them stand in the events' own table: they are read each time.
    """
    of_splits = {split.table for split in recipe.splits.columns.values()}
    tables = sorted(of_splits | {task.table for task in recipe.tasks.values()})
    if recipe.events.table in tables:
        return ""
    contents = {table: source.contents.get(table) for table in tables}
    return text_hash(canonical_json([__version__, recipe.serialized_hash(), source.layout, skip, contents]))


def labelled_before(context: Context) -> pa.Array:
    """Ids that have labels in the store, each once."""
    query = f"SELECT DISTINCT entity_id FROM labels WHERE dataset = {literal(context.dataset)} ORDER BY entity_id"
    return context.store.sql(query).to_arrow_table()["entity_id"].combine_chunks()
