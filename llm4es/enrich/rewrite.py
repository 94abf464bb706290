"""Histories rewritten by a language model, chunk by chunk, each chunk checked against its events.

In: histories, prompts and an engine. Out: one rewriting a history, or why there is none. A chunk that does not say what
its events say is asked for again, and in the end replaced by a rule text; one that is too long for the engine is
halved; of one that nobody answered nothing is kept. Knows no record batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import Llm4esError
from ..options import EnrichOptions
from ..serialize.formats import ParsedHistory, write
from .chunks import Chunk, RewriteTask, chunks_of, request_for
from .engine import Answer, Engine, Request
from .judge import judge
from .tally import AGAIN


@dataclass(frozen=True)
class Rewriting:
    """What became of a history."""

    text: str
    """Accepted answers and rule texts of its chunks, in order."""

    fidelity: float
    """Share of the events that the model kept in its best answers, 0..1, replaced chunks included."""

    kept: int
    """Events that the text carries."""

    written_by: str | None
    """The models that wrote what was taken of them, as they name themselves; None: a rule wrote all."""

    by_rule: int
    """Events of chunks that a rule text stands for."""

    note: str | None
    """Why chunks were retried or replaced; None: all were good at once."""


@dataclass(frozen=True)
class Unwritten:
    """A history that was not rewritten, because a question was not answered."""

    reason: str
    """In words."""

    failure: Llm4esError | None
    """What ends the run; None: the next history may fare better."""


def rewrite(tasks: Sequence[RewriteTask], engine: Engine, options: EnrichOptions) -> list[Rewriting | Unwritten]:
    """One rewriting a task, in order. All chunks that are open are asked for at once."""
    chunks = [chunk for at, task in enumerate(tasks) for chunk in chunks_of(at, task, engine, options)]
    while open_chunks := [chunk for chunk in chunks if chunk.is_open(options.retries)]:
        requests = [request_for(tasks[chunk.task], chunk, options) for chunk in open_chunks]
        for chunk, request, answer in zip(open_chunks, requests, engine.answers(requests), strict=True):
            _judge(chunk, tasks[chunk.task], request, answer, options)
            chunk.written_by = _author(answer, engine) if chunk.text is not None else ""
        chunks = [part for chunk in chunks for part in chunk.parts()]
    return [_put_together(task, [chunk for chunk in chunks if chunk.task == at]) for at, task in enumerate(tasks)]


def _judge(chunk: Chunk, task: RewriteTask, request: Request, answer: Answer, options: EnrichOptions) -> None:
    """Take an answer if it is good enough, and remember how good the best was."""
    chunk.tries += 1
    chunk.failure, chunk.too_long = answer.failure, answer.too_long is not None
    chunk.unanswered = answer.too_long or answer.unanswered or (str(answer.failure) if answer.failure else None)
    if chunk.unanswered:
        return
    judged = judge(chunk.events, task.history.headers, task.prompt, request.form, answer, options.min_fidelity)
    if chunk.best is None or judged.fidelity.score > chunk.best.score:
        chunk.best = judged.fidelity
    if judged.reason is None:
        chunk.text, chunk.best = judged.text, judged.fidelity
    else:
        chunk.reasons.append(judged.reason)


def _put_together(task: RewriteTask, chunks: Sequence[Chunk]) -> Rewriting | Unwritten:
    """The chunks of a task as one text; nothing where one of them was not answered."""
    for chunk in chunks:
        if chunk.unanswered:
            return Unwritten(chunk.unanswered, chunk.failure)
    texts, kept, kept_by_model, by_rule = [], 0, 0, 0
    for chunk in chunks:
        kept_by_model += chunk.best.kept if chunk.best else 0
        if chunk.text is not None and chunk.best is not None:
            texts.append(chunk.text)
            kept += chunk.best.kept
        else:
            texts.append(write(ParsedHistory(task.history.headers, chunk.events), task.prompt.fallback).text.strip())
            kept += len(chunk.events)
            by_rule += len(chunk.events)
    events = len(task.history.events)
    authors = "; ".join(dict.fromkeys(chunk.written_by for chunk in chunks if chunk.written_by)) or None
    fidelity = kept_by_model / events if events else 1.0
    return Rewriting("\n\n".join(texts), fidelity, kept, authors, by_rule, _note(task, chunks))


def _author(answer: Answer, engine: Engine) -> str:
    """Who wrote an answer, and without which parameters."""
    who = answer.served_by or engine.name
    return f"{who} without {', '.join(answer.without)}" if answer.without else who


def _note(task: RewriteTask, chunks: Sequence[Chunk]) -> str | None:
    """What happened on the way, in words."""
    reasons = "; ".join(dict.fromkeys(reason for chunk in chunks for reason in chunk.reasons))
    replaced = sum(chunk.text is None for chunk in chunks)
    if replaced:
        return f"{replaced} of {len(chunks)} chunks replaced by {task.prompt.fallback.value}: {reasons}"
    return f"{AGAIN}: {reasons}" if reasons else None
