"""Feature sets: what a probe reads about each entity, whatever made it.

In: vectors or counts an entity, from a model, from a baseline, or from several of them joined side by side.
Out: one ``FeatureSet``.
Knows no labels, no probe and no store; imports nothing heavy: planners read it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from ..core.errors import ProbeError
from ..core.hashing import canonical_json, text_hash
from ..core.spilled import rest
from .kinds import Kinds

ROWS_AT_ONCE = 4096
"""Rows whose numbers are looked at together."""


class Preprocess(StrEnum):
    """Which unsupervised scaling suits a block of columns. It is fitted on the training part of each fold."""

    STANDARD = "standard"  # zero mean, unit variance: vectors of a model, aggregates
    TFIDF = "tfidf"  # counts weighed by rarity, rows of unit length: bags of items
    WORDS = "words"  # the same, of those columns alone that the training part has: words of texts
    WHITEN = "whiten"  # principal components that carry 90 % of the variance, each to unit variance
    NONE = "none"  # already on a scale of its own


@dataclass(frozen=True)
class Block:
    """Neighbouring columns that are scaled alike."""

    width: int
    """Number of columns."""

    preprocess: Preprocess
    """Their scaling."""

    kinds: Kinds | None = field(default=None, compare=False, repr=False)
    """Where the columns count kinds of events: what the training part of each fold learns to make vectors of them by,
    before they are scaled. None: the columns are what is scaled."""


@dataclass(frozen=True)
class FeatureSet:
    """One row of numbers an entity, under a readable name: what ``probe`` reads.

    Raises
    ------
    ProbeError
        For another number of ids than rows, an id that comes twice or is no text, something that is no matrix of
        numbers, or blocks that do not add up to its columns.

    Examples
    --------
    >>> from llm4es.features.feature_set import FeatureSet
    >>> features = FeatureSet("coles", ["a", "b"], np.array([[0.1, 0.2], [0.3, 0.4]]), source_hash="v1")
    >>> features.width
    2
    >>> FeatureSet("coles", ["a", "a"], np.zeros((2, 2)), source_hash="v1")
    Traceback (most recent call last):
    llm4es.core.errors.ProbeError: features 'coles' have two rows for entity 'a': give one row an entity
    """

    name: str
    """What is probed, for people: 'smollm2-135m@8', 'tfidf', 'smollm2-135m@8+aggregates'."""

    entity_ids: Sequence[str]
    """One id a row of ``matrix``, each once."""

    matrix: Any
    """(N, D) ``numpy.ndarray`` or scipy sparse matrix of any number format, not scaled."""

    model: str | None = None
    """The model that made the vectors; None marks a baseline."""

    k: int | None = None
    """Last layers averaged; None where that has no meaning."""

    seen: frozenset[str] = frozenset()
    """Entities that a model in the lineage was trained on."""

    source_hash: str = ""
    """Content of what the rows were made from; '' where nobody asks whether a probe of them is still good."""

    preprocess: Preprocess = Preprocess.STANDARD
    """Scaling of all columns; not read where ``blocks`` is given."""

    blocks: tuple[Block, ...] = ()
    """Columns scaled differently, from left to right; empty: all alike."""

    columns: Sequence[str] = field(default=(), compare=False, repr=False)
    """What each column is, in words: an item, the mean of an amount; empty: they are numbered."""

    learnt: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the columns stand for where events decide it: items, words, codes. Given to whatever made the features,
    other entities get the same columns. Plain JSON values; of several joined those of each by its name."""

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    def scaled_as(self) -> tuple[Block, ...]:
        """The blocks from left to right, also where there is only one."""
        return self.blocks or (Block(self.width, self.preprocess),)

    def dense(self) -> Any:
        """The matrix as (N, D) ``numpy.ndarray``, in its own number format.

        Raises ProbeError where it counts kinds of events, of which only a fold makes vectors.
        """
        if any(block.kinds is not None for block in self.scaled_as()):
            raise ProbeError(f"features '{self.name}' are learnt anew in every fold of a probe: name others here")
        return self.matrix.toarray() if hasattr(self.matrix, "tocsr") else self.matrix

    def __post_init__(self) -> None:
        shape, dtype = getattr(self.matrix, "shape", ()), getattr(self.matrix, "dtype", None)
        if len(shape) != 2 or dtype is None or dtype.kind not in "biuf":
            raise ProbeError(
                f"features '{self.name}' are {type(self.matrix).__name__} of shape {shape} and type {dtype}: "
                "give a matrix of numbers, one row an entity"
            )
        if odd := next((entity for entity in self.entity_ids if not isinstance(entity, str)), None):
            raise ProbeError(f"features '{self.name}' have the id {odd!r}, which is no text: make all ids text")
        if len(self.entity_ids) != self.matrix.shape[0]:
            raise ProbeError(
                f"features '{self.name}' have {len(self.entity_ids)} ids for {self.matrix.shape[0]} rows: "
                "give one id a row"
            )
        if len(set(self.entity_ids)) != len(self.entity_ids):
            twice = Counter(self.entity_ids).most_common(1)[0][0]
            raise ProbeError(f"features '{self.name}' have two rows for entity '{twice}': give one row an entity")
        if sum(block.width for block in self.scaled_as()) != self.width:
            raise ProbeError(
                f"features '{self.name}' have {self.width} columns and blocks of another sum: mend the blocks"
            )


def join(parts: Sequence[FeatureSet]) -> FeatureSet:
    """Several feature sets side by side, for the entities that all of them have, in the first one's order.

    Parameters
    ----------
    parts : sequence of FeatureSet
        One or more, from left to right.

    Returns
    -------
    FeatureSet
        Their names joined by '+', (N, D1 + D2 + ...), sparse where a part is; each part keeps its own scaling. One part
        is returned as it is.

    Raises
    ------
    ProbeError
        Without any part, or where the parts have no entity in common.

    Examples
    --------
    >>> one = FeatureSet("m@8", ["a", "b"], np.array([[1.0], [2.0]]), model="m", k=8)
    >>> two = FeatureSet("counts", ["b", "c"], np.array([[5.0], [6.0]]))
    >>> both = join([one, two])
    >>> both.name, both.entity_ids, both.matrix.tolist()
    ('m@8+counts', ['b'], [[2.0, 5.0]])
    """
    if not parts:
        raise ProbeError("there are no features to join: give one or more")
    if len(parts) == 1:
        return parts[0]
    rows = [{entity: i for i, entity in enumerate(part.entity_ids)} for part in parts]
    common = [entity for entity in parts[0].entity_ids if all(entity in row for row in rows)]
    name = "+".join(part.name for part in parts)
    if not common:
        raise ProbeError(f"features '{name}' have no entity in common: embed the same entities for each part")
    matrices = [part.matrix[[row[entity] for entity in common]] for part, row in zip(parts, rows, strict=True)]
    models = [part.model for part in parts if part.model is not None]
    return FeatureSet(
        name=name,
        entity_ids=common,
        matrix=_side_by_side(matrices),  # (N, D)
        model="+".join(models) if models else None,
        k=next((part.k for part in parts if part.k is not None), None),
        seen=frozenset().union(*(part.seen for part in parts)),
        source_hash=text_hash(canonical_json([part.source_hash for part in parts])),
        blocks=tuple(block for part in parts for block in part.scaled_as()),
        columns=[f"{part.name} {column}" for part in parts for column in part.columns or range(part.width)],
        learnt={part.name: part.learnt for part in parts},
    )


def check_finite(name: str, matrix: Any, entity_ids: Sequence[str]) -> None:
    """ProbeError that names the first entity of (N, D) numbers with a NaN or an infinite one."""
    if all(np.isfinite(part).all() for part in _parts(matrix)):
        return
    finite = np.isfinite(matrix.data if hasattr(matrix, "tocsr") else matrix)
    bad = np.unique(matrix.tocoo().row[~finite]) if hasattr(matrix, "tocsr") else np.flatnonzero(~finite.all(axis=1))
    raise ProbeError(
        f"features '{name}' of entity '{entity_ids[bad[0]]}' hold NaN or infinity ({len(bad)} entities do): "
        "embed them again in float32, or leave them out"
    )


def _parts(matrix: Any) -> Iterator[Any]:
    """The numbers, some rows after the others where they are dense: of one in a file no more lie in memory."""
    if hasattr(matrix, "tocsr"):
        yield matrix.data
        return
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        yield matrix[start : start + ROWS_AT_ONCE]
        rest(matrix)


def _side_by_side(matrices: Sequence[Any]) -> Any:
    """(N, D1 + D2 + ...), sparse where one of them is."""
    if any(hasattr(matrix, "tocsr") for matrix in matrices):
        from scipy import sparse  # only where there is something sparse: planners import this module

        return sparse.hstack(matrices, format="csr")  # (N, D)
    return np.hstack(matrices)  # (N, D)
