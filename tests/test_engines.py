"""The engine in this process: rows that do not depend on their batch, draws that follow the probabilities."""

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
from llm4es.options import Device, EnrichBy, EnrichOptions, LoadOptions

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
