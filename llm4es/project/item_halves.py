"""Which half an item is in, and the events of each half: what a probe of new items learns from, and is scored by.

In: a context, how items are halved. Out: SQL of events whose entities bear the mark of a side, and the baselines made
of them. Knows no probe.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.sql import identifier, literal
from ..features.halves import ItemSide
from ..options.new_items import SHARE, ItemHalves
from .feature_source_baselines import Baselines


@dataclass(frozen=True)
class Halved(Baselines):
    """The baselines of every side of one repeat: an entity and side is somebody of its own."""

    how: ItemHalves
    """Which item is on which side."""

    def events(self, columns: Sequence[str]) -> str:
        """SELECT of the events with these columns, of each side that their item is on; none without an item."""
        item, named = self.how.item, [column for column in dict.fromkeys(columns) if column != "entity_id"]
        chosen = "".join(f", {identifier(column)}" for column in named)
        return f"""SELECT side || entity_id AS entity_id{chosen}
            FROM ({self.histories.sql([*named, item], self.ids)}) AS events
            JOIN ({self.sides}) AS sides ON events.{identifier(item)}::VARCHAR = sides.half_of"""

    def entities(self) -> list[str]:
        """Everybody, once a side."""
        rows = self.context.store.sql(f"SELECT DISTINCT entity_id FROM ({self.events([])})").fetchall()
        return [entity for (entity,) in rows]

    @property
    def sides(self) -> str:
        """SELECT of each item as ``half_of`` and ``side``; of one that is learnt from with its inner half too."""
        item, since = f"{identifier(self.how.item)}::VARCHAR", self.how.since
        events = self.histories.sql([self.how.item, "event_time"], self.ids)
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
