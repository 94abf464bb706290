"""What servers of embeddings send back: put in order, or refused in one line."""

import base64
from typing import Any

import numpy as np
import pytest

from llm4es.core.errors import ModelError
from llm4es.embed.embeddings_reply import read_reply

ONE, TWO = [1.0, 0.0], [0.0, 2.0]


def item(index: Any, embedding: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": embedding}


def read(*data: Any, **more: Any) -> np.ndarray:
    return np.asarray(read_reply({"data": list(data), **more}, ["entity 'a'", "entity 'b'"], "http://host/v1").vectors)


def test_the_order_is_that_of_the_index() -> None:
    assert read(item(1, TWO), item(0, ONE)).tolist() == [ONE, TWO]


@pytest.mark.parametrize("first", [{"embedding": ONE}, item(None, ONE)])
@pytest.mark.parametrize("second", [{"embedding": TWO}, item(1, TWO)])
def test_what_has_no_index_stands_where_it_belongs(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert read(first, second).tolist() == [ONE, TWO]


def test_base64_is_read_as_the_openai_client_reads_it() -> None:
    coded = [base64.b64encode(np.array(vector, "<f4").tobytes()).decode() for vector in (ONE, TWO)]
    assert read(item(0, coded[0]), item(1, coded[1])).tolist() == [ONE, TWO]


def test_whole_numbers_are_numbers() -> None:
    assert read(item(0, [1, 0]), item(1, [0, 2])).tolist() == [ONE, TWO]


BAD: dict[str, tuple[list[Any], str]] = {
    "one is missing": ([item(0, ONE)], "gives 1 vectors for 2 texts"),
    "one too many": ([item(0, ONE), item(1, TWO), item(2, TWO)], "gives 3 vectors for 2 texts"),
    "one twice": ([item(0, ONE), item(0, TWO)], "gives a vector of index 0 twice"),
    "beyond the last": ([item(0, ONE), item(2, TWO)], "gives a vector of index 2 for 2 texts"),
    "below the first": ([item(0, ONE), item(-1, TWO)], "gives a vector of index -1 for 2 texts"),
    "one twice, once by its place": ([item(1, ONE), {"embedding": TWO}], "gives a vector of index 1 twice"),
    "no index, one too many": ([{"embedding": ONE}] * 3, "gives 3 vectors for 2 texts"),
    "true is no index": ([item(0, ONE), item(True, TWO)], "gives a vector of index True for 2 texts"),
    "no object": ([item(0, ONE), None], "gives a vector of index None"),
    "NaN": ([item(0, ONE), item(1, [0.0, float("nan")])], "gives for entity 'b' a vector with NaN or infinity"),
    "beyond single precision": ([item(0, ONE), item(1, [0.0, 10**400])], "entity 'b' a vector with NaN or infinity"),
    "null in it": ([item(0, ONE), item(1, [0.0, None])], "gives for entity 'b' what is no list of numbers"),
    "a truth in it": ([item(0, ONE), item(1, [True, False])], "gives for entity 'b' what is no list of numbers"),
    "null": ([item(0, ONE), item(1, None)], "gives for entity 'b' what is no list of numbers"),
    "empty": ([item(0, ONE), item(1, [])], "gives for entity 'b' an empty vector"),
    "empty text": ([item(0, ONE), item(1, "")], "gives for entity 'b' an empty vector"),
    "no base64": ([item(0, ONE), item(1, "tea!")], "gives for entity 'b' a text that is no base64 of float32"),
    "half a number": ([item(0, ONE), item(1, "AAA=")], "gives for entity 'b' a text that is no base64 of float32"),
    "a vector a token": ([item(0, ONE), item(1, [TWO, TWO])], "a vector a token: start the server with a pooling"),
    "two lengths": ([item(0, ONE), item(1, [1.0])], "gives vectors of 1 and of 2 dimensions"),
}


@pytest.mark.parametrize("kind", BAD)
def test_anything_else_is_one_line(kind: str) -> None:
    data, said = BAD[kind]
    with pytest.raises(ModelError) as raised:
        read(*data)
    assert said in str(raised.value)
    assert str(raised.value).startswith("http://host/v1 ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("reply", [{}, {"data": None}, {"data": {"embedding": ONE}}, {"choices": []}, {"stream": []}])
def test_no_vectors_at_all(reply: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="answers without vectors: is it a server of embeddings"):
        read_reply(reply, ["entity 'a'"], "http://host/v1")


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"prompt_tokens": 7}, 7), ({"total_tokens": 8}, 8), ({"prompt_tokens": 0}, None), (None, None), ("many", None)],
)
def test_tokens_are_as_the_server_counts_them(usage: Any, tokens: int | None) -> None:
    reply = {"data": [item(0, ONE)], "usage": usage, "model": "bge"}
    found = read_reply(reply, ["entity 'a'"], "http://host/v1")
    assert (found.n_tokens, found.served_by) == (tokens, "bge")


@pytest.mark.parametrize(
    ("model", "served_by"), [("/home/ann/bge.gguf", "bge.gguf"), ("BAAI/bge-m3", "BAAI/bge-m3"), (None, "")]
)
def test_who_serves_is_named_without_a_folder(model: Any, served_by: str) -> None:
    reply = {"data": [item(0, ONE)], "model": model}
    assert read_reply(reply, ["entity 'a'"], "http://host/v1").served_by == served_by
