"""An engine that answers what it is told to, and histories for it to rewrite."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from llm4es.core.schemas import TEXTS
from llm4es.enrich import enrich
from llm4es.enrich.engine import Answer, Request
from llm4es.options import EnrichBy, EnrichOptions

Reply = Callable[[list[str]], str]


def events_of(request: Request) -> list[str]:
    """The lines between the marks."""
    found = re.search(r"<records (\w+)>\n(.*)\n</records \1>", request.user, re.DOTALL)
    assert found
    return found[2].split("\n")


def faithful(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines[1:])


class Scripted:
    """Answers with the next of its replies, the last one again and again; counts a token a word."""

    name = "scripted"
    keeps_forms = False

    def __init__(self, *replies: Reply | Answer, room: int = 4000) -> None:
        self.replies, self.room = replies, room
        self.requests: list[Request] = []
        self.rounds = 0

    def count(self, text: str) -> int:
        return len(text.split())

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        reply = self.replies[min(self.rounds, len(self.replies) - 1)]
        self.rounds += 1
        self.requests += requests
        if isinstance(reply, Answer):
            return [reply] * len(requests)
        return [Answer(reply(events_of(request)), finished=True) for request in requests]


def options(**settings: Any) -> EnrichOptions:
    return EnrichOptions(**{"by": EnrichBy.LLM, "variants": 1, "formats": ("bullets",), **settings})


def raw(events: Sequence[str], entity: str = "1", dropped: int = 0) -> pa.RecordBatch:
    row = dict.fromkeys(TEXTS.names) | {
        "dataset": "films",
        "entity_id": entity,
        "variant": "raw",
        "text": "Title | Rating | Year\n" + "\n".join(events),
        "text_hash": "h",
        "n_events": len(events),
        "n_events_dropped": dropped,
        "source_hash": "s",
    }
    return pa.RecordBatch.from_pylist([row], schema=TEXTS)


FILMS = ["Toy Story | good | 1995", "Seven | bad | 1996", "Kolya | good | 1997"]


def one(engine: Scripted, events: Sequence[str] = FILMS, **settings: Any) -> dict[str, Any]:
    (batch,) = enrich([raw(events)], options(**settings), engine)
    (row,) = batch.to_pylist()
    return dict(row)
