"""What a server takes: so many texts a request, so many dimensions, and vectors that say something of their text."""

from typing import Any

import pytest

from .embeddings import FIXED, embedded, reply_of, vector_of, words
from .serving import Reply, error, served
from .shell import Shell


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("limit", [1, 5])
def test_a_request_of_too_many_texts_goes_in_halves(own: Shell, status: int, limit: int) -> None:
    def limited(asked: dict[str, Any]) -> Reply:
        n = len(asked["input"])
        return error(f"batch size {n} > maximum allowed batch size {limit}", status) if n > limit else embedded(asked)

    with served(limited) as server:
        (outcome,) = own.stage("embed", *words(server, "--concurrency", 1))
        sizes = [len(asked["input"]) for asked in server.seen]
    assert outcome["computed"] == 20
    texts = dict(own.sql("SELECT entity_id, text FROM texts"))
    for entity, vector in own.sql("SELECT entity_id, vector FROM embeddings"):
        assert vector == pytest.approx(vector_of(texts[entity]), rel=1e-6)
    refused = [at for at, size in enumerate(sizes) if size > limit]
    assert len(refused) <= 3  # what was learned holds for the requests that follow
    assert max(sizes[max(refused) + 1 :]) <= limit


def test_a_refusal_of_one_text_names_it(own: Shell) -> None:
    def filtered(asked: dict[str, Any]) -> Reply:
        text = own.sql("SELECT text FROM texts WHERE entity_id = 'c7'")[0][0]
        return error("content filter") if text in asked["input"] else embedded(asked)

    with served(filtered) as server:
        said = own.fails("embed", own.recipe, *words(server))
        assert len(server.seen) < FIXED + 12
    assert "text 'raw' of entity 'c7': " in said
    assert "refuses the request (400); it says: content filter" in said


def test_dimensions_that_a_server_refuses(own: Shell) -> None:
    def whole(asked: dict[str, Any]) -> Reply:
        refusal = error("Model does not support matryoshka representation, changing output dimensions")
        return refusal if "dimensions" in asked else embedded(asked)

    with served(whole) as server:
        said = own.fails("embed", own.recipe, *words(server, "--dims", 2))
        assert len(server.seen) == FIXED + 1
    assert "--dims 2 with 'bge': leave it out (" in said
    assert "it says: Model does not support matryoshka" in said


@pytest.mark.parametrize(
    ("number", "said"), [(0.0, "gives vectors of zeros"), (1.0, "gives the same vector for different texts")]
)
def test_vectors_that_say_nothing_are_refused(own: Shell, number: float, said: str) -> None:
    with served(lambda asked: reply_of([[number] * 4] * len(asked["input"]))) as server:
        assert said in own.fails("embed", own.recipe, *words(server))
    assert own.sql("SELECT count(*) FROM embeddings") == [(0,)]
