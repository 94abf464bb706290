"""Texts cut for a server, whose tokenizer is not here: tokens are estimated, and pieces are text again.

In: a text, where its events start, options. Out: pieces of text of at most ``max_length`` estimated tokens, cut between
events, and the counts of what was left out. Knows no server.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from ..inputs.windows import Tokens, cut
from ..options import EmbedOptions

BYTES_PER_TOKEN = 2.5
"""UTF-8 bytes. Texts of words have more a token, rows of digits fewer: some tokenizers take each digit for one."""


@dataclass(frozen=True)
class Pieces:
    """A text as it is sent."""

    texts: tuple[str, ...]
    """The oldest events first."""

    sizes: tuple[int, ...]
    """Estimated tokens of each."""

    n_tokens_dropped: int
    """Estimated tokens of the text that are in none."""

    n_events: int | None
    n_events_dropped: int | None
    """Events in the pieces and in none; None: unknown."""


def pieces(row: dict[str, Any], options: EmbedOptions) -> Pieces:
    """A row of ``TEXTS`` in pieces.

    Examples
    --------
    >>> row = {"text": "Item\\ntea\\nmilk\\nrice\\n", "event_offsets": [5, 9, 14, 19], "n_events": 3}
    >>> pieces(row, EmbedOptions(max_length=6)).texts
    ('Item\\nmilk\\nrice\\n',)
    >>> pieces(row, EmbedOptions(max_length=6, history="full")).texts
    ('Item\\ntea\\n', 'Item\\nmilk\\nrice\\n')
    """
    text = row["text"]
    tokens = estimated_tokens(text)
    ends = [*tokens.starts[1:], len(text)]
    made = cut(tokens, row["event_offsets"], row["n_events"], options.max_length, options.history)
    return Pieces(
        texts=tuple("".join(text[tokens.starts[at] : ends[at]] for at in window) for window in made.windows),
        sizes=tuple(map(len, made.windows)),
        n_tokens_dropped=made.n_tokens_dropped,
        n_events=made.n_events,
        n_events_dropped=made.n_events_dropped,
    )


def estimated_tokens(text: str) -> Tokens:
    """As many tokens as the text's bytes suggest, their numbers for ids; each line begins one.

    Examples
    --------
    >>> estimated_tokens("tea\\nbread\\n").starts
    [0, 2, 4, 6, 8]
    """
    starts: list[int] = []
    place = 0
    for line in text.split("\n"):
        length = min(len(line) + 1, len(text) - place)  # with its line's end
        if length:
            n = min(length, ceil((len(line.encode("utf-8", "replace")) + 1) / BYTES_PER_TOKEN))
            starts += [place + at * length // n for at in range(n)]
        place += length
    return Tokens(range(len(starts)), starts)
