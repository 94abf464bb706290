"""Features of everybody, a block of entities at a time: what an export is made of.

In: feature sources, who has changed. Out: feature sets of adjacent ids, blocks ascending. Knows no layout and no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.limits import LEAN
from ..core.sql import literal
from .context import Context
from .feature_source import FeatureSource

if TYPE_CHECKING:
    from ..features.feature_set import FeatureSet

MOST_ROWS, NUMBERS = 2**14, 2**24
"""Entities of a block, those of a group of a file of vectors; fewer where they have more numbers in all."""

_Span = tuple[str, str] | None
"""Least and greatest id; None: of everybody."""


class Blocks:
    """The rows of some sources; columns stand for what everybody's events say.

    Parameters
    ----------
    context : Context
        Store: one that does not change.
    sources : sequence of FeatureSource
        What is read.
    changed : pyarrow.Array, optional
        Sorted ids of those who are wanted; None: everybody.

    Raises
    ------
    ProbeError
        For features that only a fold of a probe makes.
    """

    def __init__(self, context: Context, sources: Sequence[FeatureSource], changed: pa.Array | None) -> None:
        self.sources, self._changed = sources, changed
        self._learnt: dict[str, Mapping[str, Any]] = {each.name: each.columns() for each in sources if each.part}
        self._loaded = {each.name: each.load() for each in sources if each.part is None}
        ids = self._ids(context)
        one = ids[0].as_py() if len(ids) else None
        self.first = [self._read(source, one and (one, one)) for source in sources]
        """Of one entity, or of nobody: they tell the columns."""
        for features in self.first:
            features.dense()  # what cannot be exported is refused before a file is begun
        rows = max(1, min(MOST_ROWS, NUMBERS // max(1, sum(features.width for features in self.first))))
        self._spans = [span for span in _spans(ids, rows) if self._is_wanted(span)]

    def of_all(self) -> "Iterator[list[FeatureSet]]":
        """Every block: all sources' rows of the same entities."""
        for span in self._spans:
            yield [self._read(source, span) for source in self.sources]

    def one_by_one(self) -> "Iterator[FeatureSet]":
        """Every block of the first source, then of the next."""
        for source in self.sources:
            yield from (self._read(source, span) for span in self._spans)

    def _ids(self, context: Context) -> pa.ChunkedArray:
        """Everybody who has any of the features, sorted."""
        origins = {origin.name: origin for source in self.sources for origin in source.origins}
        parts = [f"SELECT entity_id FROM ({each.hashes()})" for each in origins.values() if each.hashes is not None]
        with context.store.connect(limits=LEAN) as connection:
            for number, features in enumerate(self._loaded.values()):
                connection.register(f"loaded{number}", pa.table({"entity_id": pa.array(features.entity_ids)}))
                parts.append(f"SELECT entity_id FROM loaded{number}")
            query = f"SELECT DISTINCT entity_id FROM ({' UNION ALL '.join(parts)}) ORDER BY entity_id"
            return connection.sql(query).to_arrow_table()["entity_id"]

    def _is_wanted(self, span: _Span) -> bool:
        import pyarrow.compute as pc

        if self._changed is None or span is None:
            return self._changed is None or bool(len(self._changed))
        within = pc.and_(pc.greater_equal(self._changed, span[0]), pc.less_equal(self._changed, span[1]))
        return bool(pc.any(within).as_py())

    def _read(self, source: FeatureSource, span: _Span) -> "FeatureSet":
        features = self._loaded.get(source.name)
        if features is None:
            condition = "true" if span is None else f"entity_id BETWEEN {literal(span[0])} AND {literal(span[1])}"
            features = source.read(condition, self._learnt[source.name])
        elif span is not None:
            features = _rows(features, [span[0] <= entity <= span[1] for entity in features.entity_ids])
        if self._changed is None:
            return features
        import pyarrow.compute as pc

        changed = pc.is_in(pa.array(features.entity_ids, pa.string()), value_set=self._changed)
        return _rows(features, changed.to_pylist())


def _rows(features: "FeatureSet", chosen: Sequence[bool]) -> "FeatureSet":
    import numpy as np

    kept = np.flatnonzero(chosen)
    return replace(
        features, entity_ids=[features.entity_ids[row] for row in kept.tolist()], matrix=features.matrix[kept]
    )


def _spans(ids: pa.ChunkedArray, rows: int) -> list[_Span]:
    """Ranges of so many sorted ids each."""
    firsts = range(0, len(ids), rows)
    return [(ids[at].as_py(), ids[min(at + rows, len(ids)) - 1].as_py()) for at in firsts] or [None]
