"""What became of many rewritings, in a sentence.

In: the fidelity and the note of each. Out: their number, their mean and why some were not good at once. Knows no texts.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

AGAIN = "asked again"
"""What a note begins with where all chunks were good in the end."""

_NUMBERS = re.compile(r"\d+ of \d+ | \d+ times")


@dataclass
class Tally:
    """How many rewritings there were, how good, and what became of those that were not good enough."""

    rewritings: int = 0
    fidelity: float = 0.0
    again: int = 0
    replaced: int = 0
    by_words: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)
    events: int = 0
    by_rule: int = 0

    def add(
        self,
        fidelity: float,
        note: str | None,
        checked: str | None = None,
        written_by: str | None = None,
        events: int = 0,
        by_rule: int | None = 0,
    ) -> None:
        """One more."""
        self.rewritings += 1
        self.by_words += checked == "words"
        self.events += events
        self.by_rule += by_rule or 0
        if written_by:
            self.authors[written_by] += 1
        self.fidelity += fidelity
        if note:
            what, _, reasons = note.partition(": ")
            self.again += what == AGAIN
            self.replaced += what != AGAIN
            kinds = [_NUMBERS.sub("", reason.partition(": ")[0]) for reason in reasons.split("; ")]
            self.reasons.update(list(dict.fromkeys(kinds)))

    def __str__(self) -> str:
        mean = self.fidelity / max(1, self.rewritings)
        why = ", ".join(f"{reason} ({count})" for reason, count in self.reasons.most_common())
        weakly = f", {self.by_words} of them in prose, which is checked by words alone" if self.by_words else ""
        who = ", ".join(f"{author} ({count})" for author, count in self.authors.most_common())
        return (
            f"{self.rewritings} rewritings, mean fidelity {mean:.3f}: {self.again} good when asked again, "
            f"{self.replaced} replaced by a rule text wholly or in part"
            + (f" ({self.by_rule:,} of {self.events:,} events)" if self.by_rule else "")
            + weakly
            + (f"; why: {why}" if why else "")
            + (f"; written by {who}" if who else "")
        )
