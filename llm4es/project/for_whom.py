"""For how many entities rows are to be made again: for as many as they were made for.

In: a context, a table, a configuration, what runs recorded. Out: a number, None for everybody. Writes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.sql import where
from .again import UntoldError
from .context import Context
from .control_texts import EVERYBODY, RECORDED
from .live_texts import live_rows
from .selection import WHOM, entities_sql


def for_whom(context: Context, table: str, made: str, past: Iterable[Mapping[str, Any]]) -> int | None:
    """``--max-entities`` of rows that were made before.

    Parameters
    ----------
    context : Context
        Dataset and store.
    table : str
        ``embeddings`` or ``texts``.
    made : str
        Configuration of the rows.
    past : iterable of mappings
        What runs recorded; older ones did not say for how many they were.

    Returns
    -------
    int or None
        None: for everybody.

    Raises
    ------
    UntoldError
        Where nobody knows.

    Examples
    --------
    >>> for_whom(context, "embeddings", "c1", [{"config_id": "c1", "max_entities": 5}])
    5
    """
    said = [
        each for each in past if each.get("config_id") == made and (WHOM in each or each.get(RECORDED) == EVERYBODY)
    ]
    if said:
        sizes: list[int | None] = [each.get(WHOM) for each in said]
        return None if None in sizes else max(filter(None, sizes))
    have = f"SELECT entity_id FROM {table} WHERE {where({'dataset': context.dataset, 'config_id': made})}"
    if not _count(context, f"{_first(context, None)} EXCEPT {have}"):
        return None
    n = _count(context, f"{_first(context, None)} INTERSECT {have}")
    if not n or _count(context, f"({_first(context, n)}) EXCEPT {have}"):
        raise UntoldError("an older version did not record for how many entities it was")
    return n


def check_reached(context: Context, made: str, n: int | None) -> None:
    """Raise UntoldError where stale vectors are of entities that are not among the first ``n``: they would stay."""
    if n is None:
        return
    live = live_rows(context)
    of = where({"dataset": context.dataset, "config_id": made})
    stale = f"SELECT entity_id FROM (FROM embeddings WHERE {of}) made {live.join} WHERE NOT {live.condition}"
    if beyond := _count(context, f"{stale} EXCEPT ({_first(context, n)})"):
        raise UntoldError(f"vectors of {beyond} entities that are no longer among the first {n} stay as they are")


def words_for(n: int | None) -> list[str]:
    """The number as it is typed."""
    return [] if n is None else ["--max-entities", str(n)]


def _first(context: Context, n: int | None) -> str:
    return entities_sql(context.dataset, context.cutoff.config_id, n)


def _count(context: Context, query: str) -> int:
    return int(context.store.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0])
