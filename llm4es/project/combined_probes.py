"""What a step ``probe`` does besides where probes are combined: the parts first, kept predictions, how far it is.

In: feature sources, kept probes. Out: sources in the order in which they are probed, and what need not be fitted again.
Writes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.sql import literal, where
from ..core.tasks import NEW_ITEMS
from ..features.expressions import Combination
from ..options import ProbeOptions
from .context import Context
from .evidence import Evidence
from .feature_source import FeatureSource
from .observer import Advance

if TYPE_CHECKING:
    from ..probe.made_before import MadeBefore
    from ..probe.probe import ProbeResult

INNER = 3
"""Fits inside a training part."""


def with_parts(sources: Iterable[FeatureSource]) -> dict[str, FeatureSource]:
    """The sources by name, before each vote and stack what it is made of: a vote's parts have rows of their own.

    What ``best(...)`` may choose from is not probed besides: a table of all candidates would correct for all of them.

    Parameters
    ----------
    sources : iterable of FeatureSource
        What is to be probed.

    Returns
    -------
    dict of str to FeatureSource
        Each once, parts before what is made of them.

    Examples
    --------
    >>> tfidf, counts = (FeatureSource(name, "h", load=list) for name in ("tfidf", "counts"))
    >>> vote = FeatureSource("vote(tfidf, counts)", "h", load=list, how=Combination.VOTE, parts=(tfidf, counts))
    >>> list(with_parts([vote]))
    ['tfidf', 'counts', 'vote(tfidf, counts)']
    """
    sources = list(sources)
    plain = [source for source in sources if source.how is None]
    parts = [part for source in sources for part in _parts(source)]
    return {source.name: source for source in [*plain, *parts, *sources]}


def _parts(source: FeatureSource) -> list[FeatureSource]:
    """What has to be probed for a source, besides it."""
    if source.how in (None, Combination.BEST):
        return []
    return [each for part in source.parts for each in ([part] if part.how is None else _parts(part))]


@dataclass
class ProbesBefore:
    """Probes of the same labels, protocol and options that are there already."""

    context: Context
    """Store and dataset."""

    evidence: Evidence
    """Which of them still hold."""

    chosen: Mapping[str, str]
    """Columns of ``predictions`` with the values that their rows have: task and configuration."""

    results: "Mapping[str, ProbeResult]"
    """Those of the same work, by features."""

    known: dict[Any, Any] = field(default_factory=dict)
    """Scores of fits, shared by all that is probed in the same work."""

    def of(self, source: FeatureSource, advance: Callable[[int, int], None]) -> "MadeBefore":
        """What the probe of a source need not make again.

        Parameters
        ----------
        source : FeatureSource
            What is probed.
        advance : function of two int
            Hears of each fit.

        Returns
        -------
        MadeBefore
            Of its parts.
        """
        from ..probe.made_before import MadeBefore

        if source.how is None:
            return MadeBefore(advance=advance)
        leaves = {leaf.name: leaf for leaf in source.leaves}
        kept = {name: self.results[name].predictions for name in leaves if name in self.results}
        lacking = [name for name in leaves if name not in kept]
        if lacking:
            rows = where({"dataset": self.context.dataset, **self.chosen})
            names = ", ".join(map(literal, lacking))
            query = f"SELECT * FROM predictions WHERE {rows} AND features IN ({names})"
            table = self.context.store.sql(query).to_arrow_table()
            for name in dict.fromkeys(table["features"].to_pylist()):
                mine = _where(table, features=name, source_hash=self.evidence.expected(leaves[name]))
                kept |= {name: mine} if len(mine) else {}
        return MadeBefore(kept, self.known, advance)


def _where(table: pa.Table, **values: str) -> pa.Table:
    """The rows that have these values."""
    import pyarrow.compute as pc

    for column, value in values.items():
        table = table.filter(pc.equal(table[column], value))
    return table


class FitsDone:
    """Progress in fits, where some feature sets take hundreds and others none.

    Parameters
    ----------
    options : ProbeOptions
        Protocol and folds.
    sources : mapping of str to FeatureSource
        What is probed.

    Examples
    --------
    >>> tfidf, counts = (FeatureSource(name, "h", load=list) for name in ("tfidf", "counts"))
    >>> best = FeatureSource("best(tfidf, counts)", "h", load=list, how=Combination.BEST, parts=(tfidf, counts))
    >>> done = FitsDone(ProbeOptions(folds=5, repeats=3), {"tfidf": tfidf, "best(tfidf, counts)": best})
    >>> done.unit, done.total(["tfidf", "best(tfidf, counts)"])
    ('fits', 120)
    """

    def __init__(self, options: ProbeOptions, sources: Mapping[str, FeatureSource]) -> None:
        self._fits = 5 if options.protocol == "ptls" else 1
        if options.protocol in ("cv", NEW_ITEMS):
            self._fits = options.folds * options.repeats
        self._sources = sources
        self.unit = "features" if all(source.how is None for source in sources.values()) else "fits"

    def total(self, names: Sequence[str]) -> int:
        """How many units these feature sets are.

        Parameters
        ----------
        names : sequence of str
            Of the sources.

        Returns
        -------
        int
            At most.
        """
        return sum(map(self._of, names))

    def fits(self, names: Sequence[str]) -> int:
        """How many fits these feature sets take, about.

        Parameters
        ----------
        names : sequence of str
            Of the sources.

        Returns
        -------
        int
            At most.
        """
        return sum(self._fits_of(self._sources[name]) for name in names)

    def followed(self, name: str, advance: Advance) -> tuple[Callable[[int, int], None], Callable[[], None]]:
        """What hears of the fits of one feature set, and what ends it.

        Parameters
        ----------
        name : str
            Of the sources.
        advance : function of int
            The observer's.

        Returns
        -------
        fit : function of two int
            Counts one fit.
        end : function
            Counts those that were not needed.
        """
        left = self._of(name)

        def fit(made: int, of: int) -> None:
            nonlocal left
            if left > 1 and self.unit == "fits":
                left -= 1
                advance(1)

        return fit, lambda: advance(left)

    def _of(self, name: str) -> int:
        """Units of one feature set: a choice fits each candidate inside every fold, and then one."""
        return 1 if self.unit == "features" else self._fits_of(self._sources[name])

    def _fits_of(self, source: FeatureSource) -> int:
        return self._fits * (1 if source.how is None else 1 + len(source.leaves) * INNER if _looks(source) else 1)


def _looks(source: FeatureSource) -> bool:
    """Whether it looks inside training parts."""
    return source.how in (Combination.BEST, Combination.STACK) or any(map(_looks, source.parts))
