"""Control tokens, which begin, end or part what a model reads: what stands in data is no control, but text.

In: a fast tokenizer, and strings of data. Out: their ids, spelled out. Knows no windows and no model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Offsets = tuple[int, int]
"""Where in its text a token begins and ends."""


def control_tokens(tokenizer: Any) -> dict[int, str]:
    """The special tokens by their ids; the one for what is unknown stands for text, and is none.

    Examples
    --------
    >>> from llm4es.models import resolve
    >>> from transformers import AutoTokenizer
    >>> control_tokens(AutoTokenizer.from_pretrained(resolve("smollm2-135m").folder))[2]  # doctest: +SKIP
    '<|im_end|>'
    """
    added = tokenizer.added_tokens_decoder
    return {i: str(token) for i, token in added.items() if token.special and i != tokenizer.unk_token_id}


def spelled_out(
    tokenizer: Any, control: Mapping[int, str], text: str, ids: Sequence[int], offsets: Sequence[Offsets]
) -> tuple[list[int], list[Offsets]]:
    """A text's own tokens and their places, those of ``control`` letter by letter.

    ``split_special_tokens`` leaves those that stand in the vocabulary too, as in Unigram models and where words are
    looked up whole.
    """
    if control.keys().isdisjoint(ids):
        return list(ids), list(offsets)
    letters = tokenizer.backend_tokenizer.model.tokenize
    out: list[tuple[int, Offsets]] = []
    for i, (start, end) in zip(ids, offsets, strict=True):
        if i in control:
            out += [(letter.id, (at, at + 1)) for at in range(start, end) for letter in letters(text[at])]
        else:
            out.append((i, (start, end)))
    return [i for i, _ in out], [place for _, place in out]


def plain_ids(tokenizer: Any, control: Mapping[int, str], text: str) -> list[int]:
    """The ids of a text in which nothing is a control token, without those around it."""
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    return spelled_out(tokenizer, control, text, encoded["input_ids"], encoded["offset_mapping"])[0]
