"""Models and tokenizers small enough to build in memory, and texts to put through them.

``counting()`` is a model whose hidden states are arithmetic: expected vectors can be worked out by hand. ``network()``
and ``save()`` make real architectures with random weights.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
)
from transformers.modeling_outputs import BaseModelOutputWithPast

from llm4es.core.hashing import text_hash
from llm4es.core.schemas import TEXTS
from llm4es.models.load import Model
from llm4es.models.ref import ModelRef
from llm4es.options import LoadOptions

LAYERS, WIDTH, CONTEXT, WORDS = 4, 4, 64, 100
BROKEN = 99
"""The token that makes the counting model's second layer NaN."""

NORM = 10
"""What the counting model's final norm multiplies by."""


class CountingConfig(PretrainedConfig):
    model_type = "counting"

    def __init__(self, n_layers: int = LAYERS, vocab_size: int = WORDS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_hidden_layers, self.hidden_size, self.vocab_size = n_layers, WIDTH, vocab_size
        self.broken_token_id = BROKEN


class CountingLayer(nn.Module):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, state: Tensor) -> Tensor:
        state = state + torch.tensor([0.0, 0.0, 1.0, 0.0])  # (B, T, D)
        if self.number == 2:
            state = torch.where(state[..., :1] == BROKEN, torch.nan, state)
        return state


class CountingDecoder(nn.Module):
    def __init__(self, config: CountingConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList([CountingLayer(number + 1) for number in range(config.num_hidden_layers)])
        self.norm = nn.Parameter(torch.tensor(float(NORM)))
        self.seen: list[tuple[int, int]] = []
        self.most_tokens = 1 << 30

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, output_hidden_states: bool = False, **_: Any
    ) -> BaseModelOutputWithPast:
        rows, length = input_ids.shape
        if rows * length > self.most_tokens:
            raise torch.OutOfMemoryError("tiny memory")
        self.seen.append((rows, length))
        position = torch.arange(length).expand(rows, length)
        state = torch.stack([input_ids, position, 0 * input_ids, 0 * input_ids + 1], -1).float()  # (B, T, D)
        states = [state]
        for layer in self.layers:
            states.append(layer(states[-1]))
        last = states.pop() * self.norm
        kept: Any = (*states, last) if output_hidden_states else None
        return BaseModelOutputWithPast(last_hidden_state=last, hidden_states=kept)


class CountingLM(PreTrainedModel):
    config_class = CountingConfig
    base_model_prefix = "model"

    def __init__(self, config: CountingConfig) -> None:
        super().__init__(config)
        self.model = CountingDecoder(config)
        self.post_init()  # type: ignore[no-untyped-call]


def number_tokenizer(bos: bool = False, eos: bool = False) -> PreTrainedTokenizerFast:
    """Words are numbers, and a word's id is its number; 1 is the beginning of a text, 2 its end."""
    vocabulary = {str(number) if number else "[UNK]": number for number in range(WORDS)}
    made = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = WhitespaceSplit()
    if bos or eos:
        template = " ".join(["1"] * bos + ["$A"] + ["2"] * eos)
        made.post_processor = TemplateProcessing(single=template, special_tokens=[("1", 1), ("2", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]")


def byte_tokenizer(bos: bool = False) -> PreTrainedTokenizerFast:
    """One token a byte; 256 begins a text, 257 ends it and pads."""
    alphabet = {character: number for number, character in enumerate(sorted(ByteLevel.alphabet()))}
    made = Tokenizer(BPE(vocab=alphabet, merges=[]))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = ByteLevelDecoder()
    made.add_special_tokens(["<bos>", "<eos>"])
    if bos:
        made.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 256)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<bos>", eos_token="<eos>", pad_token="<eos>")


def counting(tokenizer: Any = None, **config: Any) -> Model:
    """The counting model: layer l's state of a token is [id, position, l, 1]; the final norm multiplies by 10."""
    network: PreTrainedModel = CountingLM(CountingConfig(**config))
    network.eval()
    ref = ModelRef("counting", Path("nowhere"), None, "counting", LAYERS, WIDTH, CONTEXT, "f" * 64, None)
    return Model(
        ref=ref,
        tokenizer=tokenizer or number_tokenizer(),
        network=network,
        device=torch.device("cpu"),
        dtype=torch.float32,
        name="counting",
        fingerprint="f" * 64,
        options=LoadOptions(),
    )


SIZES: dict[str, Any] = {"vocab_size": 258, "bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 257}
ARCHITECTURES: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        **SIZES,
    ),
    "gpt2": GPT2Config(n_embd=32, n_layer=4, n_head=4, n_positions=256, **SIZES),
    "qwen2": Qwen2Config(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        **SIZES,
    ),
    "gemma3": Gemma3TextConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=16,
        max_position_embeddings=256,
        **SIZES,
    ),
}


def network(architecture: str = "llama", seed: int = 0) -> PreTrainedModel:
    """A real architecture with random weights: 4 layers of 32, one token a byte, 256 positions."""
    torch.manual_seed(seed)
    made: PreTrainedModel = AutoModelForCausalLM.from_config(ARCHITECTURES[architecture], dtype=torch.float32)
    made.eval()
    return made


def save(folder: Path, architecture: str = "llama", seed: int = 0, bos: bool = False) -> Path:
    """A model folder as users have them: config, tokenizer and safetensors."""
    network(architecture, seed).save_pretrained(folder)
    byte_tokenizer(bos).save_pretrained(folder)
    return folder


def texts(*rows: tuple[str, str] | tuple[str, str, str], events: bool = True, dataset: str = "d") -> pa.RecordBatch:
    """Rows of (entity, text) or (entity, variant, text); the first line is the header, each other one an event."""
    made = []
    for entity_id, *variant, text in rows:
        offsets = event_offsets(text)
        made.append(
            {
                "dataset": dataset,
                "entity_id": entity_id,
                "variant": variant[0] if variant else "raw",
                "text": text,
                "text_hash": text_hash(text),
                "event_offsets": offsets if events else None,
                "n_events": len(offsets) - 1,
                "n_events_dropped": 0,
                "source_hash": "s",
            }
        )
    return pa.RecordBatch.from_pylist(made, schema=TEXTS)


def event_offsets(text: str) -> list[int]:
    """Where each line but the first starts, and where the text ends."""
    return [*(i + 1 for i, character in enumerate(text) if character == "\n"), len(text)]


def rows(batches: Sequence[pa.RecordBatch]) -> list[dict[str, Any]]:
    """All rows of some batches."""
    return [row for batch in batches for row in batch.to_pylist()]
