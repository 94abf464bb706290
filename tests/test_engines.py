"""Engines: rows that do not depend on their batch, a server that fails in every way, and a real one."""

import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationMixin
from transformers.modeling_outputs import CausalLMOutput

from llm4es.core.errors import ModelError
from llm4es.enrich.engine import Answer, Request
from llm4es.enrich.engine_transformers import TOO_LONG, SeededSampling, TransformersEngine
from llm4es.enrich.open_engine import open_engine
from llm4es.models import StoredModel, resolve
from llm4es.options import Device, EngineName, EnrichBy, EnrichOptions, LoadOptions

from .tiny import CountingConfig, CountingLM, byte_tokenizer, counting, network, save

OPTIONS = EnrichOptions(by=EnrichBy.LLM, max_new_tokens=6, batch_size=3)
REQUESTS = [Request("be brief", "tea " * length, seed) for seed, length in enumerate((3, 20, 1, 7, 2))]


@pytest.fixture(scope="module")
def loaded() -> Any:
    made = counting(byte_tokenizer(bos=True))
    return replace(made, network=network("llama"), ref=replace(made.ref, context=256))


class TableLM(CountingLM, GenerationMixin):
    """Scores that are looked up by the last token, and so the same to the bit in any batch."""

    def forward(self, input_ids: torch.Tensor, **_: Any) -> CausalLMOutput:
        scores = torch.randn(258, 258, generator=torch.Generator().manual_seed(0))  # (V, V)
        return CausalLMOutput(logits=scores[input_ids])  # (B, T, V)


@pytest.fixture(scope="module")
def exact(loaded: Any) -> Any:
    return replace(loaded, network=TableLM(CountingConfig(vocab_size=258)))


def test_answers_do_not_depend_on_the_batch(exact: Any) -> None:
    together = TransformersEngine(exact, OPTIONS).answers(REQUESTS)
    alone = TransformersEngine(exact, replace(OPTIONS, batch_size=1))
    assert together == [alone.answers([request])[0] for request in REQUESTS]
    assert len({answer.text for answer in together}) > 1


def test_padding_moves_no_score(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first token after each question; which token is drawn from scores may hang on their last bits."""
    seen: dict[int, torch.Tensor] = {}
    draw = SeededSampling.__call__

    def look(self: SeededSampling, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for generator, row in zip(self.generators, scores, strict=True):
            seen.setdefault(generator.initial_seed(), row.clone())
        return draw(self, input_ids, scores)

    monkeypatch.setattr(SeededSampling, "__call__", look)
    TransformersEngine(loaded, OPTIONS).answers(REQUESTS)
    together = dict(seen)
    seen.clear()
    TransformersEngine(loaded, replace(OPTIONS, batch_size=1)).answers(REQUESTS)
    assert seen.keys() == together.keys() == {request.seed for request in REQUESTS}
    for seed, scores in seen.items():
        torch.testing.assert_close(together[seed], scores, rtol=1e-4, atol=1e-5)


def test_a_question_longer_than_the_model_reads_is_refused_and_the_others_answered(loaded: Any) -> None:
    engine = TransformersEngine(loaded, OPTIONS)
    answers = engine.answers([Request("s", "tea " * 400, 1), REQUESTS[0]])
    assert answers == [Answer("", finished=True, refusal=TOO_LONG), *engine.answers([REQUESTS[0]])]


def test_sampling_is_seeded(exact: Any) -> None:
    engine = TransformersEngine(exact, OPTIONS)
    same = [Request("a", "b", 1), Request("a", "b", 1), Request("a", "b", 2)]
    first, again, other = engine.answers(same)
    assert first == again != other
    greedy = TransformersEngine(exact, replace(OPTIONS, temperature=0.0)).answers(same)
    assert greedy[0] == greedy[2]


def test_draws_follow_the_nucleus() -> None:
    """Probabilities 0.5, 0.3, 0.2 and top_p 0.6: the third is never drawn, the others 5 to 3."""
    count = 4000
    scores = torch.log(torch.tensor([[0.2, 0.5, 0.3]])).expand(count, 3)  # (B, V)
    drawn = SeededSampling(range(count), 1.0, 0.6)(torch.empty(0), scores).argmax(-1)  # (B)
    shares = [(drawn == token).float().mean().item() for token in range(3)]
    assert shares[0] == 0.0
    assert shares[1] == pytest.approx(5 / 8, abs=0.04)  # five standard deviations of 4000 draws


def test_a_cold_model_takes_the_likeliest() -> None:
    scores = torch.tensor([[0.0, 1.0, 0.5]] * 20)  # (B, V)
    drawn = SeededSampling(range(20), 0.01, 1.0)(torch.empty(0), scores).argmax(-1)  # (B)
    assert set(drawn.tolist()) == {1}


def test_a_model_of_the_store_answers(tmp_path: Path) -> None:
    """A name that only the caller's store knows: the engine is given what was found, and looks nothing up again."""
    folder = save(tmp_path / "weights", bos=True)
    model = resolve("mine", {"mine": StoredModel("mine", folder, "full", "smollm2-135m")})
    options = replace(OPTIONS, model="mine")
    engine = open_engine(options, LoadOptions(device=Device.CPU), model)
    assert engine.name == "mine"
    plain: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokens = torch.tensor([byte_tokenizer(bos=True)("be brief\n\ntea \n\n")["input_ids"]])
    words = plain.generate(tokens, max_new_tokens=6, do_sample=False, pad_token_id=257)[0, tokens.shape[1] :]
    cold = open_engine(replace(options, temperature=0.0), LoadOptions(device=Device.CPU), model)
    (answer,) = cold.answers([Request("be brief", "tea ", 0)])
    assert answer.text == byte_tokenizer().decode(words, skip_special_tokens=True)
    with pytest.raises(
        ModelError, match=r"engine 'transformers' was given no model: hand it what `models\.resolve` finds"
    ):
        open_engine(options)


class Server(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next status of ``plan``; the last one stays."""

    plan: list[int]
    seen: list[dict[str, Any]]
    reason = "stop"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(body | {"key": self.headers["Authorization"]})
        status = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
        said = {"error": {"message": "no"}}
        if status == 200:
            words = {"role": "assistant", "content": body["messages"][1]["content"].upper()}
            choice = {"index": 0, "message": words, "finish_reason": self.reason}
            said = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}  # type: ignore[dict-item]
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


Serve = Callable[..., tuple[EnrichOptions, list[dict[str, Any]]]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server with a plan of statuses; gives options that reach it, and what it sees."""
    pytest.importorskip("openai")
    monkeypatch.setattr("llm4es.enrich.engine_openai.TRIES", 2)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    servers = []

    def start(plan: list[int], finish: str = "stop") -> tuple[EnrichOptions, list[dict[str, Any]]]:
        handler = type("Planned", (Server,), {"plan": plan, "seen": [], "reason": finish})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        address = f"http://127.0.0.1:{server.server_port}/v1"
        options = EnrichOptions(by=EnrichBy.LLM, engine=EngineName.OPENAI, model="m", base_url=address, concurrency=2)
        return options, handler.seen  # type: ignore[attr-defined]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_server_is_asked_with_everything_that_decides_the_answer(serve: Serve) -> None:
    options, seen = serve([200])
    answers = open_engine(options).answers([Request("s", "one", 1), Request("s", "two", 2)])
    assert answers == [Answer("ONE", finished=True), Answer("TWO", finished=True)]
    by_seed = sorted(seen, key=lambda body: body["seed"])
    assert {name: by_seed[1][name] for name in ("model", "seed", "temperature", "top_p", "max_tokens", "key")} == {
        "model": "m", "seed": 2, "temperature": 0.6, "top_p": 0.9, "max_tokens": 512, "key": "Bearer sk-secret",
    }  # fmt: skip


def test_too_many_requests_are_sent_again(serve: Serve) -> None:
    options, seen = serve([429, 500, 200])
    assert open_engine(options).answers([Request("s", "one", 1)]) == [Answer("ONE", finished=True)]
    assert len(seen) == 3


def test_an_answer_that_was_cut_off(serve: Serve) -> None:
    options, _ = serve([200], finish="length")
    assert open_engine(options).answers([Request("s", "one", 1)]) == [Answer("ONE", finished=False)]


def test_a_request_that_is_refused_is_no_error(serve: Serve) -> None:
    options, _ = serve([400])
    (answer,) = open_engine(options).answers([Request("s", "one", 1)])
    assert answer.refusal == "the server refused the request (400)"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"refuses the key: set \$OPENAI_API_KEY"),
        (404, r"has no model 'm': check --model and --base-url"),
        (429, r"has too much to do: lower --concurrency"),
        (500, r"fails with status 500: look at the server"),
    ],
)
def test_a_server_that_cannot_be_used(serve: Serve, status: int, message: str) -> None:
    options, _ = serve([status])
    with pytest.raises(ModelError, match=message) as caught:
        open_engine(options).answers([Request("s", "one", 1)])
    assert "sk-secret" not in str(caught.value)


def test_no_server_and_no_client(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    options = EnrichOptions(by=EnrichBy.LLM, engine=EngineName.OPENAI, base_url="http://127.0.0.1:9/v1")
    monkeypatch.setattr("llm4es.enrich.engine_openai.TRIES", 0)
    with pytest.raises(ModelError, match=r"cannot reach http://127.0.0.1:9/v1: start the server, or mend --base-url"):
        open_engine(options).answers([Request("s", "one", 1)])
    monkeypatch.setattr("llm4es.enrich.engine_openai.openai", None)
    with pytest.raises(ModelError, match=r"--engine openai needs the client: pip install 'llm4es\[openai\]'"):
        open_engine(options)


LLAMA = """
import sys, time, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.port, parameters.n_ctx, parameters.n_parallel = sys.argv[1], 0, 4096, 2
server = xllamacpp.Server(parameters)  # which stops when nothing holds it
print(server.listening_address, flush=True)
time.sleep(600)
"""


@pytest.mark.real
def test_a_real_server() -> None:
    """llama.cpp's own server with the built-in model's GGUF, in a process of its own."""
    pytest.importorskip("xllamacpp")
    pytest.importorskip("openai")
    from llm4es.core.cache_folder import cache_dir
    from llm4es.models.resolve import BUILT_IN

    resolve("smollm2-135m")
    gguf = next(cache_dir().rglob(Path(BUILT_IN["smollm2-135m"].member).name))
    server = subprocess.Popen(
        [sys.executable, "-c", LLAMA, str(gguf)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout
        address = server.stdout.readline().decode().strip()
        ready(address)
        options = EnrichOptions(
            by=EnrichBy.LLM, engine=EngineName.OPENAI, base_url=f"{address}/v1", max_new_tokens=12, concurrency=2
        )
        requests = [Request("You are brief.", f"Name {number} colours.", 1) for number in (2, 3, 2)]
        answers = open_engine(options).answers(requests)
        assert all(answer.text and answer.refusal is None for answer in answers)
        too_long = open_engine(options).answers([Request("You are brief.", "colour " * 9000, 1)])
        assert too_long[0].refusal == "the server refused the request (400)"
    finally:
        server.kill()
        server.communicate()


def ready(address: str) -> None:
    """Wait until a server answers; it says 503 while it loads the model."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"no server at {address}")
