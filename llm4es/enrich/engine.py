"""Engines that answer prompts: the model in this process, or a server that speaks the OpenAI protocol.

In: requests. Out: one answer each, in order, the same for a request whatever stands beside it. An engine is opened once
and asked often. Knows nothing of events; imports no engine before it is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.errors import Llm4esError
from .form import Form


@dataclass(frozen=True)
class Request:
    """One question to a model."""

    system: str
    """What it is told first."""

    user: str
    """What it is asked."""

    seed: int
    """Seed of its sampling."""

    form: Form | None = None
    """What the answer may look like; None: anything. An engine that cannot hold to it answers freely."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    text: str
    """The words, without special tokens."""

    finished: bool
    """The model came to an end by itself; False: the token limit cut it off."""

    refusal: str | None = None
    """Why the model did not answer, or not wholly, where it did not."""

    too_long: str | None = None
    """What says that the question is too long, where a shorter one may be answered."""

    unanswered: str | None = None
    """Why nothing came back: what it is of is not kept, and asked again next time."""

    failure: Llm4esError | None = None
    """What ended the run before this one was answered."""

    served_by: str = ""
    """The model that a server says it was; '' where nobody says it."""

    without: tuple[str, ...] = ()
    """Parameters that the server does not take, and answered without."""

    read: int = 0
    """Tokens of the question, where they are known."""

    written: int = 0
    """Tokens of the answer, where they are known."""


class Engine(Protocol):
    """Something that answers."""

    name: str
    """What answers, for messages."""

    room: int
    """Tokens that question and answer may have together."""

    keeps_forms: bool
    """Whether an answer never leaves its request's form."""

    def count(self, text: str) -> int:
        """Tokens of a text, or a careful guess."""

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order."""
