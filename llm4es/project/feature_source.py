"""One thing that can be probed: its name, its content's hash, what it costs, and how to read its rows.

In: what the store says of it. Out: a ``FeatureSource``. Knows no probe.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import OptionError
from ..core.freed_memory import give_back
from ..features.expressions import Combination
from .seen import NOBODY, Seen
from .stored_vectors import StoredVectors

if TYPE_CHECKING:
    from ..features.combined import CombinedFeatures
    from ..features.feature_set import FeatureSet
    from ..features.halves import HalvedFeatures


class Load(Protocol):
    """Reads the rows of some features."""

    def __call__(self, among: str | None = None) -> "FeatureSet":
        """All rows, or no more than a probe needs.

        Parameters
        ----------
        among : str, optional
            SELECT of the ``entity_id`` whose rows are asked for: vectors of others are not read. What is counted over
            everybody's events, such as a baseline, may give all the same.

        Returns
        -------
        FeatureSet
            A row an entity.
        """


@dataclass(frozen=True)
class FeatureSource:
    """Features that could be probed."""

    name: str
    """What tables show."""

    content: str | Callable[[], str]
    """Content of what the rows are made from, or what finds it out: that reads everybody's hashes."""

    load: Load
    """Read the rows: only called where the probe is not there yet."""

    model: str = ""
    """The model as names show it; '' of baselines, and of several joined."""

    aliases: tuple[str, ...] = ()
    """Other names: without the version where it is the newest, with it where it is the only one."""

    is_newest: bool = True
    """Whether it is of the newest version of its model: others are only looked at by name."""

    imported: bool = False
    """Whether it was made elsewhere: nobody knows by what."""

    k: int | None = None
    """Last layers averaged; None where that has no meaning."""

    layer: int | None = None
    """The single layer that it is; None for anything else."""

    embedded: bool = True
    """False: made from kept layers when it is asked for."""

    width: int | Callable[[], int | None] | None = None
    """Numbers an entity, or what counts them: that may read everybody's events."""

    tokens: int | None = None
    """Tokens that a model read for it."""

    n_live: int | None = None
    """Entities whose rows are made of texts as they are; None: nothing of it can be out of date."""

    n_stale: int = 0
    """Entities whose rows were made of texts that have changed since, or vanished: they are left out."""

    stored: StoredVectors | None = None
    """Its rows where they lie, which can be read one, or some at a time; None: they are made when they are loaded."""

    entities: str | None = None
    """SELECT of the ``entity_id`` that have it; None: everybody."""

    config_id: str = ""
    """Configuration of the vectors; '' of baselines, and of several joined."""

    seen: Seen = NOBODY
    """Whom the models behind it have met."""

    settings: str = ""
    """What made it, whatever the time at which the histories end; '' where nobody knows, and of baselines."""

    earlier: Load | None = None
    """Read the same of the histories that a probe of two times learns from; None: there is one time."""

    halves: "Callable[[int], FeatureSet] | None" = None
    """Read the same of a repeat of the protocol 'new-items', an entity's rows of each half of the items; None: of
    another protocol."""

    part: "Callable[[str, Mapping[str, Any]], FeatureSet] | None" = None
    """Read the rows of the entities that an SQL condition on ``entity_id`` picks; their columns stand for what the
    mapping says, as ``FeatureSet.learnt`` does. None: they are learnt anew inside every fold."""

    columns: Callable[[], Mapping[str, Any]] = dict
    """What the columns stand for where everybody's events decide it: what ``part`` is given for whoever is learnt
    from."""

    hashes: Callable[[], str] | None = None
    """SELECT of ``entity_id`` and ``source_hash``, the content of the entity's row; None where ``part`` is."""

    space: str = ""
    """What the numbers mean: the same for rows of other times that one model may score."""

    lacking: str = ""
    """Why it cannot be probed, and what to do; '' where it can."""

    seconds: float | None = None
    """Time of the runs that made it, all depths of one pass together; None where no model ran or it is not known."""

    how: Combination | None = None
    """What becomes of the probes of its parts; None: they are not combined."""

    parts: "tuple[FeatureSource, ...]" = ()
    """Those whose probes are combined, or that stand side by side."""

    @cached_property
    def source_hash(self) -> str:
        """Content of what the rows are made from, found out when it is first asked for."""
        return self.content if isinstance(self.content, str) else self.content()

    @cached_property
    def dimensions(self) -> int | None:
        """Numbers an entity, counted when it is first asked for; None where it is not known before the rows are."""
        return self.width() if callable(self.width) else self.width

    @property
    def leaves(self) -> "list[FeatureSource]":
        """The sources that have rows of their own, each once."""
        if self.how is None:
            return [self]
        return list({leaf.name: leaf for part in self.parts for leaf in part.leaves}.values())

    @property
    def origins(self) -> "list[FeatureSource]":
        """The sources that are made of no others, each once: what they cost is paid once."""
        return list({origin.name: origin for part in self.parts for origin in part.origins}.values()) or [self]

    @property
    def chooses(self) -> bool:
        """Whether a metric decides what it is."""
        return self.how is Combination.BEST or any(part.chooses for part in self.parts)

    def probed(self, among: str | None = None, *, earlier: bool = False) -> "FeatureSet | CombinedFeatures":
        """What a probe reads of it.

        Parameters
        ----------
        among : str, optional
            SELECT of the entities that it is about; None: everybody.
        earlier : bool, default False
            Of the histories that a probe of two times learns from.

        Returns
        -------
        FeatureSet or CombinedFeatures
            The parts' rows under a name, where probes are combined.

        Examples
        --------
        >>> FeatureSource("m@8", "h", load=lambda among=None: f"rows of {among}").probed("SELECT 'c1' AS entity_id")
        "rows of SELECT 'c1' AS entity_id"
        """
        from ..features.combined import CombinedFeatures

        if self.how is not None:
            parts = tuple(part.probed(among, earlier=earlier) for part in self.parts)
            return CombinedFeatures(self.how, parts, self.name)
        features = self.earlier(among) if earlier and self.earlier is not None else self.load(among)
        give_back()  # what they were read with, before a probe makes copies
        return features

    def read(self, condition: str, learnt: Mapping[str, Any]) -> "FeatureSet":
        """The rows of the entities that a condition picks, as ``part`` gives them.

        Raises OptionError where columns are learnt anew inside every fold.
        """
        if self.part is None:
            raise OptionError(
                f"--features {self.name!r} is learnt anew inside every fold, and cannot be kept: predict with words, "
                "tfidf, aggregates, counts, recency, or vectors"
            )
        return self.part(condition, learnt)

    def halved(self) -> "HalvedFeatures":
        """What a probe of the protocol 'new-items' reads of it."""
        from ..features.combined import CombinedFeatures
        from ..features.halves import HalvedFeatures

        def of_repeat(repeat: int) -> "FeatureSet | CombinedFeatures":
            if self.how is not None:
                return CombinedFeatures(self.how, tuple(part.halved().repeat(repeat) for part in self.parts), self.name)
            if self.halves is None:
                raise OptionError(f"--features {self.name!r} cannot be halved by item: leave it out")
            return self.halves(repeat)

        return HalvedFeatures(self.name, of_repeat, self.source_hash)


def total_width(parts: Sequence[FeatureSource]) -> int | None:
    """Numbers of all parts; None where one's are not known."""
    widths = [part.dimensions for part in parts]
    return None if None in widths else sum(width or 0 for width in widths)


def joined(parts: Sequence[FeatureSource]) -> FeatureSource:
    """Several side by side.

    Parameters
    ----------
    parts : sequence of FeatureSource
        At least one.

    Returns
    -------
    FeatureSource
        Named ``A+B``; its rows are read when it is loaded, of the entities that all parts have.

    Examples
    --------
    >>> parts = [FeatureSource(name, "h", load=list, width=2) for name in ("tfidf", "counts")]
    >>> joined(parts).name, joined(parts).dimensions
    ('tfidf+counts', 4)
    """
    from ..core.hashing import canonical_json, text_hash
    from ..features.feature_set import join

    if len(parts) == 1:
        return parts[0]
    past = [part.earlier for part in parts if part.earlier is not None]
    halves = [part.halves for part in parts if part.halves is not None]
    return FeatureSource(
        name="+".join(part.name for part in parts),
        parts=tuple(parts),
        content=lambda: text_hash(canonical_json([part.source_hash for part in parts])),
        load=lambda among=None: join([part.load(among) for part in parts]),
        width=lambda: total_width(parts),
        tokens=None if any(part.tokens is None for part in parts) else sum(part.tokens or 0 for part in parts),
        seconds=sum(part.seconds or 0 for part in parts) or None,
        n_live=min((part.n_live for part in parts if part.n_live is not None), default=None),
        n_stale=max(part.n_stale for part in parts),
        lacking=next((part.lacking for part in parts if part.lacking), ""),
        earlier=(lambda among=None: join([load(among) for load in past])) if past else None,
        halves=(lambda repeat: join([of(repeat) for of in halves])) if len(halves) == len(parts) else None,
        part=_part_of(parts),
        columns=lambda: {part.name: part.columns() for part in parts},
        seen=reduce(or_, (part.seen for part in parts)),
        entities=" INTERSECT ".join(part.entities for part in parts if part.entities is not None) or None,
    )


def _part_of(parts: Sequence[FeatureSource]) -> "Callable[[str, Mapping[str, Any]], FeatureSet] | None":
    """Rows of some entities, of several side by side."""
    from ..features.feature_set import join

    reads = [(part.name, part.part) for part in parts if part.part is not None]
    if len(reads) < len(parts):
        return None
    return lambda condition, learnt: join([read(condition, learnt.get(name, {})) for name, read in reads])
