"""Answers from a server: what it is asked with, what it may answer, when the run ends; and llama.cpp's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from llm4es.enrich import open_engine
from llm4es.enrich.engine import Answer, Request
from llm4es.enrich.form import form_of
from llm4es.enrich.gbnf import form_parameters
from llm4es.options import EngineName, EnrichBy, EnrichOptions
from llm4es.serialize.formats import ParsedHistory, TextFormat

from .serving import Answering, Reply, Served, chat, error, gguf, llama, served

pytest.importorskip("openai")

ONE = Request("s", "one", 1)
Serve = Callable[..., tuple[EnrichOptions, Served]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server with its replies; gives options that reach it, and what it sees."""
    monkeypatch.setattr("llm4es.servers.server.TRIES", 2)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123")
    with ExitStack() as stack:

        def start(*replies: Reply | Answering, **settings: Any) -> tuple[EnrichOptions, Served]:
            server = stack.enter_context(served(*replies))
            words: dict[str, Any] = {"model": "m", "base_url": server.url, "concurrency": 2, **settings}
            return EnrichOptions(by=EnrichBy.LLM, engine=EngineName.OPENAI, **words), server

        yield start


def upper(asked: dict[str, Any]) -> Reply:
    return chat(asked["messages"][1]["content"].upper())


def said(reply: Reply, serve: Serve) -> Answer:
    (answer,) = open_engine(serve(reply)[0]).answers([ONE])
    return answer


def test_a_server_is_asked_with_everything_that_decides_the_answer(serve: Serve) -> None:
    options, server = serve(upper)
    answers = open_engine(options).answers([ONE, Request("s", "two", 2)])
    assert [(answer.text, answer.finished, answer.served_by) for answer in answers] == [
        ("ONE", True, "m"),
        ("TWO", True, "m"),
    ]
    by_seed = sorted(server.seen, key=lambda body: body["seed"])
    assert {name: by_seed[1][name] for name in ("model", "seed", "temperature", "top_p", "max_tokens", "key")} == {
        "model": "m", "seed": 2, "temperature": 0.6, "top_p": 0.9, "max_tokens": 512, "key": "Bearer sk-secret-0123",
    }  # fmt: skip


THINKING = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "tea"}]
PARTS = ["te", {"type": "output_text", "text": "a"}, {"type": "reasoning", "text": "hm"}, {"type": "image_url"}]
STREAM = "".join(
    f'data: {{"model": "m", "choices": [{{"delta": {{"content": "{piece}"}}, "finish_reason": {end}}}]}}\n\n'
    for piece, end in (("te", "null"), ("a", '"stop"'))
)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (chat("tea"), Answer("tea", True, served_by="m")),
        (chat("te", "length"), Answer("te", False, served_by="m")),
        (chat(None, "length", reasoning_content="long"), Answer("", False, served_by="m")),
        (chat(THINKING), Answer("tea", True, served_by="m")),
        (chat(PARTS), Answer("tea", True, served_by="m")),
        (chat(None), Answer("", True, served_by="m")),
        (chat("no", "content_filter"), Answer("no", False, "cut off by the server's content filter", served_by="m")),
        (chat(None, refusal="I will\nnot"), Answer("", True, "the model declined: I will not", served_by="m")),
        (
            chat(None, "tool_calls", tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]),
            Answer("", True, "the model called a tool in place of an answer", served_by="m"),
        ),
        (Reply({"choices": [{"text": "tea", "finish_reason": "stop"}]}), Answer("tea", True)),
        (Reply({"choices": ["tea"]}), Answer("", True)),
        (Reply(STREAM), Answer("tea", True, served_by="m")),
        (Reply(f": ping\n\n{STREAM}"), Answer("tea", True, served_by="m")),
        (Reply(STREAM.partition("\n")[0] + "\n\ndata: [DONE]"), Answer("te", True, served_by="m")),
        (chat({"type": "text", "text": "tea"}), Answer("tea", True, served_by="m")),
        (chat("te", "LENGTH"), Answer("te", False, served_by="m")),
        (chat(None, "model_length"), Answer("", False, served_by="m")),
        (chat("", reasoning="long"), Answer("", True, "thinking alone, and no answer", served_by="m")),
        (chat("tea", model="/home/ann/m.gguf"), Answer("tea", True, served_by="m.gguf")),
        (chat("tea", model="m of sk-secret-0123"), Answer("tea", True, served_by="m of [key]")),
        (
            Reply({"choices": [{"index": 1, "text": "milk"}, None, {"index": 0, "text": "tea"}], "error": {"code": 0}}),
            Answer("tea", True),
        ),
        (
            Reply({"choices": [{"message": {"content": "tea"}}], "model": "m", "system_fingerprint": "fp_1"}),
            Answer("tea", True, served_by="m fp_1"),
        ),
    ],
)
def test_what_servers_answer(reply: Reply, answer: Answer, serve: Serve) -> None:
    assert said(reply, serve) == answer


@pytest.mark.parametrize("body", [{"choices": []}, {"choices": None}, {}, {"choices": {}}])
def test_an_answer_without_a_choice_is_none(body: dict[str, Any], serve: Serve) -> None:
    answer = said(Reply(body), serve)
    assert answer.unanswered is not None
    assert answer.unanswered.endswith("/v1 answers with no choice")
    assert answer.failure is None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (chat("te", "error"), "broke off its answer (error)"),
        (chat("", "insufficient_system_resource"), "broke off its answer (insufficient_system_resource)"),
        (Reply(STREAM.partition("\n")[0] + "\n\n"), "broke off its answer"),
        (
            Reply(STREAM.partition("\n")[0] + '\n\nevent: error\ndata: {"message": "upstream died"}\n\n'),
            "broke off its answer; it says: upstream died",
        ),
        (Reply({"detail": "Not Found"}), "answers with no choice; it says: Not Found"),
        (Reply({"error_code": 17, "error_msg": "daily limit"}), "answers with no choice; it says: daily limit"),
    ],
)
def test_what_a_server_did_not_bring_to_its_end_is_no_answer(reply: Reply, words: str, serve: Serve) -> None:
    answer = said(reply, serve)
    assert answer.unanswered is not None
    assert answer.unanswered.endswith(f"/v1 {words}")


def test_a_question_that_is_too_long_ends_nothing(serve: Serve) -> None:
    def at_most_three(asked: dict[str, Any]) -> Reply:
        fits = len(asked["messages"][1]["content"]) <= 3
        return upper(asked) if fits else error("too big", code="context_length_exceeded")

    options, _ = serve(at_most_three)
    answers = open_engine(options).answers([Request("s", "longer", 1), ONE])
    assert answers[0].too_long is not None
    assert answers[0].too_long.endswith("finds the request too long; it says: too big")
    assert answers[1].text == "ONE"


def test_a_refusal_ends_the_run_and_keeps_what_was_answered(serve: Serve) -> None:
    options, server = serve(chat("tea"), error("not today", 400), concurrency=1)
    first, second, third = open_engine(options).answers([ONE, ONE, ONE])
    assert first.text == "tea"
    for answer in (second, third):
        assert str(answer.failure).endswith("refuses the request (400); it says: not today")
    assert len(server.seen) == 2


FILTERED = error("The response was filtered due to Azure's content management policy.", code="content_filter")


@pytest.mark.parametrize(
    "refusal",
    [
        FILTERED,
        error("Input text data may contain inappropriate content.", code="data_inspection_failed"),
        error("Your input was flagged: it requires moderation", 403),
        error("unsupported: rejected by our safety system, not seed", param="seed"),
    ],
)
def test_a_question_whose_words_are_refused_ends_nothing(refusal: Reply, serve: Serve) -> None:
    def filtering(asked: dict[str, Any]) -> Reply:
        return refusal if asked["messages"][1]["content"] == "rude" else upper(asked)

    options, server = serve(filtering, concurrency=1)
    form = form_of(ParsedHistory(("Item",), (("tea",),)), TextFormat.MARKDOWN_TABLE, (), "")
    engine = open_engine(options)
    first, second, third = engine.answers([ONE, Request("s", "rude", 1, form), Request("s", "two", 2, form)])
    assert (first.text, second.text, third.text) == ("ONE", "", "TWO")
    assert second.failure is None
    assert second.unanswered is not None
    assert "refuses the request (40" in second.unanswered
    assert third.without == ()
    assert server.seen[-1].keys() >= {"seed", *form_parameters(form)}  # nothing was learned of the server
    assert len(server.seen) == 3


UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."


def test_a_bound_under_its_newer_name(serve: Serve) -> None:
    message = UNSUPPORTED.format("max_tokens") + " Use 'max_completion_tokens' instead."
    options, server = serve(error(message, code="unsupported_parameter", param="max_tokens"), upper)
    engine = open_engine(options)
    assert [engine.answers([ONE])[0].text, engine.answers([ONE])[0].without] == ["ONE", ()]
    bounds = [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in server.seen]
    assert bounds == [(512, None), (None, 512), (None, 512)]  # asked once, then known


def test_parameters_that_a_model_does_not_take(serve: Serve) -> None:
    options, server = serve(
        error("Unsupported value: 'temperature' does not support 0.6 with this model.", param="temperature"),
        error(UNSUPPORTED.format("top_p")),
        Reply({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted: seed"}]}, 422),
        upper,
    )
    (answer,) = open_engine(options).answers([ONE])
    assert (answer.text, answer.without) == ("ONE", ("temperature", "top_p", "seed"))
    assert not {"temperature", "top_p", "seed"} & server.seen[-1].keys()


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 512",  # a bound is never left out
        UNSUPPORTED.format("messages"),
        "the temperature in the kitchen is high",
    ],
)
def test_other_refusals_are_final(message: str, serve: Serve) -> None:
    options, server = serve(error(message))
    (answer,) = open_engine(options).answers([ONE])
    assert str(answer.failure).endswith(message)
    assert len(server.seen) == 1


def test_a_bound_that_is_refused_under_both_names(serve: Serve) -> None:
    options, server = serve(error(UNSUPPORTED.format("max_tokens")), error("Unknown: max_completion_tokens"))
    (answer,) = open_engine(options).answers([ONE])
    assert str(answer.failure).endswith("it says: Unknown: max_completion_tokens")
    assert len(server.seen) == 2


@pytest.mark.real
def test_a_real_server() -> None:
    """llama.cpp's own server with the built-in model's GGUF, in a process of its own."""
    pytest.importorskip("xllamacpp")
    with llama(gguf()) as address:
        options = EnrichOptions(
            by=EnrichBy.LLM, engine=EngineName.OPENAI, base_url=address, max_new_tokens=12, concurrency=2
        )
        requests = [Request("You are brief.", f"Name {number} colours.", 1) for number in (2, 3, 2)]
        answers = open_engine(options).answers(requests)
        assert all(answer.text and answer.refusal is None and answer.served_by for answer in answers)
        (too_long,) = open_engine(options).answers([Request("You are brief.", "colour " * 9000, 1)])
        assert too_long.too_long is not None
        assert "finds the request too long; it says: " in too_long.too_long
