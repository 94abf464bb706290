"""Which half an item is in, and the events of each half: what a probe of new items learns from, and is scored by.

In: events of a store, how items are halved. Out: SQL of events whose entities bear the mark of a side. Knows no
feature.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..core.sql import identifier, literal
from ..features.halves import ItemSide
from ..options.new_items import SHARE, ItemHalves
from .histories import Histories


@dataclass(frozen=True)
class HalvedHistories(Histories):
    """Events of some entities, an entity and side being somebody of its own.

    Examples
    --------
    >>> whole = Histories(project.store, "shop", context.cutoff.config_id)
    >>> halved = HalvedHistories(project.store, "shop", whole.raw_config, ItemHalves("product"), whole.ids)
    >>> query = f"SELECT substr(entity_id, 1, 1), count(DISTINCT product) FROM ({halved.sql(['product'])}) GROUP BY 1"
    >>> sorted(project.store.sql(query).fetchall())  # 3 of 5 products are learnt from, 2 are scored
    [('1', 3), ('2', 2), ('3', 2), ('4', 1)]
    """

    how: ItemHalves
    """Of one repeat."""

    everybody: str
    """SELECT of the entities by whose events it is known which items there are, and since when."""

    def sql(self, columns: Iterable[str] = ("*",), entities: str | None = None) -> str:
        """SELECT of the events with these columns, of each side that their item is on; none without an item.

        Parameters
        ----------
        columns : iterable of str
            By name.
        entities : str, optional
            SELECT of plain ids.

        Returns
        -------
        str
            SQL with ``entity_id`` in front, which bears the mark of a side.
        """
        item, named = self.how.item, [column for column in dict.fromkeys(columns) if column != "entity_id"]
        chosen = "".join(f", {identifier(column)}" for column in named)
        return f"""SELECT side || entity_id AS entity_id{chosen}
            FROM ({super().sql([*named, item], entities)}) AS events
            JOIN ({self._sides}) AS sides ON events.{identifier(item)}::VARCHAR = sides.half_of"""

    @property
    def _sides(self) -> str:
        """SELECT of each item as ``half_of`` and ``side``; of one that is learnt from with its inner half too."""
        item, since = f"{identifier(self.how.item)}::VARCHAR", self.how.since
        events = super().sql([self.how.item, "event_time"], self.everybody)
        items = f"""SELECT {item} AS half_of, min(event_time) AS first
            FROM ({events}) WHERE {item} IS NOT NULL GROUP BY ALL"""
        learnt = (
            _among_first(self.how.share, f"{self.how.seed} ", "true")
            if since is None
            else f"coalesce(first < {literal(f'{since:%Y-%m-%d %H:%M:%S.%f}')}::TIMESTAMP, false)"
        )
        within = _among_first(SHARE, f"{self.how.seed} within ", "learnt")
        return f"""SELECT half_of, unnest(CASE WHEN NOT learnt THEN ['{ItemSide.SCORED}']
                WHEN {within} THEN ['{ItemSide.LEARNT}', '{ItemSide.WITHIN_LEARNT}']
                ELSE ['{ItemSide.LEARNT}', '{ItemSide.WITHIN_SCORED}'] END) AS side
            FROM (SELECT half_of, {learnt} AS learnt FROM ({items}))"""


def _among_first(share: float, salt: str, group: str) -> str:
    """Condition: an item is among the first ``share`` of its group by a hash: one at least, and not all."""
    place = f"row_number() OVER (PARTITION BY {group} ORDER BY md5({literal(salt)} || half_of), half_of)"
    n = f"count(*) OVER (PARTITION BY {group})"
    return f"({place} <= greatest(1, least({n} - 1, round({share!r} * {n}))))"
