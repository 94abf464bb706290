"""One answer judged: cut to what it may be, taken out of its wrapping, and compared with its events.

In: events, a prompt and an answer. Out: the rewriting in it, how faithful it is, and why it is refused. Asks nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .engine import Answer
from .fidelity import Fidelity, accepted, check
from .form import Events, Form
from .nested_lists import one_line_each
from .prompts import Prompt
from .thinking import without_thinking
from .tidy import tidied

THOUGHT_ONLY = "thinking alone, and no answer"
"""Why an answer of which nothing is left is refused."""

GROWTH = 12
"""Characters of a rewriting for each one of its events and, event by event, of their fields' names."""

SPARE = 4096
"""Characters that a rewriting may have besides."""

THINKING = 1 << 20
"""Characters that an answer may have with what it thought."""


@dataclass(frozen=True)
class Judged:
    """What an answer is worth."""

    text: str
    """The rewriting, without what tells no event."""

    fidelity: Fidelity
    """What became of the events."""

    reason: str | None
    """Why it is refused; None: it is not."""


def judge(
    events: Events, names: Sequence[str], prompt: Prompt, form: Form | None, answer: Answer, min_fidelity: float
) -> Judged:
    """Whether an answer says what the events say.

    One in the ``form`` that was asked for is completed, and checked as any other; its paraphrases stand for the values.
    """
    values = "\n".join(value for event in events for value in event)
    limit = longest(events, names)
    if len(answer.text) > limit + THINKING:
        return Judged("", _nothing(events), f"too long: above {limit + THINKING} characters")
    answered = without_thinking(answer.text, values)
    if len(answered) > limit:
        return Judged("", _nothing(events), f"too long: above {limit} characters")
    completed = form.complete(answered) if form else None
    text, told = (completed.text, completed.events) if completed else (tidied(answered), events)
    if completed is None and prompt.by_line:
        text = one_line_each(text, names)
    fidelity = check(
        told,
        text,
        names=names,
        finished=answer.finished or completed is not None,
        by_line=prompt.by_line,
        free_form=prompt.free_form,
    )
    thought_only = answer.finished and answer.text.strip() and not answered
    reason = answer.refusal or (THOUGHT_ONLY if thought_only else fidelity.refusal(min_fidelity))
    return Judged(accepted(text, fidelity), fidelity, reason)


def longest(events: Sequence[Sequence[str]], names: Sequence[str]) -> int:
    """Characters that a rewriting of the events may have: what is longer says something else."""
    of_names = sum(map(len, names)) + 4 * len(names)
    return SPARE + GROWTH * sum(sum(map(len, event)) + of_names for event in events)


def _nothing(events: Sequence[Sequence[str]]) -> Fidelity:
    return Fidelity(events=len(events), kept=0, altered=0, repeated=0, invented=(), finished=True)
