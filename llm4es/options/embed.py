"""Options of ``embed``: texts to one vector an (entity, k).

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from ..core.errors import OptionError
from .base import EXECUTION, History, Options, at_least


class Pooling(StrEnum):
    """How token states become one vector."""

    MEAN = "mean"  # over all tokens, special tokens included
    LAST = "last"  # the last token's state
    CONTENT_MEAN = "content_mean"  # over all tokens but the tokenizer's special ones


@dataclass(frozen=True)
class EmbedOptions(Options):
    """Texts to one vector an (entity, k)."""

    k: tuple[int, ...] = field(default=(1, 8), metadata=EXECUTION)
    """Last layers averaged, one vector for each; 0 stands for all of the model's layers. A key column."""

    pooling: Pooling = Pooling.MEAN
    """How token states become one vector."""

    texts: tuple[str, ...] = ("raw",)
    """Variants embedded; several are averaged an entity. ('all',) takes every variant there is."""

    max_length: int = 512
    """Tokens a window, special tokens included."""

    history: History = History.NEWEST
    """What happens to a text longer than ``max_length``: cut between events, or embedded window by window."""

    batch_tokens: int = field(default=4096, metadata=EXECUTION)
    """Tokens a forward pass, padding included: the bound on memory."""

    def __post_init__(self) -> None:
        if not self.k:
            raise OptionError("--k is empty: give at least one number of layers, or 'all'")
        for k in self.k:
            if k < 0:
                raise OptionError(f"--k {k} is below 1: give the number of last layers to average, or 'all'")
        at_least(self, "max_length", 2)
        at_least(self, "batch_tokens", 1)
