"""Entities to splits: who trains, who chooses, who is tested.

In: a recipe and the ids that have events. Out: a table of the SPLITS schema, one row an entity and named split; equal
in every process and version of any library. Knows nothing of what a split is used for.
"""

import random

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import DataError, RecipeError
from ..core.schemas import SPLITS
from ..core.sql import identifier
from . import database
from .comparisons import compared
from .expressions import explained, expression
from .keys import key_sql
from .labels import read_labels
from .locate import Source
from .model import ColumnSplit, HashSplit, PtlsSplit, Recipe

PARTS = ("train", "validation", "test")
PTLS_SEED = 42
"""The seed that the field's published splits were shuffled with."""


def read_splits(
    recipe: Recipe,
    entity_ids: pa.Array | pa.ChunkedArray,
    source: Source | None = None,
    name: str | None = None,
    skip: bool = False,
) -> pa.Table:
    """Who trains, who chooses and who is tested, in one split of the recipe or in each.

    Parameters
    ----------
    recipe : Recipe
        Its splits.
    entity_ids : pyarrow.Array or ChunkedArray of str
        The entities that have events.
    source : Source, optional
        The raw files, which all splits but 'hash' need.
    name : str, optional
        Of the split; None: every split of the recipe, the default first.
    skip : bool, default False
        Leave out lines that are no rows, instead of failing.

    Returns
    -------
    pyarrow.Table
        Columns ``dataset``, ``entity_id``, ``split`` ('train', 'validation' or 'test') and ``name``; one row an entity
        and split, ids ascending.

    Raises
    ------
    RecipeError
        There is no such split, or it needs ``source``.
    DataError
        The data name no part, or another one, for an entity.

    Examples
    --------
    >>> from llm4es.recipes import load_recipe
    >>> splits = read_splits(load_recipe("rosbank"), pa.array(["6", "1", "138"]), name="hash")
    >>> dict(zip(splits["entity_id"].to_pylist(), splits["split"].to_pylist()))
    {'1': 'train', '138': 'test', '6': 'test'}
    """
    if name is not None and name not in recipe.splits.names:
        raise RecipeError(f"recipe {recipe.name!r} has no split {name!r}: there are {', '.join(recipe.splits.names)}")
    ids = pa.chunked_array([entity_ids]) if isinstance(entity_ids, pa.Array) else entity_ids
    ids = ids.unique()
    ids = ids.take(pc.sort_indices(ids))
    tables = []
    for each in recipe.splits.names if name is None else [name]:
        parts = _parts(recipe, source, ids, each, skip)
        columns = [pa.repeat(recipe.name, len(ids)), ids, parts, pa.repeat(each, len(ids))]
        tables.append(pa.table(columns, schema=SPLITS))
    return pa.concat_tables(tables)


def _parts(recipe: Recipe, source: Source | None, ids: pa.Array, name: str, skip: bool) -> pa.Array:
    """The part of each id in one split."""
    if name == "hash":
        return _hash_parts(recipe.splits.hash, ids)
    if source is None:
        raise RecipeError(f"split {name!r} of recipe {recipe.name!r} needs the raw data: give its source")
    if name == "ptls" and recipe.splits.ptls is not None:
        return _ptls_parts(recipe, source, recipe.splits.ptls, ids, skip)
    return _column_parts(recipe, source, name, recipe.splits.columns[name], ids, skip)


def _hash_parts(split: HashSplit, ids: pa.Array) -> pa.Array:
    """'test', 'validation' or 'train': the first 60 bits of the id's MD5, as a share of their range."""
    with duckdb.connect() as connection:
        connection.register("ids", pa.table({"id": ids}))
        shares = "SELECT CAST(CAST('0x' || left(md5(id), 15) AS UBIGINT) AS DOUBLE) / CAST(16 AS DOUBLE) ** 15 AS share"
        query = f"""SELECT CASE WHEN share < $test THEN 'test' WHEN share < $others THEN 'validation' ELSE 'train' END
            AS part FROM ({shares} FROM ids)"""
        bounds = {"test": split.test, "others": split.test + split.validation}
        return connection.sql(query, params=bounds).to_arrow_table()["part"].combine_chunks()


def ptls_test(labelled: list[str], share: float) -> set[str]:
    """The test ids of the pytorch-lifestream convention: sorted as strings, shuffled, the last share of them."""
    ids = sorted(labelled)
    random.Random(PTLS_SEED).shuffle(ids)  # noqa: S311  # the field's published splits come from this generator
    return set(ids[len(ids) - int(len(ids) * share) :])


def _ptls_parts(recipe: Recipe, source: Source, split: PtlsSplit, ids: pa.Array, skip: bool) -> pa.Array:
    """Labelled ids that have events are divided; those without a label only train."""
    labels = read_labels(recipe, source, skip=skip)
    mine = labels.filter(pc.equal(labels["task"], split.task))["entity_id"].unique()
    test = ptls_test(mine.filter(pc.is_in(mine, ids)).to_pylist(), split.test)
    return pc.if_else(pc.is_in(ids, pa.array(test, pa.string())), "test", "train")


def _column_parts(recipe: Recipe, source: Source, name: str, split: ColumnSplit, ids: pa.Array, skip: bool) -> pa.Array:
    """What a column of the data says."""
    with database.connected(source) as connection:
        wanted = {split.table: [split.entity, split.split]}
        loaded = database.load(connection, recipe, source, wanted, skip)[split.table]
        table = identifier(split.table)
        mine, _ = (expression(sql, f"splits.columns.{name}") for sql in (split.entity, split.split))
        try:
            entity = key_sql(connection, mine, table)
            part = f"CAST({compared(connection, split.split, table)} AS VARCHAR)"
            query = f"SELECT {entity} AS id, min({part}) AS part, max({part}) AS other FROM {table} GROUP BY id"
            said = connection.sql(f"{query} ORDER BY id").to_arrow_table()
        except duckdb.Error as error:
            raise RecipeError(
                f"recipe {recipe.name!r}, splits.columns.{name}: {explained(error, loaded.columns)}"
            ) from error
    known = pc.is_in(said["id"], ids)
    torn = said.filter(pc.and_(known, pc.not_equal(said["part"], said["other"]))).slice(0, 1)
    for entity, first, other in zip(*(column.to_pylist() for column in torn.columns), strict=True):
        raise DataError(
            f"split {name!r}: entity {entity!r} is in {first!r} and in {other!r}: keep one of them in the file"
        )
    parts = said["part"].combine_chunks().take(pc.index_in(ids, value_set=said["id"].combine_chunks()))
    if (at := pc.index(pc.is_in(parts, pa.array(PARTS)), False).as_py()) >= 0:
        what = f"split {name!r}: entity {ids[at].as_py()!r} is in {parts[at].as_py()!r}"
        raise DataError(f"{what}, which is none of {', '.join(PARTS)}")
    return parts
