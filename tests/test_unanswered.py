"""Questions that nobody answered are no rewritings: nothing is kept of them, all else is, and they are asked again."""

import re
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import ModelError
from llm4es.enrich import enrich
from llm4es.enrich.engine import Answer, Request
from llm4es.enrich.unanswered import UnansweredError

from .scripted import FILMS, Scripted, events_of, faithful, one, options, raw


class Narrow(Scripted):
    """Finds every question with more than so many events too long."""

    def __init__(self, at_most: int) -> None:
        super().__init__(faithful)
        self.at_most = at_most

    def answers(self, requests: Any) -> list[Answer]:
        def answer(request: Request, made: Answer) -> Answer:
            fits = len(events_of(request)) - 1 <= self.at_most
            return made if fits else Answer("", finished=False, too_long="it is too long")

        return [answer(*pair) for pair in zip(requests, super().answers(requests), strict=True)]


def test_a_chunk_that_is_too_long_is_halved_until_it_fits() -> None:
    films = [f"Film{number} | good | 19{number}" for number in range(10, 17)]
    engine = Narrow(2)
    row = one(engine, films, retries=0)
    assert (row["fidelity"], row["note"], row["n_events"]) == (1.0, None, 7)
    assert re.findall(r"Film\d+", row["text"]) == [film.split(" ")[0] for film in films]
    assert [len(events_of(request)) - 1 for request in engine.requests] == [7, 3, 4, 1, 2, 2, 2]


def test_an_event_that_is_too_long_leaves_its_history_out_and_no_other() -> None:
    class NoToys(Scripted):
        def answers(self, requests: Any) -> list[Answer]:
            made = super().answers(requests)
            return [
                Answer("", finished=False, too_long="too long") if "Toy" in request.user else answer
                for request, answer in zip(requests, made, strict=True)
            ]

    made = enrich([raw(FILMS, "1"), raw(FILMS[1:], "2")], options(), NoToys(faithful))
    assert next(made)["entity_id"].to_pylist() == ["2"]
    with pytest.raises(UnansweredError, match=r"^1 text was not rewritten: too long; what was made is kept"):
        next(made)


def collected(engine: Scripted, **settings: Any) -> tuple[list[str], str]:
    """Entities that came out of three, and the error at the end."""
    texts = pa.concat_batches([raw(FILMS, str(number)) for number in range(3)])
    entities: list[str] = []
    made = enrich([texts], options(**settings), engine)
    with pytest.raises(ModelError) as caught:
        entities.extend(entity for batch in made for entity in batch["entity_id"].to_pylist())
    return entities, str(caught.value)


class Failing(Scripted):
    """Answers all but the second request of a round."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(faithful)
        self.second = answer

    def answers(self, requests: Any) -> list[Answer]:
        made = super().answers(requests)
        return [self.second if at == 1 else answer for at, answer in enumerate(made)]


def test_a_failure_ends_the_run_after_what_was_answered() -> None:
    engine = Failing(Answer("", finished=False, failure=ModelError("no credit")))
    assert collected(engine) == (["0", "2"], "no credit")
    assert engine.rounds == 1  # nothing is asked again


def test_what_was_not_answered_is_asked_again_and_then_left_out() -> None:
    engine = Scripted(Answer("", finished=False, unanswered="no choice"))
    entities, message = collected(engine)
    assert (entities, engine.rounds) == ([], 2)
    assert message == (
        "3 texts were not rewritten: no choice; what was made is kept, the next run asks for these alone"
    )
    assert one(Scripted(Answer("", finished=False, unanswered="no choice"), faithful))["fidelity"] == 1.0


def test_several_reasons_are_counted() -> None:
    assert "4 texts were not rewritten: a (3); b (1); " in str(UnansweredError(["a", "b", "a", "a"]))
