"""Which tokens of a text are read, and in which windows.

In: a text's tokens, where in the text they start, and where its events start. Out: windows of at most ``max_length``
tokens, cut between events, each with the text's opening (its header) and closing around it, and the counts of what was
left out. Knows no model and no tensor.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..core.errors import ModelError
from ..options import History


@dataclass(frozen=True)
class Tokens:
    """A text as its tokenizer sees it."""

    ids: Sequence[int]
    """The text's own tokens."""

    starts: Sequence[int]
    """The code point at which each token starts."""

    prefix: Sequence[int] = ()
    """Special tokens that the tokenizer puts before every text."""

    suffix: Sequence[int] = ()
    """Special tokens that the tokenizer puts after every text."""


@dataclass(frozen=True)
class Cut:
    """A text's windows, oldest first, and what is not in them."""

    windows: tuple[tuple[int, ...], ...]
    """Token ids, special tokens included."""

    n_tokens: int
    """Tokens in all windows; what stands in several of them is counted as often."""

    n_tokens_dropped: int
    """Tokens of the text that are in no window."""

    n_events: int | None
    """Events with a token in a window; None where the text was cut and its events are not marked."""

    n_events_dropped: int | None
    """Events with none."""


@dataclass(frozen=True)
class _Unit:
    """Tokens that stay together: an event, or a piece of one that is longer than a window."""

    event: int
    start: int
    end: int


def cut(tokens: Tokens, offsets: Sequence[int] | None, n_events: int | None, max_length: int, history: History) -> Cut:
    """Windows of at most ``max_length`` tokens, cut between events.

    Parameters
    ----------
    tokens : Tokens
        A text, as ``tokenize`` gives it.
    offsets : sequence of int or None
        Where in the text (code points) each event starts and the last one ends; None: unknown.
    n_events : int or None
        Events of the text; None: unknown.
    max_length : int
        Tokens of a window, special tokens included.
    history : History
        Which events stay: the newest or the oldest that fit into one window, or all of them in several.

    Returns
    -------
    Cut
        The windows, oldest first, and counts of what is in them and what is not.

    Raises
    ------
    ModelError
        Where the special tokens leave no room.

    Examples
    --------
    A header of one token and three events of two; a window has room for two of them:

    >>> tokens = Tokens(ids=[9, 1, 2, 3, 4, 5, 6], starts=[0, 2, 4, 6, 8, 10, 12])
    >>> cut(tokens, [2, 6, 10, 13], 3, 5, History.NEWEST).windows
    ((9, 3, 4, 5, 6),)
    >>> cut(tokens, [2, 6, 10, 13], 3, 5, History.FULL).windows
    ((9, 1, 2), (9, 3, 4, 5, 6))
    >>> cut(tokens, [2, 6, 10, 13], 3, 5, History.NEWEST).n_events_dropped
    1
    """
    n_special = len(tokens.prefix) + len(tokens.suffix)
    room, size = max_length - n_special, len(tokens.ids)
    if room < 1:
        raise ModelError(
            f"--max-length {max_length} leaves no room beside {n_special} tokens around every text: give more"
        )
    if size <= room:
        if size == 0:  # special tokens alone say nothing
            return Cut((), 0, 0, n_events, 0)
        return Cut((_framed(tokens, tokens.ids),), size + n_special, 0, n_events, 0)
    marked = offsets is not None and len(offsets) > 1
    bounds = [bisect_left(tokens.starts, offset) for offset in offsets] if offsets is not None and marked else [0, size]
    opening, closing = tokens.ids[: bounds[0]], tokens.ids[bounds[-1] :]
    if len(opening) + len(closing) > room // 2:  # a frame that would crowd out what it frames
        opening, closing = (), ()
    inner = room - len(opening) - len(closing)
    chosen = list(_windows(_units(bounds, inner, history), inner, history))
    windows = tuple(
        _framed(tokens, [*opening, *(i for unit in units for i in tokens.ids[unit.start : unit.end]), *closing])
        for units in chosen
    )
    kept = sum(unit.end - unit.start for units in chosen for unit in units) + len(opening) + len(closing)
    events = len({unit.event for units in chosen for unit in units})
    complete = kept == size
    return Cut(
        windows=windows,
        n_tokens=sum(map(len, windows)),
        n_tokens_dropped=size - kept,
        n_events=events if marked else n_events if complete else None,
        n_events_dropped=len(bounds) - 1 - events if marked else 0 if complete else None,
    )


def _units(bounds: Sequence[int], inner: int, history: History) -> Iterator[_Unit]:
    """Events from the end that is kept to the other; those longer than a window in pieces as long as one."""
    events = range(len(bounds) - 1)
    if history == History.OLDEST:
        for event in events:
            for start in range(bounds[event], bounds[event + 1], inner) or (bounds[event],):
                yield _Unit(event, start, min(start + inner, bounds[event + 1]))
    else:
        for event in reversed(events):
            for end in range(bounds[event + 1], bounds[event], -inner) or (bounds[event + 1],):
                yield _Unit(event, max(end - inner, bounds[event]), end)


def _windows(units: Iterator[_Unit], inner: int, history: History) -> list[list[_Unit]]:
    """The first window full of units, or with a full history all of them; windows and their units oldest first."""
    windows: list[list[_Unit]] = [[]]
    used = 0
    for unit in units:
        length = unit.end - unit.start
        if used + length > inner:
            if history != History.FULL:
                break
            windows.append([])
            used = 0
        windows[-1].append(unit)
        used += length
    return [sorted(window, key=lambda unit: unit.start) for window in reversed(windows)]


def _framed(tokens: Tokens, ids: Sequence[int]) -> tuple[int, ...]:
    """Token ids with the special tokens that every text gets."""
    return (*tokens.prefix, *ids, *tokens.suffix)
