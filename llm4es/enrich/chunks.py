"""A history cut into chunks that a model can answer for, and the question for each.

In: a history, a prompt and an engine's room. Out: chunks of consecutive events, and requests. Knows no answers.
"""

import hashlib
from dataclasses import dataclass, field

from ..core.errors import Llm4esError, OptionError
from ..options import EnrichOptions
from ..serialize.escaping import SEPARATOR
from ..serialize.formats import ParsedHistory
from .engine import Engine, Request
from .fidelity import Fidelity
from .prompts import Prompt

GROWTH = 1.6
"""Tokens that a rewriting may have for each token of its events: names of fields are repeated."""

Events = tuple[tuple[str, ...], ...]
"""The values of some events, escaped as in the raw text."""


@dataclass(frozen=True)
class RewriteTask:
    """One history to be rewritten."""

    key: str
    """What its sampling is seeded with."""

    prompt: Prompt
    """How it is asked for."""

    history: ParsedHistory
    """The events."""


@dataclass
class Chunk:
    """Some consecutive events of a task, and the best answer so far."""

    task: int
    number: int
    events: Events
    tries: int = 0
    text: str | None = None
    best: Fidelity | None = None
    reasons: list[str] = field(default_factory=list)
    unanswered: str | None = None
    """Why nothing came back, the last time that it was asked for."""
    too_long: bool = False
    """Whether that was because it is too long for what answers."""
    failure: Llm4esError | None = None
    """What ends the run with it."""

    def is_open(self, retries: int) -> bool:
        """Whether it is to be asked for, again perhaps."""
        lost = self.failure is not None or (self.too_long and len(self.events) == 1)
        return self.text is None and bool(self.events) and self.tries <= retries and not lost

    def parts(self) -> list["Chunk"]:
        """Itself; its halves where it was too long."""
        if not self.too_long or len(self.events) == 1:
            return [self]
        half = len(self.events) // 2
        return [Chunk(self.task, self.number, self.events[:half]), Chunk(self.task, self.number, self.events[half:])]


def chunked(task: RewriteTask, engine: Engine, options: EnrichOptions) -> list[Events]:
    """Runs of events whose question and answer fit the model. One event that fits in nowhere stands alone."""
    header = SEPARATOR.join(task.history.headers)
    asked = engine.count(task.prompt.system + task.prompt.user + header) + 64  # the chat template's own tokens
    room = min(options.max_new_tokens / GROWTH, (engine.room - asked) / (1 + GROWTH))
    if room < 1:
        raise OptionError(
            f"--max-new-tokens {options.max_new_tokens} and the {engine.room} tokens of {engine.name} leave no room "
            f"for events besides the {asked} tokens of prompt {task.prompt.name!r}: take a model with a longer context"
        )
    chunks: list[list[tuple[str, ...]]] = [[]]
    used = 0
    names = engine.count(header)
    for event in task.history.events:
        size = engine.count(SEPARATOR.join(event)) + 1 + names // 2  # field names come back with each event
        if chunks[-1] and used + size > room:
            chunks.append([])
            used = 0
        chunks[-1].append(event)
        used += size
    return [tuple(chunk) for chunk in chunks]


def request_for(task: RewriteTask, chunk: Chunk, options: EnrichOptions) -> Request:
    """The question for a chunk; its fence is made of its own contents, which cannot hold it."""
    lines = [SEPARATOR.join(task.history.headers), *(SEPARATOR.join(event) for event in chunk.events)]
    events = "\n".join(lines)
    fence = hashlib.sha256(events.encode()).hexdigest()[:8]
    seed = f"{options.seed}\0{task.key}\0{chunk.number}\0{chunk.tries}".encode()
    user = task.prompt.user.replace("{fence}", fence).replace("{events}", events)
    return Request(task.prompt.system, user, int(hashlib.sha256(seed).hexdigest()[:7], 16))
