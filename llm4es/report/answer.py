"""What the page says first: the answer to a task's question, why to trust it, what it cost; and what to know before.

In: nothing. Out: plain values that the template shows. Knows no table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ground:
    """One reason to trust an answer, or not to."""

    good: bool
    """Nothing speaks against it."""
    what: str
    """Two words: labelled entities, leaks."""
    words: str
    """A sentence."""


@dataclass(frozen=True)
class TaskAnswer:
    """Whether a language model adds anything to one task."""

    task: str
    """Its name."""
    headline: str
    """Yes or no, in a sentence."""
    words: str
    """The values behind it."""
    figure: str = ""
    """The difference; '' where there is none."""
    interval: str = ""
    """Its interval, with its level."""
    bar: str = ""
    """The same drawn, as ``interval_bar`` does."""
    cost: str = ""
    """Tokens and minutes; '' where nobody knows."""
    grounds: tuple[Ground, ...] = ()
    """Why to trust it."""
    notes: tuple[str, ...] = ()
    """Further sentences behind the values."""
    made_with: str = "a language model"
    """Of what the vectors are that answer."""


@dataclass(frozen=True)
class Caution:
    """What a reader has to know before believing a figure."""

    text: str
    """A sentence."""
    task: str = ""
    """Of which task; '' of all."""
    command: str = ""
    """What mends or shows it, as it is typed; '' where no command does."""
