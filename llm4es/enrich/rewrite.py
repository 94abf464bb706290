"""Histories rewritten by a language model, chunk by chunk, each chunk checked against its events.

In: histories, prompts and an engine. Out: one rewriting a history. A chunk that does not say what its events say is
asked for again, and in the end replaced by a rule text. Knows no record batches.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.errors import OptionError
from ..options import EnrichOptions
from ..serialize.escaping import SEPARATOR
from ..serialize.formats import ParsedHistory, write
from .engine import Answer, Engine, Request
from .fidelity import Fidelity, check, without
from .prompts import Prompt

GROWTH = 1.6
"""Tokens that a rewriting may have for each token of its events: names of fields are repeated."""

AGAIN = "asked again"
"""What a note begins with where all chunks were good in the end."""

_NUMBERS = re.compile(r"\d+ of \d+ | \d+ times")
_FENCED = re.compile(r"```[a-zA-Z]*\n(.*?)\n?```", re.DOTALL)
_PREAMBLE = re.compile(r"\A[^\W\d_][^\n|{\d]*:\s*\n")


@dataclass(frozen=True)
class RewriteTask:
    """One history to be rewritten."""

    key: str
    """What its sampling is seeded with."""

    prompt: Prompt
    """How it is asked for."""

    history: ParsedHistory
    """The events."""


@dataclass(frozen=True)
class Rewriting:
    """What became of a history."""

    text: str
    """Accepted answers and rule texts of its chunks, in order."""

    fidelity: float
    """Share of the events that the model kept in its best answers, 0..1, replaced chunks included."""

    kept: int
    """Events that the text carries."""

    note: str | None
    """Why chunks were retried or replaced; None: all were good at once."""


@dataclass
class _Chunk:
    """Some consecutive events of a task, and the best answer so far."""

    task: int
    number: int
    events: tuple[tuple[str, ...], ...]
    tries: int = 0
    text: str | None = None
    best: Fidelity | None = None
    reasons: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """How many rewritings there were, how good, and what became of those that were not good enough."""

    rewritings: int = 0
    fidelity: float = 0.0
    again: int = 0
    replaced: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, fidelity: float, note: str | None) -> None:
        """One more."""
        self.rewritings += 1
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
        return (
            f"{self.rewritings} rewritings, mean fidelity {mean:.3f}: {self.again} good when asked again, "
            f"{self.replaced} replaced by a rule text wholly or in part" + (f"; why: {why}" if why else "")
        )


def rewrite(tasks: Sequence[RewriteTask], engine: Engine, options: EnrichOptions) -> list[Rewriting]:
    """One rewriting a task, in order. All chunks that are open are asked for at once."""
    chunks = [
        _Chunk(at, number, events)
        for at, task in enumerate(tasks)
        for number, events in enumerate(_chunked(task, engine, options))
    ]
    for _ in range(options.retries + 1):
        open_chunks = [chunk for chunk in chunks if chunk.text is None and chunk.events]
        if not open_chunks:
            break
        requests = [_request(tasks[chunk.task], chunk, options) for chunk in open_chunks]
        for chunk, answer in zip(open_chunks, engine.answers(requests), strict=True):
            _judge(chunk, tasks[chunk.task], answer, options)
    return [_put_together(task, [chunk for chunk in chunks if chunk.task == at]) for at, task in enumerate(tasks)]


def _chunked(task: RewriteTask, engine: Engine, options: EnrichOptions) -> list[tuple[tuple[str, ...], ...]]:
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


def _request(task: RewriteTask, chunk: _Chunk, options: EnrichOptions) -> Request:
    """The question for a chunk; its fence is made of its own contents, which cannot hold it."""
    lines = [SEPARATOR.join(task.history.headers), *(SEPARATOR.join(event) for event in chunk.events)]
    events = "\n".join(lines)
    fence = hashlib.sha256(events.encode()).hexdigest()[:8]
    seed = f"{options.seed}\0{task.key}\0{chunk.number}\0{chunk.tries}".encode()
    user = task.prompt.user.replace("{fence}", fence).replace("{events}", events)
    return Request(task.prompt.system, user, int(hashlib.sha256(seed).hexdigest()[:7], 16))


def _judge(chunk: _Chunk, task: RewriteTask, answer: Answer, options: EnrichOptions) -> None:
    """Take an answer if it is good enough, and remember how good the best was."""
    chunk.tries += 1
    text = tidied(answer.text)
    found = check(chunk.events, text, names=task.history.headers, finished=answer.finished, by_line=task.prompt.by_line)
    reason = answer.refusal or found.refusal(options.min_fidelity)
    if chunk.best is None or found.score > chunk.best.score:
        chunk.best = found
    if reason is None:
        chunk.text, chunk.best = without(text, found.foreign), found
    else:
        chunk.reasons.append(reason)


def tidied(text: str) -> str:
    """An answer without 'Here it is:' and the fence around it; JSON with one object a line, however indented."""
    fenced = _FENCED.search(text)
    text = (fenced[1] if fenced else _PREAMBLE.sub("", text.strip())).strip()
    try:
        said = json.loads(text)
    except ValueError:
        return text
    objects = said if isinstance(said, list) else [said]
    return "[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in objects) + "\n]"


def _put_together(task: RewriteTask, chunks: Sequence[_Chunk]) -> Rewriting:
    """The chunks of a task as one text."""
    texts, kept, told = [], 0, 0
    for chunk in chunks:
        told += chunk.best.kept if chunk.best else 0
        if chunk.text is not None and chunk.best is not None:
            texts.append(chunk.text)
            kept += chunk.best.kept
        else:
            texts.append(write(ParsedHistory(task.history.headers, chunk.events), task.prompt.fallback).text.strip())
            kept += len(chunk.events)
    events = len(task.history.events)
    return Rewriting("\n\n".join(texts), told / events if events else 1.0, kept, _note(task, chunks))


def _note(task: RewriteTask, chunks: Sequence[_Chunk]) -> str | None:
    """What happened on the way, in words."""
    reasons = "; ".join(dict.fromkeys(reason for chunk in chunks for reason in chunk.reasons))
    replaced = sum(chunk.text is None for chunk in chunks)
    if replaced:
        return f"{replaced} of {len(chunks)} chunks replaced by {task.prompt.fallback.value}: {reasons}"
    return f"{AGAIN}: {reasons}" if reasons else None
