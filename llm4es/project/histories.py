"""The events that texts were made of: each entity's, before the cut-off that stands beside its text.

In: a store, a dataset, a configuration of raw texts. Out: SQL over the store's views. The one place that reads the
facts, which are kept whole, for what stands beside texts: baselines, neighbours, reports. Knows no feature.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..core.errors import StoreError
from ..core.sql import identifier, where
from .content_hash import content_hash
from .selection import entities_sql

if TYPE_CHECKING:
    from llm4es_store import Store

_UNIT = "chr(31)"
"""Stands between two values of an event where its content is hashed."""


@dataclass(frozen=True)
class Histories:
    """The events of the entities that have a raw text of one configuration, as far as that text may know them.

    Examples
    --------
    >>> from llm4es.project.selection import raw_config
    >>> known = Histories(project.store, "shop", raw_config(project.store, "shop"))
    >>> project.store.sql(f"SELECT count(*) FROM ({known.sql(['product'])})").fetchall()
    [(90,)]
    """

    store: "Store"
    """Where they are."""

    dataset: str
    """Whose."""

    raw_config: str
    """Configuration of the raw texts that they stand beside."""

    @cached_property
    def view(self) -> str:
        """The view of the whole events, quoted. Raises StoreError where there are none."""
        name = self.store.events_view(self.dataset)
        if name not in self.store.views():
            raise StoreError(f"no events of {self.dataset!r} in the store: run `llm4es serialize {self.dataset}` first")
        return identifier(name)

    @property
    def cutoffs(self) -> str:
        """SELECT of ``entity_id`` and ``as_of``, its exclusive cut-off (null: none), of everybody who has a text."""
        of_texts = where({"dataset": self.dataset, "variant": "raw", "config_id": self.raw_config})
        return f"SELECT entity_id, as_of FROM texts WHERE {of_texts}"

    @property
    def ids(self) -> str:
        """SELECT of the ``entity_id`` of everybody who has a text."""
        return f"SELECT entity_id FROM ({self.cutoffs})"

    def sql(self, columns: Iterable[str] = ("*",), entities: str | None = None) -> str:
        """SELECT of the events before the cut-off of their entity, in no order.

        Parameters
        ----------
        columns : iterable of str
            Columns of the events, and ``as_of``, the entity's cut-off; ``'*'``: all of the events.
        entities : str, optional
            SELECT of the entity_ids that are wanted; None: all that have a text.

        Returns
        -------
        str
            SQL with ``entity_id`` in front, where columns are named.
        """
        named = [column for column in dict.fromkeys(columns) if column != "entity_id"]
        chosen = "events.*" if named == ["*"] else ", ".join(["entity_id", *map(identifier, named)])
        among = "" if self._is_all(entities) else f" AND entity_id IN ({entities})"
        return f"""SELECT {chosen} FROM {self.view} AS events JOIN ({self.cutoffs}{among}) AS cutoffs USING (entity_id)
            WHERE as_of IS NULL OR event_time < as_of"""

    def _is_all(self, entities: str | None) -> bool:
        """Whether these are all that have a text."""
        return entities in (None, self.ids, entities_sql(self.dataset, self.raw_config, None))

    @cached_property
    def is_cut(self) -> bool:
        """Whether any of the texts has a cut-off."""
        return bool(self.store.sql(f"SELECT 1 FROM ({self.cutoffs}) WHERE as_of IS NOT NULL LIMIT 1").fetchall())

    def content(self, entities: str) -> str:
        """Hash of the events of some entities: another where one of these has changed, not where a later one came.

        Parameters
        ----------
        entities : str
            SELECT of their ids.

        Returns
        -------
        str
            64 digits.
        """
        rows = self.hashes(entities)
        if self.is_cut:
            rows = f"""SELECT entity_id, source_hash || coalesce(' ' || as_of::VARCHAR, '') AS source_hash
                FROM ({rows}) JOIN ({self.cutoffs}) USING (entity_id)"""
        return str(content_hash(self.store, rows))

    def hashes(self, entities: str | None = None) -> str:
        """SELECT of ``entity_id`` and ``source_hash``, the content of the entity's events before its cut-off.

        Parameters
        ----------
        entities : str, optional
            SELECT of the entity_ids that are wanted; None: all that have a text.

        Returns
        -------
        str
            SQL, in no order.

        Examples
        --------
        >>> from llm4es.project.selection import raw_config
        >>> known = Histories(project.store, "shop", raw_config(project.store, "shop"))
        >>> len(project.store.sql(known.hashes()).fetchall())
        20
        """
        if not self.is_cut:  # the hashes of whole histories stand beside the events
            of_them = f"entity_id IN ({self.ids if self._is_all(entities) else entities})"
            return f"SELECT entity_id, source_hash FROM {self.view} WHERE position = 0 AND {of_them}"
        known = self.store.sql(f"SELECT * FROM {self.view} LIMIT 0").columns
        facts = [column for column in known if column not in ("dataset", "source_hash", "config_id", "run_id")]
        values = f", {_UNIT}, ".join(f"coalesce({identifier(column)}::VARCHAR, chr(0))" for column in facts)
        return f"""SELECT entity_id, bit_xor(md5_number(concat({values})))::VARCHAR AS source_hash
            FROM ({self.sql(facts, entities)}) GROUP BY entity_id"""
