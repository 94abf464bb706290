"""Networks that read in both directions, with random weights, and what sentence-transformers makes of them."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from llm4es.core.quiet import quiet

TEXTS = ["Header | b\nevent | 1\n", "Header | b\n" + "event | 2\n" * 7, "é"]

_SIZES: dict[str, Any] = {
    "vocab_size": 259,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "bos_token_id": 256,
    "eos_token_id": 257,
    "pad_token_id": 258,
    "max_position_embeddings": 256,
}
_AFTER_PADDING = {"pad_token_id": 1, "max_position_embeddings": 258}  # byte 1 stands in no text of ours
ENCODERS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": _AFTER_PADDING,
    "xlm-roberta": _AFTER_PADDING,
    "mpnet": _AFTER_PADDING,
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": 64},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": 64},
    "modernbert": {"local_attention": 16, "global_attn_every_n_layers": 2},
    "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 4, "n_heads": 4},
    "albert": {"embedding_size": 16, "num_hidden_groups": 1, "inner_group_num": 1},
    "electra": {"embedding_size": 16},
    "flaubert": {"emb_dim": 32, "n_layers": 4, "n_heads": 4, "n_langs": 1},
    "gemma3_text": {
        "num_key_value_heads": 2,
        "head_dim": 8,
        "sliding_window": 16,
        "use_bidirectional_attention": True,
    },
}
"""One entry a type: what its settings have beside the sizes."""

DECODERS: dict[str, dict[str, Any]] = {"qwen3": {"num_key_value_heads": 2, "head_dim": 8}}
"""Types that embed by their last token."""


def save(folder: Path, kind: str, seed: int = 0) -> Path:
    """A folder as ``save_pretrained`` writes it: 4 layers of 32, one token a byte, 256 positions."""
    config = AutoConfig.for_model(kind, **{**_SIZES, **{**ENCODERS, **DECODERS}[kind]})
    torch.manual_seed(seed)
    with quiet():
        network = AutoModel.from_config(config, dtype=torch.float32)
        network.save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    return folder


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte; 256 begins a text, 257 ends it, 258 pads."""
    alphabet = {character: number for number, character in enumerate(sorted(ByteLevel.alphabet()))}
    made = Tokenizer(BPE(vocab=alphabet, merges=[]))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    made.add_special_tokens(["<bos>", "<eos>", "<pad>"])
    made.post_processor = TemplateProcessing(single="<bos> $A <eos>", special_tokens=[("<bos>", 256), ("<eos>", 257)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>")


def save_sentence_model(
    folder: Path,
    kind: str = "bert",
    *,
    after: Sequence[str] = ("Normalize",),
    prompt: str | None = None,
    **pooling: Any,
) -> Path:
    """A folder that sentence-transformers itself has written; ``after`` are its modules after the pooling.

    'Linear' is a dense layer without bias and activation, as EmbeddingGemma's are.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that is not ours
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer import modules

        torch.manual_seed(1)
        plain = save(folder.with_name(f"{folder.name}-plain"), kind)
        steps = [modules.Transformer(str(plain)), modules.Pooling(32, **pooling)]
        linear = partial(modules.Dense, 32, 24, bias=False, activation_function=torch.nn.Identity())
        made: dict[str, Any] = {
            "Dense": partial(modules.Dense, 32, 24),
            "Linear": linear,
            "Normalize": modules.Normalize,
        }
        steps += [made[name]() for name in after]
        prompts: dict[str, Any] = {} if prompt is None else {"prompts": {"user": prompt}, "default_prompt_name": "user"}
        SentenceTransformer(modules=steps, device="cpu", **prompts).save(str(folder))
    return folder


def encoded(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    """What ``SentenceTransformer(folder).encode(texts)`` gives: (N, D)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that is not ours
        from sentence_transformers import SentenceTransformer

        return np.asarray(SentenceTransformer(str(folder), device="cpu").encode(list(texts)))
