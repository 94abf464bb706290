"""Servers of the OpenAI protocol: answers that are bounded, failures in the server's own words, keys that stay here."""

import gzip
import json
import subprocess
import sys
import time
from typing import Any

import pytest

from llm4es.core.errors import ModelError, OptionError
from llm4es.servers import open_server, server_address
from llm4es.servers.failures import FailureKind, ServerError
from llm4es.servers.key import blotted, read_key

from .serving import Reply, chat, error, served

pytest.importorskip("openai")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "verysecret")
    monkeypatch.setattr("llm4es.servers.server.TRIES", 2)


def ask(reply: Reply, timeout: float = 20.0, max_bytes: int = 1 << 20) -> tuple[dict[str, Any], int]:
    """The answer, and how often the server was asked."""
    with served(reply) as server:
        answer = open_server(server.url, timeout, max_bytes).post("/chat/completions", {"model": "m"})
        return answer, len(server.seen)


def failing(reply: Reply, timeout: float = 20.0, max_bytes: int = 1 << 20) -> tuple[ServerError, int]:
    with served(reply) as server:
        with pytest.raises(ServerError) as caught:
            open_server(server.url, timeout, max_bytes).post("/chat/completions", {"model": "m"})
        assert "verysecret" not in str(caught.value)
        assert "\n" not in str(caught.value)
        return caught.value, len(server.seen)


def test_what_is_sent_and_what_comes_back() -> None:
    with served(chat("tea")) as server:
        answer = open_server(server.url).post("/chat/completions", {"model": "m", "seed": 1})
    assert answer["choices"][0]["message"]["content"] == "tea"
    assert server.seen == [{"model": "m", "seed": 1, "key": "Bearer verysecret", "path": "/v1/chat/completions"}]


QUOTA = error("You exceeded your current quota.", 429, type="insufficient_quota")


@pytest.mark.parametrize(
    ("reply", "kind", "message", "asked"),
    [
        (error("Bad value"), "refused", r"refuses the request \(400\); it says: Bad value$", 1),
        (error("No credit", 402), "unusable", "there is no credit left; it says: No credit$", 1),
        (QUOTA, "unusable", "there is no credit left; it says: You exceeded your current quota", 1),
        (error("Slow down", 429), "unusable", "has too much to do: lower --concurrency.*; it says: Slow down", 3),
        (error("who?", 401), "unusable", r"refuses the key: set \$OPENAI_API_KEY", 1),
        (error("no m", 404), "unusable", "has no model 'm': check --model and --base-url; it says: no m", 1),
        (error("no embeddings", 501), "unusable", "fails with status 501.*; it says: no embeddings", 1),
        (error("Input length 583 exceeds maximum allowed token size 512"), "too long", "says: Input length 583", 1),
        (error("it exceeds the maximum input length"), "too long", "too long; it says: it exceeds", 1),
        (error("number of tokens exceeds 512"), "too long", "too long; it says: number of tokens", 1),
        (error("flagged by moderation", 403), "refused", r"refuses the request \(403\); it says: flagged", 1),
        (error("boom", 503), "unusable", "fails with status 503: look at the server; it says: boom", 3),
        (error("late", 408), "unusable", "fails with status 408: look at the server; it says: late", 3),
        (error("", 413), "too long", "finds the request too long$", 1),
        (error("This model's maximum context length is 4096 tokens"), "too long", "too long; it says: This model", 1),
        (error("no", type="exceed_context_size_error"), "too long", "finds the request too long; it says: no", 1),
        (error("'max_tokens' is too large: 9. The maximum context length is 8"), "refused", "it says: 'max_tokens'", 1),
        (Reply({"detail": [{"msg": "field required"}]}, 422), "refused", r"\(422\); it says: field required", 1),
        (Reply({"error": "plain words"}, 400), "refused", "it says: plain words", 1),
        (Reply({"choices": None, "error": {"message": "busy", "code": 429}}), "unusable", "says: busy", 3),
        (Reply({"error": {"message": "odd"}}), "refused", r"\(200\); it says: odd", 1),
        (Reply("<html><style>a</style><b>Log in</b></html>"), "unusable", "a web page: set --base-url.* Log in$", 1),
        (Reply("<h1>Bad gateway</h1>", 502), "unusable", "status 502: look at the server; it says: Bad gateway", 3),
        (Reply('{"choices": [{"ind'), "unusable", "answers with what is no JSON", 1),
        (Reply("[" * 100_000), "unusable", "answers with what is no JSON", 1),
        (Reply({"choices": [{"error": {"message": "busy", "code": "429"}}]}), "unusable", "says: busy", 3),
        (Reply({"object": "error", "message": "not yet", "code": 40}), "refused", r"\(200\); it says: not yet$", 1),
        (Reply({"error": True, "message": "odd"}), "refused", r"\(200\); it says: odd", 1),
        (Reply([{"error": {"message": "odd"}}]), "refused", r"\(200\); it says: odd", 1),
        (Reply({"error": "`inputs` must have less than 9 tokens"}, 422), "too long", "says: `inputs` must", 1),
        (Reply("<script>" + "a" * 30_000 + "</script>Wait", 403), "unusable", r"\(403\); it says: Wait$", 1),
        (Reply('{"choices": [{"text": "private"}]}{}'), "unusable", "what is no JSON: look at the server$", 1),
        (Reply("[1]"), "unusable", "answers with no JSON object", 1),
        (Reply(b"\xff\xfe"), "unusable", "answers with what is no JSON", 1),
        (error("x" * 5000), "refused", "it says: x{200,299}…$", 1),
        (error("a\nb\x1b[31m"), "refused", r"it says: a b\\x1b\[31m$", 1),
        (error("key verysecret of sk-abcdefgh12 and ab***yz"), "refused", r"key \[key\] of \[key\] and \[key\]$", 1),
    ],
)
def test_why_there_is_no_answer(reply: Reply, kind: str, message: str, asked: int) -> None:
    failure, times = failing(reply)
    assert failure.kind is FailureKind(kind)
    assert times == asked
    with pytest.raises(ModelError, match=message):
        raise failure


def test_a_server_that_is_busy_for_a_moment() -> None:
    with served(error("busy", 429), error("boom", 500), chat("tea")) as server:
        assert open_server(server.url).post("/chat/completions", {})["choices"]
        assert len(server.seen) == 3


def test_an_answer_has_a_bound_however_it_is_packed() -> None:
    many = b" " * (3 << 20)
    for reply in (Reply(many), Reply(gzip.compress(many), headers={"Content-Encoding": "gzip"})):
        failure, times = failing(reply)
        assert "gives an answer of more than 1 MB: lower --max-new-tokens (embed: --batch-inputs)" in str(failure)
        assert times == 1


def test_an_answer_that_stops_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.servers.bounded.STALL", 0.3)
    began = time.monotonic()
    failure, times = failing(Reply({"a": 1}, pause=60.0))
    assert "gives an answer that stops in the middle, after 4 bytes" in str(failure)
    assert times == 1
    assert time.monotonic() - began < 30


def test_a_server_is_waited_for_as_long_as_was_said() -> None:
    for seconds in (5.0, 7.0):  # 5 is what httpx has where nobody says anything
        client = open_server("http://127.0.0.1:9/v1", seconds)._client
        assert client.timeout == client._client.timeout
        assert client._client.timeout.read == seconds


def test_a_question_goes_nowhere_else() -> None:
    with served(chat("tea")) as other:
        failure, _ = failing(Reply("", 307, {"Location": f"{other.url}/chat/completions"}))
        assert other.seen == []
    assert "sends the request elsewhere (307): set --base-url" in str(failure)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le", "latin-1"])
def test_an_answer_in_another_encoding(encoding: str) -> None:
    headers = {"Content-Type": f"application/json; charset={encoding}"} if encoding == "latin-1" else {}
    answer, _ = ask(Reply(json.dumps({"a": "café"}, ensure_ascii=False).encode(encoding), headers=headers))
    assert answer == {"a": "café"}


def test_halves_of_surrogate_pairs_become_text() -> None:
    answer, _ = ask(Reply('{"a": "\\ud83d!", "b": "\\ud83d\\ude00"}'))
    assert answer == {"a": "\N{REPLACEMENT CHARACTER}!", "b": "\N{GRINNING FACE}"}


def test_a_stream_that_nobody_asked_for() -> None:
    pieces = ["tea ", "milk"]
    lines = [f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n" for piece in pieces]
    answer, _ = ask(Reply("".join(lines) + "data: [DONE]\n\n", headers={"Content-Type": "text/event-stream"}))
    assert [piece["choices"][0]["delta"]["content"] for piece in answer["stream"]] == pieces


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.servers.server.TRIES", 0)
    with pytest.raises(ModelError, match=r"cannot reach http://127.0.0.1:9/v1: start the server, or mend --base-url"):
        open_server("http://127.0.0.1:9/v1").post("/chat/completions", {})


def test_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(ModelError, match=r"--engine openai needs the client: pip install 'llm4es\[openai\]'"):
        open_server("http://127.0.0.1:9/v1")


def test_rewriting_without_the_client_is_one_line() -> None:
    """In a process that has imported nothing yet: what is imported already hides what an import lacks."""
    words = "engine='openai', by='llm', model='m', base_url='http://127.0.0.1:9/v1'"
    script = f"""import sys; sys.modules["openai"] = None
from llm4es.enrich import open_engine
from llm4es.options import EnrichOptions
open_engine(EnrichOptions.of({words}))"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("--engine openai needs the client: pip install 'llm4es[openai]'")


@pytest.mark.parametrize("key", ["abc\n", "  abc\r\n", "abc", '"abc"', "' abc'\n"])
def test_a_key_read_from_a_file(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    assert read_key() == "abc"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OPENAI_ORG_ID", "\u00f6rg", r"\$OPENAI_ORG_ID holds signs that no request can carry"),
        ("ALL_PROXY", "ftp://ann:verysecret@host:9", r"mend .*\$ALL_PROXY.* \(Unknown scheme"),
        ("SSL_CERT_FILE", "/nowhere.pem", r"as the environment says: mend .*\$SSL_CERT_FILE"),
    ],
)
def test_an_environment_that_does_not_work(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelError, match=message) as caught:
        open_server("http://127.0.0.1:9/v1")
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("host", ["a..b", "256.256.256.256", "a" * 70])
def test_a_name_that_no_machine_has(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.servers.server.TRIES", 0)
    with pytest.raises(ModelError, match="cannot reach http://"):
        open_server(f"http://{host}/v1").post("/chat/completions", {})


@pytest.mark.parametrize("key", ["ab\ncd", "ab cd", "schlüssel", "ab\tcd"])
def test_a_key_that_cannot_be_sent(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ModelError, match=r"the key in \$OPENAI_API_KEY holds white space or signs") as caught:
        open_server("http://127.0.0.1:9/v1")
    assert key not in str(caught.value)


def test_no_key_is_no_secret() -> None:
    assert blotted("there is none", "none") == "there is none"


def test_the_address_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert str(server_address()) == "https://api.openai.com/v1 (by default)"
    assert str(server_address("  ")) == "https://api.openai.com/v1 (by default)"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://host:8000/v1\n")
    assert str(server_address()) == "http://host:8000/v1 ($OPENAI_BASE_URL)"
    assert str(server_address(" \n")) == "http://host:8000/v1 ($OPENAI_BASE_URL)"
    for path in ("", "/chat/completions", "/embeddings/"):
        assert str(server_address(f"http://here/v1{path}")) == "http://here/v1 (--base-url)"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://host/v1?key=verysecret")
    with pytest.raises(OptionError, match=r"\$OPENAI_BASE_URL has a query") as caught:
        server_address()
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("address", ["host/v1", "ftp://host", "http://", "http://host:port", "http://[::1", "a b"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(OptionError, match=r"--base-url .* is no server's address: give one"):
        server_address(address)
