"""Work that is underway, as a line that fits: its name, how far it is, how fast, and how long it will still take.

In: what is done, the time. Out: text. Knows no screen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

TOKENS = "tokens"
"""The unit of work that a model reads."""

_BAR = 24
"""Characters of a bar; where the line has less room, there is none."""


@dataclass
class Underway:
    """One piece of work.

    Examples
    --------
    >>> work = Underway("embed m", 4, "entities", began=0.0)
    >>> work.advance(2, now=8.0, tokens=1600)
    >>> work.line(now=8.0, tokens=1600)
    'embed m: 2/4 entities, 200 tokens/s, 8.0s left'
    >>> Underway("loading m", None, "", began=0.0).line(now=3.0)
    'loading m: after 3.0s'
    """

    what: str
    """Its name."""
    total: int | None
    """How many units it has; None: nobody knows."""
    unit: str
    """What is counted."""
    began: float
    """By a clock of seconds."""
    tokens: int = 0
    """That models had read when it began."""
    done: int = 0
    """Units."""
    at: float = 0.0
    """When the last of them were done."""
    read: int = 0
    """Tokens that models had read then."""
    pace: float | None = None
    """Seconds a unit of the like before it: what tells the time left until the first is done."""

    def advance(self, step: int, now: float, tokens: int = 0) -> None:
        """So many more units are done; a first step of 0: what is needed is there, and the work begins."""
        if step == self.done == 0:
            self.began, self.tokens = now, tokens
        if step:
            self.done += step
            self.at, self.read = now, tokens

    @property
    def each(self) -> float | None:
        """Seconds a unit; None: nobody knows yet."""
        return (self.at - self.began) / self.done if self.done else self.pace

    def told(self, now: float, tokens: int = 0) -> list[str]:
        """What there is to say: count, tokens a second, time left, or how long it has taken where that is not known."""
        took = now - self.began
        said = []
        if self.total or self.done:
            said.append(f"{self.done:,}{f'/{self.total:,}' if self.total else ''} {self.unit}".rstrip())
        # up to when the last were done: tokens of what is begun are counted at its end
        n, seconds = (self.read - self.tokens, self.at - self.began) if self.done else (tokens - self.tokens, took)
        if (self.total or self.done) and n > 0 and seconds > 0:
            said.append(f"{n / seconds:,.0f} tokens/s")
        if self.total and self.done < self.total and (one := self.each) is not None:
            since = self.at if self.done else self.began  # time has passed since the last unit was done
            said.append(f"{duration(max(one * (self.total - self.done) - (now - since), one))} left")
        else:  # also of what is at its end and goes on, as with writing
            said.append(f"after {duration(took)}")
        return said

    def line(self, now: float, tokens: int = 0) -> str:
        """All of it in a line."""
        return f"{self.what}: {', '.join(self.told(now, tokens))}"

    def drawn(self, width: int, now: float, tokens: int = 0, *, around: bool = False) -> tuple[str, str, str]:
        """Name, bar and the rest, which begins with a line feed where the line of ``width`` does not hold both.

        ``around``: it is around counted work, which tells how fast it is and the time left.

        Examples
        --------
        >>> work = Underway("embed m", 4, "entities", began=0.0, done=1, at=8.0)
        >>> work.drawn(40, now=8.0), work.drawn(60, now=8.0)[1]
        (('embed m', '', '1/4 entities  24s left'), '━━━━━━──────────────────')
        """
        said = self.told(now, tokens)[: 1 if around and self.total else None]
        full = "  ".join(said)
        short = "  ".join(each for each in said if not each.endswith("tokens/s"))
        rest = full if len(self.what) + 2 + len(full) <= width else "\n" + (full if len(full) + 2 <= width else short)
        bar = ""
        if self.total and len(self.what) + len(rest) + _BAR + 4 <= width:
            bar = ("━" * round(_BAR * min(self.done, self.total) / self.total)).ljust(_BAR, "─")
        return self.what, bar, rest


def in_a_line(levels: Sequence[Underway], now: float, tokens: int = 0) -> str:
    """Work within work in a line, the outermost first.

    Examples
    --------
    >>> levels = [Underway("finetune m", 5, "steps", 0.0), Underway("measuring", 8, "rows", 0.0, done=2, at=3.0)]
    >>> in_a_line(levels, now=3.0)
    'finetune m: 0/5 steps: measuring: 2/8 rows, 9.0s left'
    """
    *outer, inner = levels
    counted = (f"{each.what}: {each.told(now)[0]}" if each.total or each.done else each.what for each in outer)
    return ": ".join([*counted, inner.line(now, tokens)])


def as_increments(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Turn how much is done so far, as pure stages tell it, into how much more is done.

    Parameters
    ----------
    advance : callable
        Takes how many more units are done.

    Returns
    -------
    callable
        Takes how many are done so far.

    Examples
    --------
    >>> so_far = as_increments(print)
    >>> so_far(2); so_far(5)
    2
    3
    """
    before = 0

    def so_far(done: int) -> None:
        nonlocal before
        advance(done - before)
        before = done

    return so_far


def duration(seconds: float) -> str:
    """``75.2`` -> ``1m15s``.

    Parameters
    ----------
    seconds : float
        How long.

    Returns
    -------
    str
        At most two units.

    Examples
    --------
    >>> duration(4.21), duration(75.2), duration(7260)
    ('4.2s', '1m15s', '2h01m')
    """
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"
