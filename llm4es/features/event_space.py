"""The space that event vectors lie in: what is learnt of train entities once, so that tomorrow's vectors compare.

In: how often train entities have each kind (a distinct event text), the kinds' vectors, the kinds' items. Out: each
kind's weight, and a map of vectors of kinds, also of those that nobody had yet; ``event_pool.pool`` makes users'
vectors of the two. Knows no labels, no texts and no store; what an event weighs by its own amount or age is said in
``event_counts``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, OptionError
from .affine import Affine, Floats
from .alignment import alignment
from .common_directions import common_directions
from .event_rarity import rarity
from .event_reading import EventReading
from .whitening import whitening

# N entities, E kinds, D width of a vector, C width of a mapped one, R removed directions


@dataclass(frozen=True, eq=False)
class EventSpace:
    """What was learnt of train entities' events, and how it is used on anybody's.

    Examples
    --------
    >>> from scipy import sparse
    >>> from llm4es.features.event_pool import pool
    >>> counts = sparse.csr_matrix(np.array([[2, 1, 0], [0, 1, 0]]))  # of two train entities
    >>> vectors = np.array([[1, 0], [0, 1], [1, 1]], np.float32)  # of three kinds, the last one new
    >>> space = EventSpace.fit(counts, vectors, None, EventReading(("tfidf",)))
    >>> space.weights.round(3).tolist()  # what is rarer weighs more
    [1.405, 1.0, 2.099]
    >>> pool(counts, space.weights, space.map(vectors)).astype(float).round(3).tolist()
    [[0.738, 0.262], [0.0, 1.0]]
    """

    reading: EventReading
    """What was asked for."""

    n_entities: int
    """Train entities."""

    n_events: int
    """Their events."""

    holders: NDArray[np.int64]
    """(E,) train entities that have each kind."""

    events: NDArray[np.int64]
    """(E,) their events of each kind."""

    keys: NDArray[np.uint64]
    """(E,) the first 64 bits of each kind's hash; (0,) where no hashes were given."""

    white: Affine | None
    """(., D) to whitened vectors, (., C)."""

    removed: Floats | None
    """(R, C) orthonormal directions that are taken out."""

    aligned: Affine | None
    """(., C) to factors of items."""

    @classmethod
    def fit(
        cls,
        counts: Any,
        vectors: NDArray[np.floating],
        items: NDArray[np.integer] | None,
        reading: EventReading,
        hashes: Sequence[str] = (),
    ) -> Self:
        """Learn a reading of train entities.

        Parameters
        ----------
        counts : scipy.sparse matrix, (N, E)
            How many events of each kind each train entity has, whatever they weigh. Kinds that none of them has are
            not learnt from.
        vectors : numpy.ndarray, (E, D)
            The kinds' vectors.
        items : numpy.ndarray of int, (E,), or None
            A code of each kind's item; below 0 where it has none. Read only where the reading aligns.
        reading : EventReading
            What is learnt.
        hashes : sequence of str, (E,), default ()
            The kinds' ``event_hash``; where given, ``weights_of`` finds a kind by it.

        Returns
        -------
        EventSpace
            For the same input the same to the bit on the same machine.

        Raises
        ------
        DataError
            Without an event of a train entity.
        OptionError
            Where whitening, removal or alignment is wider than the data, or there are no items to align to.

        Examples
        --------
        >>> from scipy import sparse
        >>> all_alike = sparse.csr_matrix(np.ones((3, 1)))
        >>> EventSpace.fit(all_alike, np.ones((1, 4), np.float32), None, EventReading(whiten=2))
        Traceback (most recent call last):
        llm4es.core.errors.OptionError: --whiten 2 is wider than the data: 1 distinct event spans 0 of 4 dimensions; \
leave it out
        """
        counts = _summed(counts)
        events = np.asarray(counts.sum(axis=0), dtype=np.int64).ravel()  # (E,)
        holders = np.bincount(counts.indices, minlength=len(events))  # (E,)
        n_entities, n_events = int(counts.shape[0]), int(events.sum())
        seen = np.flatnonzero(events)
        if reading.learns and not len(seen):
            learnt = ", ".join(reading.words)
            raise DataError(f"there is no event of a train entity to learn '{learnt}' from: embed train entities too")
        counts, known = counts[:, seen], vectors[seen]  # (N, E), (E, D): what follows learns from these alone
        white = removed = aligned = None
        if reading.whiten is not None:
            white = whitening(known, reading.whiten)
            known = white(known)  # (E, C)
        if reading.remove_components is not None:
            weights = rarity(reading.weights, holders[seen], events[seen], n_entities, n_events)
            removed = common_directions(counts, weights, known, reading.remove_components)
            known = _without(known, removed)
        if reading.align is not None:
            if items is None:
                raise OptionError(f"--align {reading.align} has no items: name the field of the item in the recipe")
            aligned = alignment(counts, known, items[seen], reading.align)
        keys = _keys(hashes)
        return cls(reading, n_entities, n_events, holders, events, keys, white, removed, aligned)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(E,) what an event of each kind of the fit weighs."""
        return rarity(self.reading.weights, self.holders, self.events, self.n_entities, self.n_events)

    def weights_of(self, hashes: Sequence[str]) -> NDArray[np.float64]:
        """What an event of each kind weighs, whichever kinds they are.

        Parameters
        ----------
        hashes : sequence of str, (E,)
            Their ``event_hash``. One that no train entity had when the space was learnt is as rare as can be.

        Returns
        -------
        numpy.ndarray of float64, (E,)
            Above 0.

        Examples
        --------
        >>> from scipy import sparse
        >>> from llm4es.core.hashing import text_hash
        >>> hashes = [text_hash(text) for text in ("Heat", "Alien")]
        >>> counts, vectors = sparse.csr_matrix([[1, 1], [1, 0]]), np.eye(2, dtype=np.float32)
        >>> space = EventSpace.fit(counts, vectors, None, EventReading(("tfidf",)), hashes)
        >>> space.weights_of([text_hash("Alien"), text_hash("new")]).round(3).tolist()
        [1.405, 2.099]
        """
        keys = _keys(hashes)
        order = np.argsort(self.keys)
        place = np.searchsorted(self.keys, keys, sorter=order)
        code = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros(len(keys), int)
        known = self.keys[code] == keys if len(order) else np.zeros(len(keys), bool)  # (E,)
        holders, events = (np.where(known, of[code], 0) for of in (self.holders, self.events))
        return rarity(self.reading.weights, holders, events, self.n_entities, self.n_events)

    def map(self, vectors: NDArray[np.floating]) -> NDArray[np.floating]:
        """Vectors of kinds in this space.

        Parameters
        ----------
        vectors : numpy.ndarray, (E, D)
            Of any kinds, also of those that the space was not learnt from.

        Returns
        -------
        numpy.ndarray, (E, C)
            Float32; ``vectors`` themselves where the reading changes nothing about them.

        Examples
        --------
        >>> from scipy import sparse
        >>> vectors = np.array([[9, 1], [9, -1]], np.float32)
        >>> space = EventSpace.fit(sparse.eye(2), vectors, None, EventReading(remove_components=1))
        >>> space.map(vectors).round(3).tolist()
        [[0.0, 1.0], [0.0, -1.0]]
        """
        if self.white is not None:
            vectors = self.white(vectors)
        if self.removed is not None:
            vectors = _without(vectors, self.removed)
        return vectors if self.aligned is None else self.aligned(vectors)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learnt, as plain arrays under names: what a store keeps.

        Returns
        -------
        dict of str to numpy.ndarray
            ``from_arrays`` makes the same space of them, to the bit.

        Examples
        --------
        >>> from scipy import sparse
        >>> space = EventSpace.fit(sparse.eye(2), np.eye(2, dtype=np.float32), None, EventReading(("sif",)))
        >>> sorted(space.arrays())
        ['events', 'holders', 'keys', 'totals']
        """
        kept: dict[str, NDArray[Any]] = {
            "totals": np.array([self.n_entities, self.n_events], np.int64),
            "holders": self.holders,
            "events": self.events,
            "keys": self.keys,
        }
        for name, step in (("white", self.white), ("aligned", self.aligned)):
            if step is not None:
                kept |= {f"{name}.{part}": array for part, array in step.arrays().items()}
        return kept if self.removed is None else kept | {"removed": self.removed}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], reading: EventReading) -> Self:
        """The space that ``arrays`` wrote down.

        Parameters
        ----------
        arrays : mapping of str to numpy.ndarray
            As ``arrays`` gave them.
        reading : EventReading
            The reading that they were learnt for.

        Returns
        -------
        EventSpace
            Equal to what was written down.

        Examples
        --------
        >>> from scipy import sparse
        >>> space = EventSpace.fit(sparse.eye(2), np.eye(2, dtype=np.float32), None, EventReading(("sif",)))
        >>> EventSpace.from_arrays(space.arrays(), space.reading).weights.tolist() == space.weights.tolist()
        True
        """
        n_entities, n_events = map(int, arrays["totals"])
        white, aligned = (Affine.named(name, arrays, unit=name == "white") for name in ("white", "aligned"))
        holders, events, keys = (arrays[name] for name in ("holders", "events", "keys"))
        return cls(reading, n_entities, n_events, holders, events, keys, white, arrays.get("removed"), aligned)


def _summed(counts: Any) -> Any:
    """(N, E) with one number a cell, and none that is 0; the caller's own matrix stays as it is."""
    from scipy import sparse

    summed = sparse.csr_matrix(counts, dtype=float, copy=True)
    summed.sum_duplicates()
    summed.eliminate_zeros()
    return summed


def _without(vectors: NDArray[np.floating], directions: Floats) -> Floats:
    """(E, C) vectors less their parts along (R, C) orthonormal directions."""
    plain = vectors.astype(np.float32, copy=False)
    return np.asarray(plain - (plain @ directions.T) @ directions, dtype=np.float32)


def _keys(hashes: Sequence[str]) -> NDArray[np.uint64]:
    """(E,) 64 bits of each hash: enough to tell a thousand million kinds apart but for one in fifty chances."""
    return np.array([int(each[:16], 16) for each in hashes], np.uint64)
