"""Forms asked of servers: one that keeps to them, ones that do not take them, and llama.cpp's own."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")

from llm4es.core.errors import ModelError
from llm4es.enrich import enrich, open_engine
from llm4es.enrich.engine import Request
from llm4es.enrich.form import form_of
from llm4es.enrich.gbnf import PARAMETERS, gbnf
from llm4es.enrich.metered import Cost, Metered
from llm4es.options import Constrain, EngineName, EnrichBy, EnrichOptions
from llm4es.serialize.formats import ParsedHistory, TextFormat, parse

from .scripted import FILMS, raw
from .serving import Reply, chat, error, llama, served

OPTIONS = EnrichOptions(by=EnrichBy.LLM, engine=EngineName.OPENAI, model="m", variants=1, formats=("table",), retries=0)
TABLE = "| Title | Rating | Year |\n| --- | --- | --- |\n" + "".join(f"| {film} |\n" for film in FILMS)


def rewritten(url: str, cost: Cost, **settings: Any) -> list[dict[str, Any]]:
    options = replace(OPTIONS, base_url=url, **settings)
    batches = enrich([raw(FILMS, entity=str(n)) for n in range(3)], options, Metered(open_engine(options), cost))
    return [row for batch in batches for row in batch.to_pylist()]


def test_a_form_in_llama_cpps_notation() -> None:
    history = ParsedHistory(("A",), (('say "hi"', "x")[:1], ("\\\\",)))
    assert gbnf(form_of(history, TextFormat.JSON)) == r'root ::= "[\n{\"A\": \"say \\\"hi\\\"\""'
    free = gbnf(form_of(ParsedHistory(("A",), (("Crime",),)), TextFormat.BULLET_LIST, ["A"]))
    assert free.startswith('root ::= "- A: " [^- 0-9|;:')
    assert free.endswith(']{0,33} ""')


def test_a_server_that_takes_forms_is_asked_for_the_order_alone() -> None:
    def shortest(asked: dict[str, Any]) -> Reply:
        assert asked["structured_outputs"]["regex"].startswith(r"(?:\| ")
        return chat(json.loads('"' + asked["grammar"].rpartition('" | "')[2]))

    with served(shortest) as server:
        cost = Cost()
        rows = rewritten(server.url, cost)
    assert [(row["fidelity"], row["note"], row["n_events"]) for row in rows] == [(1.0, None, 3)] * 3
    assert rows[0]["text"].count("\n") == 5  # a header, a rule, three rows
    assert (cost.formed, cost.in_form) == (3, 3)
    assert "in the form" not in str(cost)


def test_a_server_that_ignores_them_is_checked_and_told() -> None:
    with served(chat(TABLE)) as server:
        cost = Cost()
        rows = rewritten(server.url, cost)
    assert [(row["fidelity"], row["text"]) for row in rows] == [(1.0, TABLE.strip())] * 3
    assert str(cost).endswith("; 3 of 3 answers are not in the form that was asked for")


@pytest.mark.parametrize(
    "words", ["Unrecognized request arguments supplied: grammar, structured_outputs", "failed to parse the schema"]
)
def test_a_server_that_refuses_them_is_asked_plainly(words: str) -> None:
    def answer(asked: dict[str, Any]) -> Reply:
        return error(words) if any(name in asked for name in PARAMETERS) else chat(TABLE)

    with served(answer) as server:
        rows = rewritten(server.url, Cost(), concurrency=1)
        refused = sum(any(name in asked for name in PARAMETERS) for asked in server.seen)
    assert [row["fidelity"] for row in rows] == [1.0] * 3
    assert refused <= 2  # learnt once
    with served(error("no such thing")) as server, pytest.raises(ModelError, match="it says: no such thing"):
        rewritten(server.url, Cost())


def test_off_asks_for_no_form() -> None:
    with served(chat(TABLE)) as server:
        rewritten(server.url, Cost(), constrain=Constrain.OFF)
        assert not any(name in asked for asked in server.seen for name in PARAMETERS)


@pytest.mark.real
def test_llama_cpp_keeps_to_forms() -> None:
    pytest.importorskip("xllamacpp")
    from llm4es.core.cache_folder import cache_dir
    from llm4es.models import resolve
    from llm4es.models.built_in import BUILT_IN

    resolve("smollm2-135m")
    gguf = next(cache_dir().rglob(Path(BUILT_IN["smollm2-135m"].member).name))
    history = parse('Title | Genre | Note\nFargo | Crime | a "b"\nUp | Family | ')
    copied = form_of(history, TextFormat.JSON)
    free = form_of(history, TextFormat.MARKDOWN_TABLE, ["Genre"])
    with llama(gguf) as url:
        engine = open_engine(replace(OPTIONS, base_url=url, max_new_tokens=200))
        answers = engine.answers([Request("Write it as a list.", "Films", 1, form) for form in (copied, free)])
    completed = [form.complete(answer.text) for form, answer in zip((copied, free), answers, strict=True)]
    assert all(completed), answers
    assert completed[0]
    assert completed[0].events == history.events
    assert all(answer.read > 0 and answer.written > 0 for answer in answers)
