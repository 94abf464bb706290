"""The baselines of a recipe as sources: what the same events give without a language model.

In: a store, a recipe, a choice of entities. Out: sources whose content is known before the events are read.
Knows no probe and no vectors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ..core.hashing import config_id
from ..core.limits import FRUGAL
from ..core.sql import identifier
from ..features.alignment import FACTORS
from ..features.widths import RECENCY_WIDTH, aggregates_width, counts_width
from ..recipes import FieldSpec
from ..serialize.event_lines import event_fields
from .bins import fitted
from .context import Context
from .event_kinds import EventKinds
from .feature_source import FeatureSource
from .histories import Histories
from .selection import entities_sql, preset

if TYPE_CHECKING:
    import pyarrow as pa

    from ..features.feature_set import FeatureSet

ROWS_AT_ONCE = 100_000


def baselines(context: Context) -> list[FeatureSource]:
    """The baselines that the recipe's events carry.

    Parameters
    ----------
    context : Context
        Recipe, store, how many entities.

    Returns
    -------
    list of FeatureSource
        ``tfidf`` where there is an item, ``words``, ``words-aligned`` where there is an item, ``aggregates`` where
        there are amounts or categories, ``counts``, ``recency`` where events have times, and ``majority``.

    Raises
    ------
    StoreError
        Where there are no events.

    Examples
    --------
    >>> [source.name for source in baselines(context)]
    ['tfidf', 'words', 'words-aligned', 'counts', 'recency', 'majority']
    """
    config = context.cutoff.config_id
    histories = Histories(context.store, context.dataset, config)
    return list(Baselines(context, histories, entities_sql(context.dataset, config, context.max_entities)).sources())


@dataclass(frozen=True)
class Baselines:
    """How each baseline is made of the chosen entities' events, as far as their texts may know them."""

    context: Context
    histories: Histories
    """Their events, each entity's before its cut-off."""
    ids: str
    """SELECT of the entities."""
    everybody: str | None = field(default=None, kw_only=True)
    """SELECT of those whose events decide what columns stand for, where these are some of them; None: they are all."""

    def sources(self) -> Iterator[FeatureSource]:
        """The baselines, in the order that tables list them; a source's content is the events', and what it counts."""
        recipe, sizes = self.context.recipe, self.sizes
        if recipe.item is not None:
            yield self.source("tfidf", recipe.item, partial(self.n_items, recipe.item))
        shown = [field.model_dump(mode="json", exclude_defaults=True) for field in self.lines]
        yield self.source("words", shown, None)
        if recipe.item is not None:
            yield self.source("words-aligned", [recipe.item, shown], FACTORS)
        if self.amounts or sizes:
            yield self.source(
                "aggregates", [recipe.amount, recipe.categories], aggregates_width(len(self.amounts), sizes)
            )
        yield self.source("counts", list(sizes) or None, counts_width(len(sizes)))
        if recipe.events.time is not None:
            yield self.source("recency", None, RECENCY_WIDTH)
        yield self.source("majority", None, 0)

    @property
    def amounts(self) -> tuple[str, ...]:
        """Columns of numbers."""
        return (self.context.recipe.amount,) if self.context.recipe.amount else ()

    @property
    def sizes(self) -> dict[str, int]:
        """Columns of categories, and how many codes of each are kept."""
        return dict(self.context.recipe.categories)

    def load(self, name: str, source_hash: Callable[[], str], among: str | None = None) -> "FeatureSet":
        """Make one of them. Of some entities the rows are what they are among everybody's: columns stand for the same,
        but that words nobody of them has have none.
        """
        if among is None or not self._any(among):  # of nobody: whoever reads them says what is wrong
            return self._made(name, source_hash, {})
        learnt = {} if name == "words" else self.columns(name)
        return self.part(name, source_hash, f"entity_id IN ({among})", learnt)

    def _any(self, among: str) -> bool:
        """Whether some of the entities are among others."""
        if among not in self._found:
            query = f"SELECT 1 FROM ({self.ids}) WHERE entity_id IN ({among}) LIMIT 1"
            self._found[among] = bool(self._asked(query))
        return self._found[among]

    @cached_property
    def _found(self) -> dict[str, bool]:
        """SELECT of entities -> whether some are among them."""
        return {}

    def _made(self, name: str, source_hash: Callable[[], str], learnt: Mapping[str, Any]) -> "FeatureSet":
        """One of them, of all its entities' events; columns stand for what was learnt, where something was."""
        from ..features import aggregates, baselines, recency  # heavy

        columns = aggregates.Columns(numeric=self.amounts, categorical=self.sizes)
        item = self.context.recipe.item or ""
        made: dict[str, Callable[[], FeatureSet]] = {
            "tfidf": lambda: baselines.tfidf(self.read([item]), item, learnt.get("items")),
            "words": lambda: self.words(learnt.get("words")),
            "words-aligned": self.words_aligned,
            "aggregates": lambda: aggregates.aggregates(
                self.read([*self.amounts, *self.sizes]), columns, learnt.get("codes")
            ),
            "counts": lambda: aggregates.counts(self.read([*self.sizes]), [*self.sizes]),
            "recency": lambda: recency.recency(self.read(["event_time", "as_of"]), "as_of", learnt.get("latest")),
            "majority": lambda: baselines.majority(self.entities()),
        }
        return replace(made[name](), source_hash=source_hash())

    def part(
        self, name: str, source_hash: Callable[[], str], condition: str, learnt: Mapping[str, Any]
    ) -> "FeatureSet":
        """One of them, of the entities that a condition picks."""
        some = replace(self, ids=f"SELECT entity_id FROM ({self.ids}) WHERE {condition}", everybody=self.ids)
        return some._made(name, source_hash, {**learnt, "latest": self.latest} if name == "recency" else learnt)

    def columns(self, name: str) -> Mapping[str, Any]:
        """What the columns of one of them stand for, where everybody's events decide it."""
        if name == "tfidf":
            item = self.context.recipe.item or ""
            value = f"{identifier(item)}::VARCHAR"
            query = f"SELECT DISTINCT {value} AS item FROM ({self.events([item])}) WHERE item IS NOT NULL ORDER BY item"
            return {"items": [value for (value,) in self._asked(query)]}
        if name == "aggregates":
            from ..features.moments import most_frequent_sql

            queries = {
                category: most_frequent_sql(self.events([category]), category, size)
                for category, size in self.sizes.items()
            }
            codes = {category: self._asked(query) for category, query in queries.items()}
            return {"codes": {category: [value for (value,) in rows] for category, rows in codes.items()}}
        if name == "words":
            from ..features.words import words_in  # heavy

            return {"words": words_in(self.kinds.texts()[0])}
        return {}

    @cached_property
    def latest(self) -> float | None:
        """The last event of all, in seconds since 1970: what `recency` of whole histories counts from."""
        query = f"SELECT epoch(max(event_time)) FROM ({self.events(['event_time'])})"
        seconds = self._asked(query)[0][0]
        return None if seconds is None else float(seconds)

    def hashes(self, name: str) -> str:
        """SELECT of each entity's content: its events, and of `recency` what it counts from."""
        rows = self.histories.hashes(self.ids)
        if name != "recency" or self.histories.is_cut:
            return rows
        return f"SELECT entity_id, source_hash || ' at {self.latest}' AS source_hash FROM ({rows})"

    def words(self, known: Sequence[str] | None = None) -> "FeatureSet":
        """What the events' lines say."""
        from ..features.words import words  # heavy

        texts, _ = self.kinds.texts()
        return words(*self.kinds.counts(len(texts)), texts, known)

    def words_aligned(self) -> "FeatureSet":
        """What it says of who does what."""
        from ..features.words import words_aligned  # heavy

        texts, items = self.kinds.texts()
        return words_aligned(*self.kinds.counts(len(texts)), texts, items)

    @cached_property
    def lines(self) -> tuple[FieldSpec, ...]:
        """What of an event its line shows, as far as the store has it: a recipe may have got more fields since."""
        context = self.context
        fields = event_fields(fitted(context.store, context.recipe), preset(context.store, context.dataset))
        there = set(context.store.sql(f"SELECT * FROM {self.histories.view} LIMIT 0").columns)
        return tuple(field for field in fields if field.name in there)

    @cached_property
    def kinds(self) -> EventKinds:
        """Their distinct events."""
        whole = self if self.everybody is None else replace(self, ids=self.everybody, everybody=None)
        return EventKinds(self.context, self.events, self.lines, self.context.recipe.item, whole.events)

    def source(self, name: str, counted: Any, width: int | Callable[[], int] | None) -> FeatureSource:
        def content() -> str:
            return self.content + config_id(counted)

        kept = name != "words-aligned"  # it is learnt inside every fold
        return FeatureSource(
            name,
            content,
            partial(self.load, name, content),
            width=width,
            tokens=0,
            part=partial(self.part, name, content) if kept else None,
            columns=partial(self.columns, name),
            hashes=partial(self.hashes, name) if kept else None,
            space=config_id([name, counted]),
        )

    @cached_property
    def content(self) -> str:
        """Hash of the chosen entities' events."""
        return self.histories.content(self.ids)

    def n_items(self, item: str) -> int:
        query = f"SELECT count(DISTINCT {identifier(item)}) FROM ({self.events([item])})"
        return int(self._asked(query)[0][0])

    def _asked(self, query: str) -> list[tuple[Any, ...]]:
        """What everybody's events say."""
        return self.context.store.sql(query, limits=FRUGAL).fetchall()

    def entities(self) -> list[str]:
        return [entity for (entity,) in self.context.store.sql(self.ids).fetchall()]

    def read(self, columns: Sequence[str]) -> "pa.RecordBatchReader":
        """Events with these columns, an entity's together."""
        events = self.events([*columns, "position"])
        query = f"SELECT * EXCLUDE (position) FROM ({events}) ORDER BY entity_id, position"
        limits = None if self.everybody is None else FRUGAL  # of everybody's, a sort that spills takes long
        return self.context.store.sql(query, limits=limits).to_arrow_reader(ROWS_AT_ONCE)

    def events(self, columns: Sequence[str]) -> str:
        """SELECT of the events with these columns, in no order."""
        return self.histories.sql(columns, self.ids)
