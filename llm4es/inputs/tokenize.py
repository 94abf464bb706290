"""Texts to tokens, with the place in the text where each of them starts.

In: a fast Hugging Face tokenizer and texts. Out: ``windows.Tokens``. Never truncates, never pads. Knows no model.
"""

from collections.abc import Sequence
from typing import Any

from .windows import Tokens


def tokenize(tokenizer: Any, texts: Sequence[str]) -> list[Tokens]:
    """The tokens of every text, the tokenizer's own special tokens apart."""
    if not texts:
        return []
    encoded = tokenizer(
        list(texts),
        add_special_tokens=True,
        return_attention_mask=False,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        verbose=False,  # texts longer than the model's context are cut later, so the warning would be wrong
    )
    return [
        _tokens(ids, offsets, special)
        for ids, offsets, special in zip(
            encoded["input_ids"], encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True
        )
    ]


def _tokens(ids: list[int], offsets: list[tuple[int, int]], special: list[int]) -> Tokens:
    first = special.index(0) if 0 in special else len(ids)
    last = len(special) - (special[::-1].index(0) if 0 in special else 0)
    return Tokens(
        ids=ids[first:last], starts=[start for start, _ in offsets[first:last]], prefix=ids[:first], suffix=ids[last:]
    )
