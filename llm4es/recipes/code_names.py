"""What codes stand for: the dictionaries of a recipe's fields.

In: a recipe and its files. Out: code to name, of each field that has names. Knows no events.
"""

import duckdb

from ..core.errors import DataError
from ..core.sql import identifier
from . import database
from .database import ROW
from .expressions import explained, expression
from .keys import key_sql
from .locate import Source
from .model import Names, Recipe


def code_names(recipe: Recipe, source: Source, skip: bool) -> dict[str, dict[str, str]]:
    """Of each field that has names: code to name, the first name where a code has several."""
    names: dict[str, dict[str, str]] = {}
    for field in recipe.fields:
        if isinstance(field.names, dict):
            names[field.name] = field.names
        elif isinstance(field.names, Names):
            names[field.name] = _dictionary(recipe, source, field.names, skip)
    return names


def _dictionary(recipe: Recipe, source: Source, names: Names, skip: bool) -> dict[str, str]:
    """Code to name, of a table of the raw data."""
    with database.connected(source) as connection:
        loaded = database.load(connection, recipe, source, {names.table: [names.code, names.name]}, skip)[names.table]
        try:
            code = key_sql(connection, expression(names.code, "fields.names"), identifier(names.table))
            name = f"CAST({expression(names.name, 'fields.names')} AS VARCHAR)"
            query = (
                f"SELECT {code}, {name} FROM {identifier(names.table)} WHERE {code} || {name} <> '' ORDER BY {ROW} DESC"
            )
            return dict(connection.execute(query).fetchall())
        except duckdb.Error as error:
            raise DataError(f"table {names.table!r}: {explained(error, loaded.columns)}") from error
