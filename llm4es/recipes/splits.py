"""Entities to splits: who trains, who chooses, who is tested.

In: a recipe and the ids that have events. Out: a table of the SPLITS schema, one row an entity and named split; equal
in every process and version of any library. Knows nothing of what a split is used for.
"""

import hashlib
import random

import duckdb
import pyarrow as pa

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
    ids = sorted(set(entity_ids.to_pylist()))
    if name is not None and name not in recipe.splits.names:
        raise RecipeError(f"recipe {recipe.name!r} has no split {name!r}: there are {', '.join(recipe.splits.names)}")
    tables = []
    for each in recipe.splits.names if name is None else [name]:
        parts = _parts(recipe, source, ids, each, skip)
        tables.append(pa.table([[recipe.name] * len(ids), ids, parts, [each] * len(ids)], schema=SPLITS))
    return pa.concat_tables(tables)


def _parts(recipe: Recipe, source: Source | None, ids: list[str], name: str, skip: bool) -> list[str]:
    """The part of each id in one split."""
    if name == "hash":
        return [hash_part(recipe.splits.hash, entity) for entity in ids]
    if source is None:
        raise RecipeError(f"split {name!r} of recipe {recipe.name!r} needs the raw data: give its source")
    if name == "ptls" and recipe.splits.ptls is not None:
        return _ptls_parts(recipe, source, recipe.splits.ptls, ids, skip)
    return _column_parts(recipe, source, name, recipe.splits.columns[name], ids, skip)


def hash_part(split: HashSplit, entity: str) -> str:
    """'test', 'validation' or 'train': the first 60 bits of the id's MD5, as a share of their range."""
    share = int(hashlib.md5(entity.encode(), usedforsecurity=False).hexdigest()[:15], 16) / 16**15
    if share < split.test:
        return "test"
    return "validation" if share < split.test + split.validation else "train"


def ptls_test(labelled: list[str], share: float) -> set[str]:
    """The test ids of the pytorch-lifestream convention: sorted as strings, shuffled, the last share of them."""
    ids = sorted(labelled)
    random.Random(PTLS_SEED).shuffle(ids)  # noqa: S311  # the field's published splits come from this generator
    return set(ids[len(ids) - int(len(ids) * share) :])


def _ptls_parts(recipe: Recipe, source: Source, split: PtlsSplit, ids: list[str], skip: bool) -> list[str]:
    """Labelled ids that have events are divided; those without a label only train."""
    labels = read_labels(recipe, source, skip=skip)
    known = set(ids)
    mine = [(e, t) for e, t in zip(labels["entity_id"].to_pylist(), labels["task"].to_pylist(), strict=True)]
    test = ptls_test(list({entity for entity, task in mine if task == split.task and entity in known}), split.test)
    return ["test" if entity in test else "train" for entity in ids]


def _column_parts(
    recipe: Recipe, source: Source, name: str, split: ColumnSplit, ids: list[str], skip: bool
) -> list[str]:
    """What a column of the data says."""
    with database.connected(source) as connection:
        wanted = {split.table: [split.entity, split.split]}
        loaded = database.load(connection, recipe, source, wanted, skip)[split.table]
        table = identifier(split.table)
        mine, _ = (expression(sql, f"splits.columns.{name}") for sql in (split.entity, split.split))
        try:
            entity = key_sql(connection, mine, table)
            part = f"CAST({compared(connection, split.split, table)} AS VARCHAR)"
            query = f"SELECT {entity} AS id, min({part}), max({part}) FROM {table} GROUP BY id ORDER BY id"
            rows = connection.execute(query).fetchall()
        except duckdb.Error as error:
            raise RecipeError(
                f"recipe {recipe.name!r}, splits.columns.{name}: {explained(error, loaded.columns)}"
            ) from error
    said, known = {entity: part for entity, part, _ in rows}, set(ids)
    if torn := [row for row in rows if row[1] != row[2] and row[0] in known]:
        entity, first, other = torn[0]
        raise DataError(
            f"split {name!r}: entity {entity!r} is in {first!r} and in {other!r}: keep one of them in the file"
        )
    for entity in ids:
        if said.get(entity) not in PARTS:
            raise DataError(
                f"split {name!r}: entity {entity!r} is in {said.get(entity)!r}, which is none of {', '.join(PARTS)}"
            )
    return [said[entity] for entity in ids]
