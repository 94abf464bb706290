"""Texts to tokens, with the place in the text where each of them starts.

In: a fast Hugging Face tokenizer and texts. Out: ``windows.Tokens``. Never truncates, never pads, and reads no
control token out of data. Knows no model.
"""

from collections.abc import Sequence
from typing import Any

from .control_tokens import Offsets, control_tokens, spelled_out
from .windows import Tokens


def tokenize(tokenizer: Any, texts: Sequence[str], prompt: str = "", question: str | None = None) -> list[Tokens]:
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
    question : str, optional
        Put behind every text. Its tokens are of the suffix, so that each window ends with them, and no special token
        follows: the next one is the answer. None: nothing is asked.

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
    read = [prompt + text + (question or "") for text in texts]
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
    columns = (encoded[name] for name in ("input_ids", "offset_mapping", "special_tokens_mask"))
    made = []
    for text, ids, offsets, special in zip(read, *columns, strict=True):
        first = special.index(0) if 0 in special else len(special)
        last = len(special) - (special[::-1].index(0) if 0 in special else 0)
        own, places = spelled_out(tokenizer, control, text, ids[first:last], offsets[first:last])
        if question is None:
            made.append(_tokens(ids[:first], own, places, ids[last:], len(prompt)))
        else:
            end = len(text) - len(question)
            asked = sum(start >= end for start, _ in places)
            kept = len(own) - asked
            made.append(_tokens(ids[:first], own[:kept], places[:kept], own[kept:], len(prompt)))
    return made


def _tokens(prefix: list[int], own: list[int], places: list[Offsets], suffix: list[int], prompt: int) -> Tokens:
    """Tokens whose text begins behind the prompt: one over the boundary is the text's."""
    before = sum(end <= prompt for _, end in places) if prompt else 0
    starts = [max(0, start - prompt) for start, _ in places[before:]]
    return Tokens(ids=own[before:], starts=starts, prefix=[*prefix, *own[:before]], suffix=suffix)
