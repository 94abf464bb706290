"""A history cut into chunks that a model can answer for, and the question for each.

In: a history, a prompt and an engine's room. Out: chunks of consecutive events, and requests. Knows no answers.

Where a model keeps to forms and no field may be paraphrased, all that it decides is the order of the fields: it is
asked once a history, and shown the first events.
"""

import hashlib
from dataclasses import dataclass, field

from ..core.errors import Llm4esError, OptionError
from ..options import Constrain, EnrichOptions
from ..serialize.escaping import SEPARATOR, unescape
from ..serialize.formats import ParsedHistory, write
from .engine import Engine, Request
from .fidelity import Fidelity
from .form import Events, form_of
from .prompts import Prompt

GROWTH = 1.6
"""Tokens that a rewriting may have for each token of its events: names of fields are repeated."""

SHOWN = 4
"""Events that a model is shown where it decides the order of the fields and nothing else."""

SPARE = 8
"""Tokens that a paraphrase may have more than its value."""

PARAPHRASE = "\nOnly the values of {} you may say in other words that mean the same, without any number."
"""What is added to the question where fields may be paraphrased."""


@dataclass(frozen=True)
class RewriteTask:
    """One history to be rewritten."""

    key: str
    """What its sampling is seeded with."""

    prompt: Prompt
    """How it is asked for."""

    history: ParsedHistory
    """The events."""

    paraphrase: tuple[str, ...] = ()
    """Names of the fields, as the text has them, whose values a model may say in other words."""


@dataclass
class Chunk:
    """Some consecutive events of a task, and the best answer so far."""

    task: int
    number: int
    events: Events
    shown: int
    """Events that the model is shown, from the first."""
    tries: int = 0
    text: str | None = None
    best: Fidelity | None = None
    written_by: str = ""
    """Who wrote the text that was taken."""
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
        halves = (self.events[:half], self.events[half:])
        return [Chunk(self.task, self.number, events, len(events)) for events in halves]


def chunks_of(at: int, task: RewriteTask, engine: Engine, options: EnrichOptions) -> list[Chunk]:
    """The chunks of a task, ``at`` of many."""
    runs = _runs(task, engine, options)
    if engine.keeps_forms and formed(task, options) and not paraphrased(task):
        return [Chunk(at, 0, task.history.events, min(SHOWN, len(runs[0])))]
    return [Chunk(at, number, events, len(events)) for number, events in enumerate(runs)]


def formed(task: RewriteTask, options: EnrichOptions) -> bool:
    """Whether a task's answers have a form."""
    return task.prompt.by_line and options.constrain is Constrain.AUTO


def paraphrased(task: RewriteTask) -> list[str]:
    """The fields of a task whose values may be said in other words, readable."""
    return [unescape(name) for name in task.history.headers if name in task.paraphrase]


def _runs(task: RewriteTask, engine: Engine, options: EnrichOptions) -> list[Events]:
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
    used = 0.0
    names = engine.count(header)
    free = paraphrased(task) if formed(task, options) else []
    written = write(task.history, task.prompt.fallback).events if free else ()
    for at, event in enumerate(task.history.events):
        size: float = engine.count(SEPARATOR.join(event)) + 1 + names // 2  # field names come back with each event
        if free:  # where the model writes every token, all of them must fit
            size = max(size, (engine.count(written[at]) + SPARE * len(free)) / GROWTH)
        if chunks[-1] and used + size > room:
            chunks.append([])
            used = 0.0
        chunks[-1].append(event)
        used += size
    return [tuple(chunk) for chunk in chunks]


def request_for(task: RewriteTask, chunk: Chunk, options: EnrichOptions) -> Request:
    """The question for a chunk; its fence is made of its own contents, which cannot hold it."""
    shown = chunk.events[: chunk.shown]
    lines = [SEPARATOR.join(task.history.headers), *(SEPARATOR.join(event) for event in shown)]
    events = "\n".join(lines)
    fence = hashlib.sha256(events.encode()).hexdigest()[:8]
    seed = f"{options.seed}\0{task.key}\0{chunk.number}\0{chunk.tries}".encode()
    user = task.prompt.user.replace("{fence}", fence).replace("{events}", events)
    if free := paraphrased(task):
        user += PARAPHRASE.format(" and ".join(free))
    number = int(hashlib.sha256(seed).hexdigest()[:7], 16)
    form = None
    if formed(task, options):
        history = ParsedHistory(task.history.headers, chunk.events)
        form = form_of(history, task.prompt.fallback, task.paraphrase, f"{options.seed}\0{task.key}", task.history)
    return Request(task.prompt.system, user, number, form)
