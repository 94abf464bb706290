"""What a server takes: so many texts a request, so many dimensions, and vectors that say something of their text."""

import re
from typing import Any

import numpy as np
import pytest

from llm4es.embed.drift import TEXTS

from .embeddings import FIXED, embedded, of_width, reply_of, vector_of, words
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


@pytest.mark.parametrize(
    ("refusal", "complaint", "hint"),
    [
        ("content filter", "has no vector: http.* refuses the request (400); ", "the next run asks for these alone"),
        ("strange words", "has no vector: http.* refuses the request (400); ", "the next run asks for these alone"),
        (
            "Input length 583 exceeds maximum allowed token size 512",
            "is too long: http.* finds the request too long; ",
            "lower --max-length, now 512 estimated tokens (all are then asked for anew), or raise what the server",
        ),
    ],
)
def test_a_refusal_of_one_text_names_it_and_the_others_are_embedded(
    own: Shell, refusal: str, complaint: str, hint: str
) -> None:
    ((text,),) = own.sql("SELECT text FROM texts WHERE entity_id = 'c0'")

    def filtered(asked: dict[str, Any]) -> Reply:
        return error(refusal) if text in asked["input"] else embedded(asked)

    message = f"a text of entity 'c0' {complaint}it says: {refusal}: the others are embedded; {hint}"
    with served(filtered) as server:
        said = own.fails("embed", own.recipe, *words(server))
        assert len(server.seen) < FIXED + 12
        assert re.search(re.escape(message).replace(r"http\.\*", "http.*"), said)
        assert own.sql("SELECT count(*) FROM embeddings WHERE entity_id <> 'c0'") == [(19,)]
        before = len(server.seen)
        own.fails("embed", own.recipe, *words(server))
        assert [asked["input"] for asked in server.seen[before + FIXED :]] == [[text]]
    assert own.sql("SELECT count(*) FROM embeddings") == [(19,)]


def test_a_server_that_refuses_every_text_is_not_asked_for_all(own: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.embed.endpoint.IN_A_ROW", 5)
    one_by_one = ("--dims", 4, "--batch-inputs", 1, "--concurrency", 1)

    def refusing(asked: dict[str, Any]) -> Reply:
        return error("not so short") if "dimensions" in asked else embedded(asked)

    with served(refusing) as server:
        said = own.fails("embed", own.recipe, *words(server, *one_by_one))
        assert [asked["input"] for asked in server.seen[-1:]] == [[TEXTS["prose"]]]
        assert len(server.seen) == FIXED - 1 + 5 + 1
    assert "refuses the request (400); it says: not so short" in said
    assert "the others are embedded" not in said
    refused = {text for (text,) in own.sql("SELECT text FROM texts ORDER BY entity_id LIMIT 12")}

    def filtering(asked: dict[str, Any]) -> Reply:
        return error("strange words") if refused & {*asked["input"]} else embedded(asked)

    with served(filtering) as server:  # many in a row: a fixed text is answered between them, and the others are asked
        said = own.fails("embed", own.recipe, *words(server, *one_by_one))
        assert [text for asked in server.seen for text in asked["input"]].count(TEXTS["prose"]) == 1 + 2
    assert "and 11 others: the others are embedded; the next run asks for these alone" in said
    assert own.sql("SELECT count(*) FROM embeddings") == [(8,)]


def test_an_answered_half_is_kept_where_texts_of_the_other_are_refused(own: Shell) -> None:
    last = {text for (text,) in own.sql("SELECT text FROM texts ORDER BY entity_id DESC LIMIT 2")}

    def filtered(asked: dict[str, Any]) -> Reply:
        return error("strange words") if last & {*asked["input"]} else embedded(asked)

    with served(filtered) as server:
        own.fails("embed", own.recipe, *words(server))
    assert own.sql("SELECT count(*) FROM embeddings") == [(18,)]


def short(asked: dict[str, Any]) -> Reply:
    """A server that cuts, and leaves the length to others."""
    return reply_of([vector_of(text)[: asked.get("dimensions")] for text in asked["input"]])


@pytest.mark.parametrize("server_cuts", [True, False])
def test_the_mean_of_short_vectors_has_length_1(own: Shell, server_cuts: bool) -> None:
    more = ("--max-length", 30, "--history", "full")
    with served(short if server_cuts else embedded) as server:
        own.stage("embed", *words(server, "--dims", 4, *more))
    rows = own.sql("SELECT vector, n_windows FROM embeddings")
    assert max(n_windows for _, n_windows in rows) > 1
    for vector, _ in rows:
        assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-5)


def test_the_mean_of_short_variants_has_length_1(own: Shell) -> None:
    own.stage("enrich", "--by", "rules", "--formats", "bullet_list")
    with served(embedded) as server:
        own.stage("embed", *words(server, "--dims", 4, "--texts", "all"))
    for (vector,) in own.sql("SELECT vector FROM embeddings"):
        assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-5)


def test_another_model_of_as_many_numbers_as_dims_asks_for_is_refused(own: Shell) -> None:
    five = ("--batch-inputs", 5, "--concurrency", 1, "--dims", 4)
    with served(*[embedded] * (FIXED + 1), of_width(4)) as server:
        said = own.fails("embed", own.recipe, *words(server, *five))
    assert "gives vectors of 4 dimensions where it has given 8 to --dims 4: it serves another model than 'bge'" in said
    assert own.sql("SELECT count(*) FROM embeddings") == [(5,)]


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
