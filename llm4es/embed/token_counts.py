"""How many tokens a model will read, without the model: its tokenizer, and the cuts that embedding makes.

In: texts or events, a tokenizer, options. Out: numbers, as ``n_tokens`` of rows of ``EMBEDDINGS`` and
``EVENT_VECTORS``. Runs no network.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from ..inputs.tokenize import tokenize
from ..inputs.windows import cut
from ..options import EmbedOptions, History, Pooling

Frame = tuple[str, str | None]
"""What is read before and behind a text."""

PLAIN: Sequence[Frame] = (("", None),)

AT_ONCE = 1024
"""Events that are tokenised together."""


def tokens_of_texts(
    texts: Iterable[pa.RecordBatch], tokenizer: Any, options: EmbedOptions, frames: Sequence[Frame] = PLAIN
) -> int:
    """Tokens that are read of texts, once a frame.

    Parameters
    ----------
    texts : iterable of pyarrow.RecordBatch
        Columns ``text``, ``event_offsets`` and ``n_events`` of ``TEXTS``.
    tokenizer : transformers.PreTrainedTokenizerFast
        The model's.
    options : EmbedOptions
        How long.
    frames : sequence of (str, str or None)
        What is put before and behind each text; None behind it: nothing is asked.

    Returns
    -------
    int
        Those left out are not among them.

    Examples
    --------
    >>> tokens_of_texts([], None, EmbedOptions())
    0
    """
    total = 0
    for batch in texts:
        rows = list(zip(*(batch[name].to_pylist() for name in ("event_offsets", "n_events")), strict=True))
        for frame in frames:
            read = tokenize(tokenizer, batch["text"].to_pylist(), *frame)
            for tokens, (offsets, n_events) in zip(read, rows, strict=True):
                total += cut(tokens, offsets, n_events, options.max_length, options.history).n_tokens
    return total


def tokens_of_events(texts: Sequence[str], tokenizer: Any, options: EmbedOptions, before: str = "") -> int:
    """Tokens that are read of single events.

    Parameters
    ----------
    texts : sequence of str
        Each once.
    tokenizer : transformers.PreTrainedTokenizerFast
        The model's.
    options : EmbedOptions
        Tokens a window, and of which token the state is taken.
    before : str, default ""
        What is read before each.

    Returns
    -------
    int
        With what is read before them.

    Examples
    --------
    >>> tokens_of_events([], None, EmbedOptions())
    0
    """
    history = History.NEWEST if options.pooling is Pooling.LAST or options.answers else History.FULL
    total = 0
    for start in range(0, len(texts), AT_ONCE):
        for tokens in tokenize(tokenizer, texts[start : start + AT_ONCE], before):
            total += cut(tokens, None, None, options.max_length, history).n_tokens
    return total
