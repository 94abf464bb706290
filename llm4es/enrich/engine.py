"""Engines that answer prompts: the model in this process, or a server that speaks the OpenAI protocol.

In: requests. Out: one answer each, in order, the same for a request whatever stands beside it. An engine is opened once
and asked often. Knows nothing of events; imports no engine before it is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One question to a model."""

    system: str
    """What it is told first."""

    user: str
    """What it is asked."""

    seed: int
    """Seed of its sampling."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    text: str
    """The words, without special tokens."""

    finished: bool
    """The model came to an end by itself; False: the token limit cut it off."""

    refusal: str | None = None
    """Why the request was not answered, where it was not."""


class Engine(Protocol):
    """Something that answers."""

    name: str
    """What answers, for messages."""

    room: int
    """Tokens that question and answer may have together."""

    def count(self, text: str) -> int:
        """Tokens of a text, or a careful guess."""

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order."""
