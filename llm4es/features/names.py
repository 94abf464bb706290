"""Names of feature sets: what ``--features`` takes and what tables show.

In: 'embedding:smollm2-135m@8+aggregates'. Out: its parts, to be looked up one by one and joined.
Knows no store: whether a model has such vectors is for the reader of the parts to say.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from ..core.errors import ProbeError
from ..options.coerce import split_list

EMBEDDING = "embedding:"


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


def split_names(text: str) -> tuple[str, ...]:
    """Names parted by commas; those between brackets belong to a name: 'tfidf,m@8 [256 tokens, full]' -> two."""
    return split_list(text)


def parse_features(text: str, baselines: Collection[str]) -> tuple[FeatureName, ...]:
    """The parts of a name, from left to right.

    A '+' parts two feature sets only where a baseline or 'embedding:' follows: models may bear one in their names.
    """
    starts = "|".join([re.escape(EMBEDDING), *(rf"{re.escape(name)}(?=\+|$)" for name in baselines)])
    return tuple(_part(piece, baselines) for piece in re.split(rf"\+(?={starts})", text))


def _part(text: str, baselines: Collection[str]) -> FeatureName:
    """One part."""
    if text in baselines:
        return FeatureName(text, None, None)
    found = re.fullmatch(
        r"(?P<model>[^@\[\]]+?)(?:@(?P<k>all|[1-9]\d*)|@layer(?P<layer>[1-9]\d*))?"
        r"(?P<settings>(?: \[[^\]]*\])?(?: #\w+)?)",
        text.removeprefix(EMBEDDING),
    )
    if found is None:
        raise ProbeError(
            f"--features '{text}' cannot be read: give embedding:MODEL@K (K a number, 'all', or 'layer' and a number), "
            f"one of {', '.join(baselines)}, or several joined by '+'"
        )
    k, layer = found["k"], found["layer"]
    depth = None if k is None else 0 if k == "all" else int(k)
    return FeatureName(None, found["model"], depth, None if layer is None else int(layer), found["settings"])
