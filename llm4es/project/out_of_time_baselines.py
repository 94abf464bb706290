"""The baselines of two times: made of both times' events at once, so that a column is the same thing at both.

In: a context of the earlier time and one of the later. Out: sources that read either half. Knows no vectors.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from ..core.hashing import canonical_json, text_hash
from ..core.sql import literal
from .context import Context
from .feature_source import FeatureSource
from .feature_source_baselines import Baselines
from .histories import Histories
from .selection import entities_sql

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet

EARLIER, LATER = "1", "2"
"""In front of an id, where both times' events are in one stream."""


def baselines_of_two(past: Context, now: Context) -> Iterator[FeatureSource]:
    """The baselines that the recipe's events carry, of the earlier time and the later."""
    histories = [Histories(each.store, each.dataset, each.cutoff.config_id) for each in (past, now)]
    ids = [entities_sql(each.dataset, each.cutoff.config_id, each.max_entities) for each in (past, now)]
    return _Both(now, histories[1], ids[1], histories[0], ids[0]).sources()


@dataclass(frozen=True)
class _Both(Baselines):
    """The baselines of the events of two times: everything of the later one, beside it the earlier one's."""

    past: Histories
    """The events to learn from."""
    past_ids: str
    """SELECT of whose."""

    def source(self, name: str, counted: Any, width: int | Callable[[], int] | None) -> FeatureSource:
        """One that is made once, and read in two halves."""
        whole = super().source(name, counted, width)
        made = cache(whole.load)
        return replace(
            whole, load=lambda among=None: _half(made(), LATER), earlier=lambda among=None: _half(made(), EARLIER)
        )

    @cached_property
    def content(self) -> str:
        """Hash of the events of both times."""
        return text_hash(canonical_json([self.past.content(self.past_ids), self.histories.content(self.ids)]))

    def entities(self) -> list[str]:
        """Everybody, once a time."""
        pairs = ((EARLIER, self.past_ids), (LATER, self.ids))
        return [mark + entity for mark, ids in pairs for (entity,) in self.context.store.sql(ids).fetchall()]

    def events(self, columns: Sequence[str]) -> str:
        """SELECT of the events of both times with these columns."""
        parts = ((EARLIER, self.past, self.past_ids), (LATER, self.histories, self.ids))
        return " UNION ALL ".join(
            f"SELECT * REPLACE ({literal(mark)} || entity_id AS entity_id) FROM ({histories.sql(columns, ids)})"
            for mark, histories, ids in parts
        )


def _half(both: "FeatureSet", mark: str) -> "FeatureSet":
    """The rows of one time."""
    rows = [row for row, entity in enumerate(both.entity_ids) if entity.startswith(mark)]
    return replace(both, entity_ids=[both.entity_ids[row][len(mark) :] for row in rows], matrix=both.matrix[rows])
