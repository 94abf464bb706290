"""Log probabilities of answers, against a plain forward pass of the whole model with its head."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from llm4es.core.errors import ModelError, OptionError
from llm4es.core.quiet import quiet
from llm4es.embed import read_events
from llm4es.embed.answers import answer_tokens, told_answers
from llm4es.models import load_model, resolve
from llm4es.models.load import Model
from llm4es.options import EmbedOptions

from . import tiny
from .test_best_layout import HEADS, SIZES
from .test_read_events import CPU, events, loaded

PROMPTS = ("Heat is watched by", 'Babe in one word: "', "Alien is for people aged ", "A is")
WORDS = ("man", "men", "kid")
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("LlamaConfig", HEADS),
    "a soft cap on the logits": ("Gemma2Config", {**HEADS, "head_dim": 8, "final_logit_softcapping": 0.05}),
    "logits with a factor": ("CohereConfig", {**HEADS, "logit_scale": 3.0}),
    "logits divided": ("GraniteConfig", {**HEADS, "logits_scaling": 0.1}),
    "padded": ("MambaConfig", {"state_size": 8}),
    "a head without places to keep": ("OpenAIGPTConfig", {}),
}


def words_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, and tokens for ' man', 'man' and ' me'."""
    alphabet = {character: number for number, character in enumerate(sorted(ByteLevel.alphabet()))}
    merges = [("Ġ", "m"), ("Ġm", "a"), ("Ġma", "n"), ("Ġm", "e"), ("m", "a"), ("ma", "n")]
    vocabulary = {**alphabet, **{a + b: 256 + i for i, (a, b) in enumerate(merges)}}
    made = Tokenizer(BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevelDecoder()
    return PreTrainedTokenizerFast(tokenizer_object=made)


def network(folder: Path, config: str, settings: dict[str, Any]) -> Model:
    torch.manual_seed(0)
    sizes = {**tiny.SIZES, "vocab_size": 262}
    made: Any = AutoModelForCausalLM.from_config(getattr(transformers, config)(**{**SIZES, **sizes, **settings}))
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim > 1:
                weight.mul_(3)
    with quiet():
        made.save_pretrained(folder)
        words_tokenizer().save_pretrained(folder)
        return load_model(resolve(str(folder)), CPU)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_as_likely_as_the_whole_model_says(kind: str, tmp_path: Path) -> None:
    model = network(tmp_path, *KINDS[kind])
    options = EmbedOptions(max_length=64, batch_tokens=64)
    rows = tiny.rows(list(read_events([events(*PROMPTS)], model, options, answers=WORDS)))
    assert [(row["event_text"], row["layer"], row["dim"], row["pooling"]) for row in rows] == [
        (prompt, 0, 3, "last") for prompt in PROMPTS
    ]
    call: Any = model.network
    names: dict[str, int] = model.tokenizer.get_vocab()
    for row in rows:
        spaced = row["event_text"][-1] not in '" '
        first = [names[token] for token in (["Ġman", "Ġme", "k"] if spaced else ["man", "m", "k"])]
        with torch.no_grad():
            logits = call(torch.tensor([model.tokenizer(row["event_text"])["input_ids"]])).logits[0, -1]
        expected = logits.float().log_softmax(-1)[first]
        assert row["vector"] == pytest.approx(expected.tolist(), abs=1e-4)
    assert len({round(row["vector"][0], 3) for row in rows}) > 1


def test_the_first_token_stands_for_several_and_it_is_told() -> None:
    tokenizer = words_tokenizer()
    assert [[tokenizer.convert_ids_to_tokens(i) for i in ids] for ids in answer_tokens(tokenizer, WORDS, True)] == [
        ["Ġman"],
        ["Ġme", "n"],
        ["k", "i", "d"],
    ]
    assert told_answers(tokenizer, ["man"]) == ""
    assert told_answers(tokenizer, ["man", "men", "mess"]) == (
        "of several tokens, the first stands for the answer: 'men' (me…), 'mess' (me…); begin alike, and have the same"
        " numbers: men and mess"
    )
    with pytest.raises(OptionError, match="--answers ' ' is nothing that this model could say"):
        answer_tokens(tokenizer, [" "], True)


def test_who_predicts_nothing_cannot_be_asked(tmp_path: Path) -> None:
    model = loaded(tmp_path, "bert")
    with pytest.raises(ModelError, match="is an encoder: it embeds, predicts no next token and so cannot be asked"):
        list(read_events([events("a")], model, EmbedOptions(max_length=64), answers=("man",)))
