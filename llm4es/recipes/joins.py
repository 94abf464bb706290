"""Tables that are joined to the events, by the text of their keys: also to columns that another join has brought.

In: the events' view and those of the tables. Out: a FROM clause, and in words which joins match few rows. Knows nothing
of fields.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ..core.errors import DataError, nearest
from ..core.sql import identifier
from .database import ROW
from .keys import key_sql
from .model import Join

logger = logging.getLogger(__name__)

FEW = 0.5
"""Share of rows below which it is told how many a join matches."""


@dataclass(frozen=True)
class Joined:
    """A table that has been joined."""

    table: str
    mine: str
    """SQL of the events' key, as it is told."""
    theirs: str
    """SQL of the table's."""
    matched: str
    """SQL condition of an event that has a row there."""


@dataclass
class Joins:
    """The events and what is joined to them so far."""

    connection: duckdb.DuckDBPyConnection
    events: str
    """The name of their table."""
    columns: dict[str, str]
    """Column in lower case -> the relation that has it."""
    clause: str
    done: tuple[Joined, ...] = ()

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, events: str, columns: Sequence[str]) -> "Joins":
        """The events alone."""
        return cls(
            connection, events, dict.fromkeys(map(str.lower, columns), "events"), f"{identifier(events)} AS events"
        )

    def add_all(self, joins: Sequence[Join], tables: Mapping[str, Sequence[str]]) -> list[str]:
        """Join each table once its keys are there; ``tables`` has the columns of each. All new columns."""
        new: list[str] = []
        waiting = list(joins)
        while waiting:
            ready = next((join for join in waiting if all(key.lower() in self.columns for key in keys_of(join))), None)
            join = ready or waiting[0]
            new += self._add(join, tables[join.table])
            waiting.remove(join)
        return new

    def _add(self, join: Join, there: Sequence[str]) -> Sequence[str]:
        on, table = keys_of(join), identifier(join.table)
        self._check(join.table, on, there)
        theirs = [key_sql(self.connection, identifier(key), table) for key in on.values()]
        self._check_once(join.table, on, theirs)
        mine = [key_sql(self.connection, self._mine(key), self.clause) for key in on]
        keys = ", ".join(f"{sql} AS _key{at}" for at, sql in enumerate(theirs))
        left_out = [*map(identifier, on.values()), ROW]
        rows = f"SELECT * EXCLUDE ({', '.join(left_out)}), {keys} FROM {table}"
        matches = " AND ".join(f"{sql} = {table}._key{at}" for at, sql in enumerate(mine))
        self.clause += f" LEFT JOIN ({rows}) AS {table} ON {matches}"
        hidden = {*self.columns, *(key.lower() for key in on.values())}
        self.columns |= {name.lower(): join.table for name in there if name.lower() not in hidden}
        shown, there_shown = (" || ' ' || ".join(each) for each in (mine, theirs))
        self.done += (Joined(join.table, shown, there_shown, f"{table}._key0 IS NOT NULL"),)
        return there

    def _mine(self, key: str) -> str:
        """A column of the events, or of a table that was joined before."""
        return f"{identifier(self.columns[key.lower()])}.{identifier(key)}"

    def _check(self, table: str, on: dict[str, str], there: Sequence[str]) -> None:
        """Keys of a join are columns."""
        lower = [name.lower() for name in there]
        for side, name, known, columns in [
            *(("events", mine, list(self.columns), list(self.columns)) for mine in on),
            *((table, theirs, lower, list(there)) for theirs in on.values()),
        ]:
            if name.lower() not in known:
                raise DataError(f"table {side!r} has no column {name!r} to join on; {nearest(name, columns)}")

    def _check_once(self, table: str, on: dict[str, str], theirs: Sequence[str]) -> None:
        """A key is there once, or events would be there several times; rows without a key match none."""
        keys, names = ", ".join(theirs), ", ".join(map(identifier, on.values()))
        known = " AND ".join(f"({key}) IS NOT NULL" for key in theirs)
        query = (
            f"SELECT {keys} FROM {identifier(table)} WHERE {known} GROUP BY {keys} HAVING count(*) > 1 "
            f"ORDER BY {keys} LIMIT 1"
        )
        if twice := self.connection.execute(query).fetchall():
            raise DataError(f"table {table!r} has {names} {twice[0][0]!r} more than once: leave one row of each")

    def tell(self, dataset: str, counts: Sequence[int], total: int) -> None:
        """Say of each join that matches few rows how many, and what the keys of both sides look like."""
        for join, matched in zip(self.done, counts, strict=True):
            if matched >= FEW * total:
                continue
            query = f"SELECT min({join.mine}) FROM {self.clause} WHERE NOT ({join.matched})"
            mine = self.connection.execute(query).fetchall()[0][0]
            query = f"SELECT min({join.theirs}) FROM {identifier(join.table)}"
            theirs = self.connection.execute(query).fetchall()[0][0]
            share = f"{matched} of {total} events ({100 * matched / total:.3g} %)"
            what = "%s: the join to table %r matches %s: the events have keys such as %r, the table has %r"
            logger.warning(what, dataset, join.table, share, mine, theirs)


def keys_of(join: Join) -> dict[str, str]:
    """Column of the events -> column of the table."""
    return {join.on: join.on} if isinstance(join.on, str) else join.on
