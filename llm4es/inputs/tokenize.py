"""Texts to tokens, with the place in the text where each of them starts.

In: a fast Hugging Face tokenizer and texts. Out: ``windows.Tokens``. Never truncates, never pads, and reads no
control token out of data. Knows no model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .control_tokens import Token, control_tokens, spelled_out
from .windows import Tokens


def tokenize(tokenizer: Any, texts: Sequence[str], prompt: str = "") -> list[Tokens]:
    """The tokens of every text, the tokenizer's own special tokens apart, and those of a prompt with them.

    A special token's name in a text, such as ``<|im_end|>``, is read as the letters that it is written with.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
        A fast tokenizer: it knows where in the text its tokens are.
    texts : sequence of str
        Texts of any length.
    prompt : str, default ""
        Put before every text. Its tokens are of the prefix, so that each window begins with them.

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
    read = [prompt + text for text in texts]
    encoded = tokenizer(
        read,
        add_special_tokens=True,
        return_attention_mask=False,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        split_special_tokens=True,  # a control token in data is text
        verbose=False,  # texts longer than the model's context are cut later, so the warning would be wrong
    )
    control = control_tokens(tokenizer)
    return [
        _tokens(tokenizer, control, text, list(zip(ids, offsets, strict=True)), special, len(prompt))
        for text, ids, offsets, special in zip(
            read, encoded["input_ids"], encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True
        )
    ]


def _tokens(
    tokenizer: Any, control: Mapping[int, str], text: str, tokens: list[Token], special: list[int], prompt: int
) -> Tokens:
    first = special.index(0) if 0 in special else len(special)
    last = len(special) - (special[::-1].index(0) if 0 in special else 0)
    own = spelled_out(tokenizer, control, text, tokens[first:last])
    before = sum(prompt > 0 and end <= prompt for _, (_, end) in own)  # a token over the boundary is the text's
    prefix = [i for i, _ in [*tokens[:first], *own[:before]]]
    suffix = [i for i, _ in tokens[last:]]
    starts = [max(0, start - prompt) for _, (start, _) in own[before:]]
    return Tokens(ids=[i for i, _ in own[before:]], starts=starts, prefix=prefix, suffix=suffix)
