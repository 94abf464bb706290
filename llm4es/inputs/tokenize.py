"""Texts to tokens, with the place in the text where each of them starts.

In: a fast Hugging Face tokenizer and texts. Out: ``windows.Tokens``. Never truncates, never pads. Knows no model.
"""

from collections.abc import Sequence
from typing import Any

from .windows import Tokens


def tokenize(tokenizer: Any, texts: Sequence[str]) -> list[Tokens]:
    """The tokens of every text, the tokenizer's own special tokens apart.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
        A fast tokenizer: it knows where in the text its tokens are.
    texts : sequence of str
        Texts of any length.

    Returns
    -------
    list of Tokens
        One a text, never cut and never padded.

    Examples
    --------
    >>> from tokenizers import Tokenizer
    >>> from tokenizers.models import WordLevel
    >>> from tokenizers.pre_tokenizers import WhitespaceSplit
    >>> from transformers import PreTrainedTokenizerFast
    >>> words = Tokenizer(WordLevel({"[UNK]": 0, "tea": 1, "milk": 2}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = WhitespaceSplit()
    >>> tokenize(PreTrainedTokenizerFast(tokenizer_object=words), ["tea milk tea"])
    [Tokens(ids=[1, 2, 1], starts=[0, 4, 9], prefix=[], suffix=[])]
    """
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
