"""Names of feature sets: what ``--features`` takes and what tables show.

In: 'embedding:smollm2-135m@8+aggregates'. Out: its parts, to be looked up one by one and joined.
Knows no store: whether a model has such vectors is for the reader of the parts to say.
"""

import re
from dataclasses import dataclass

from ..core.errors import ProbeError
from ..core.tasks import BASELINE_NAMES
from .joins import EMBEDDING, holds_several, parted

_MODEL = r"[^@\[\]]+?(?:@v[1-9]\d*(?:[+#][^@\[\]]*?)?)?|[^@\[\]]+/[^@\[\]]+@[^@\[\]]+?"
"""A model's name, of a version (``mine@v2+8bit``) or of a revision of a repository (``org/name@main``)."""


@dataclass(frozen=True)
class FeatureName:
    """One feature set of a joined name."""

    baseline: str | None
    """Name of a baseline; None for vectors."""

    model: str | None
    """Name of a model or of imported vectors; None for a baseline."""

    k: int | None
    """Last layers averaged, 0 for all; None where the name leaves it open."""

    layer: int | None = None
    """The single layer; None where it is not one."""

    settings: str = ""
    """What tables show behind the depth: ' [256 tokens, full]', ' #1a2b3c'; '' leaves it open."""

    @property
    def name(self) -> str:
        """What tables show."""
        if self.layer is not None:
            return f"{self.model}@layer{self.layer}{self.settings}"
        return self.baseline or embedding_name(self.model or "", self.k) + self.settings


def embedding_name(model: str, k: int | None) -> str:
    """'smollm2-135m@8'; 'smollm2-135m@all' for k = 0; 'coles' where k has no meaning."""
    return model if k is None else f"{model}@{k or 'all'}"


def parse_features(text: str) -> tuple[FeatureName, ...]:
    """The parts of a name, from left to right. Raises ProbeError for a name that cannot be read.

    A '+' parts two feature sets where a baseline or 'embedding:' follows, and where a baseline or a depth stands before
    it, or no depth at all is named: models may bear one in their names.

    >>> [part.name for part in parse_features("embedding:org/model+8bit@8+aggregates")]
    ['org/model+8bit@8', 'aggregates']
    >>> [(part.model, part.k) for part in parse_features("mine@v2@8")]
    [('mine@v2', 8)]
    >>> [part.name for part in parse_features("tfidf+m@8 [full]+n@1")]
    ['tfidf', 'm@8 [full]', 'n@1']
    """
    parts = parted(text, lambda piece: None if holds_several(piece) else (piece,)) or [(text,)]
    return tuple(_part(piece) for (piece,) in parts)


def _part(text: str) -> FeatureName:
    """One part."""
    if text in BASELINE_NAMES:
        return FeatureName(text, None, None)
    parts = re.fullmatch(
        rf"(?P<model>{_MODEL})(?:@(?P<k>all|[1-9]\d*)|@layer(?P<layer>[1-9]\d*))?"
        r"(?P<settings>(?: \[[^\]]*\])?(?: #\w+)?)",
        text.removeprefix(EMBEDDING),
    )
    if parts is None:
        raise ProbeError(
            f"--features '{text}' cannot be read: give embedding:MODEL@K (K a number, 'all', or 'layer' and a number), "
            f"one of {', '.join(BASELINE_NAMES)}, or several joined by '+'"
        )
    k, layer = parts["k"], parts["layer"]
    depth = None if k is None else 0 if k == "all" else int(k)
    return FeatureName(None, parts["model"], depth, None if layer is None else int(layer), parts["settings"])
