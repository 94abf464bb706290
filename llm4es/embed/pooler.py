"""What is done with a text before the network reads it, and with the states after: what ``--pooling`` decides.

In: a loaded model and options. Out: a ``Pooler``: tokenizer, prompt, which tokens count, and the way from a text's sums
to an entity's vectors. Knows no entities and runs no network. A model's own pooling is in ``model_pooling``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..options import Pooling
from .pooling import SPANS, Span
from .prompts import PromptSet, history_frame

# V variants, W windows, L layers, D width


@dataclass(frozen=True)
class Pooler:
    """The pooling that was asked for by name: sums over tokens, as they are."""

    pooling: Pooling
    tokenizer: Any
    prompt: str = ""
    """Put before every text, and into every window."""
    dim: int | None = None
    """Width of its vectors, where that is not the network's."""

    @property
    def frames(self) -> Sequence[tuple[str, str | None]]:
        """What is put before and behind every text: one reading of it each."""
        return [(self.prompt, None)]

    def span(self, length: int, prefix: int, suffix: int) -> Span:
        """The tokens of a window that count, by its length and the numbers of special tokens around it."""
        return SPANS[self.pooling](length, prefix, suffix)

    def of_text(self, sums: NDArray[np.float32], n_tokens: int) -> NDArray[np.float32]:
        """A text's vector of every layer, (L, D), from its windows' sums, (W, L, D), over so many tokens."""
        return np.asarray(sums.sum(0) / n_tokens, np.float32)

    def of_entity(self, texts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """An entity's vector of every layer, (L, D), from its variants': V of (L, D)."""
        return np.asarray(np.stack(texts).mean(0), np.float32)


@dataclass(frozen=True)
class EventPooler(Pooler):
    """Pooling of a single event: its own tokens, without the context before it and the special ones around it."""

    def span(self, length: int, prefix: int, suffix: int) -> Span:
        """All of the event's tokens, or the last of them."""
        end = length - suffix
        return (end - 1 if self.pooling is Pooling.LAST else prefix), end


@dataclass(frozen=True)
class PromptPooler(Pooler):
    """Pooling of texts that are asked about: the last token's state, once for each prompt."""

    prompts: PromptSet | None = None

    @property
    def frames(self) -> Sequence[tuple[str, str | None]]:
        """What each prompt has before and behind the text."""
        return [history_frame(template) for template in self.prompts.templates] if self.prompts else []

    def of_entity(self, texts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The mean over variants of each prompt's vector; of several prompts joined or averaged."""
        n_prompts = len(self.frames)
        each = [np.stack(texts[at::n_prompts]).mean(0) for at in range(n_prompts)]  # P of (L, D)
        return self.prompts.combined(each) if self.prompts else super().of_entity(texts)
