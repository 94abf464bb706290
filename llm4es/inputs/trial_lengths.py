"""How long the pieces must be on which a layout is tried: longer than whatever in a network reaches so far.

In: a network's configuration, and how long pieces in use will be. Out: numbers of tokens. Knows no layout.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from transformers import PreTrainedModel

SHORT = 9
"""Tokens of the piece before the long one; the one behind it is half as long as that."""

LONG = 40
"""Least tokens of the long piece, where pieces in use are that long."""

REACH = ("window", "chunk", "local_attention", "original_max_position")
"""Parts of the names under which configurations keep how far attention or positions reach."""


def trial_lengths(network: PreTrainedModel, longest: int) -> tuple[int, int, int]:
    """Tokens of the pieces to try."""
    reaches = [reach for reach in _reaches(network.config.get_text_config().to_dict()) if reach < longest]
    long = min(longest, max([LONG, *(2 * reach + 8 for reach in reaches)]))
    return min(SHORT, longest), long, long // 2 + 1


def _reaches(config: Mapping[str, Any]) -> Iterator[int]:
    """How far attention and positions reach, under all the names that configurations have for it."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _reaches(value)
        elif any(part in str(name) for part in REACH):
            for number in value if isinstance(value, list) else [value]:
                if isinstance(number, int) and not isinstance(number, bool):
                    yield number


def context_of(network: PreTrainedModel) -> int:
    """Tokens that the network has positions for; without an end where it does not say."""
    found = getattr(network.config.get_text_config(), "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else 1 << 30
