"""What ``embed --history events`` says of its work, in sentences.

In: counts. Out: words. Knows no store.
"""

from dataclasses import dataclass

from ..core.counted import counted


@dataclass
class EventsRead:
    """What one call read and pooled.

    Examples
    --------
    >>> print("; ".join(EventsRead(6652, 100_000, 6652, 119_114, 943).said()))
    6,652 distinct events of 100,000 events (119,114 tokens) read once; 943 entities pooled
    >>> EventsRead(668, 9000, 2672, asked=True).planned()
    'embed: 2,672 questions about 668 distinct events to be read (of 9,000 events), 0 entities to be pooled'
    """

    n_kinds: int = 0
    """Distinct events of whom there is something to do."""

    n_events: int = 0
    """All of their events."""

    n_read: int = 0
    """Distinct events that the model read now; the others' vectors were there."""

    n_tokens: int = 0
    """Their tokens."""

    n_pooled: int = 0
    """Entities whose vectors were made."""

    asked: bool = False
    """Whether prompts ask about them, one question or more each."""

    n_zeros: int = 0
    """Those of them whose events weigh nothing."""

    n_cut: int = 0
    """Of what was read now, so many were longer than a window: the ends alone were read."""

    def said(self) -> list[str]:
        """What was read, and for whom."""
        of = f"of {counted(self.n_events, 'event')}"
        nothing = f"none of {counted(self.n_kinds, 'distinct event')} {of} had to be read: 0 tokens"
        said = f"{self._read()} {of} ({self.n_tokens:,} tokens) read once" if self.n_read else nothing
        zeros = f"the events of {self.n_zeros:,} of them weigh nothing: zeros stand for their vectors"
        longer = counted(self.n_cut, "question" if self.asked else "distinct event")
        cut = f"of {longer} longer than --max-length the end alone was read"
        pooled = f"{counted(self.n_pooled, 'entity', 'entities')} pooled"
        return [said, pooled, *([zeros] if self.n_zeros else []), *([cut] if self.n_cut else [])]

    def planned(self) -> str:
        """What would be read, and for whom."""
        read = self._read() if self.asked else f"{self.n_read:,} of {counted(self.n_kinds, 'distinct event')}"
        pooled = counted(self.n_pooled, "entity", "entities")
        return f"embed: {read} to be read (of {counted(self.n_events, 'event')}), {pooled} to be pooled"

    def loading(self, model: str, where: str) -> str:
        """Which model is loaded, and for what."""
        return f"embed: loading {model}, for {self._read()} of {counted(self.n_events, 'event')} on {where}"

    def _read(self) -> str:
        """What the model reads, counted."""
        about = f"{counted(self.n_read, 'question')} about {counted(self.n_kinds, 'distinct event')}"
        return about if self.asked else counted(self.n_read, "distinct event")
