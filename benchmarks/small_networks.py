"""Every kind of language model that transformers has, small and with random weights.

In: a model type. Out: its configuration, shrunk, and a network of it. What cannot be shrunk by the names of its
settings is said by an exception of transformers.
"""

import dataclasses
import inspect
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModel, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

KINDS = sorted({*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_MASKED_LM_MAPPING_NAMES} & {*CONFIG_MAPPING})
"""Model types that predict the next word or a masked one."""

LAYERS, WIDTH, TOKENS, POSITIONS = 4, 32, 258, 512

SETTINGS: list[tuple[int, str]] = [
    (LAYERS, "num_hidden_layers n_layer num_layers n_layers encoder_layers decoder_layers"),
    (WIDTH, "hidden_size n_embd d_model emb_dim dim attention_hidden_size lru_width embed_dim embedding_size"),
    (4, "num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads"),
    (4, "linear_num_value_heads linear_num_key_heads mamba_n_heads mamba_num_heads num_local_experts num_experts"),
    (4, "n_routed_experts moe_num_experts expert_num num_moe_experts n_experts"),
    (
        2,
        "num_key_value_heads n_head_kv num_experts_per_tok num_experts_per_token moe_topk moe_k",
    ),
    (2, "top_k_experts moe_top_k"),
    (64, "intermediate_size n_inner ffn_dim d_inner d_ff ffn_hidden_size encoder_ffn_dim decoder_ffn_dim mamba_d_ssm"),
    (64, "ffn_hidden_dim shared_expert_intermediate_size dff intermediate_size_mlp dim_ff hidden_dim"),
    (8, "head_dim attention_head_dim d_head linear_key_head_dim linear_value_head_dim v_head_dim qk_nope_head_dim"),
    (8, "qk_rope_head_dim kv_channels state_size mamba_d_state ssm_state_size mamba_head_dim global_head_dim"),
    (4, "linear_num_heads"),
    (8, "linear_head_dim"),
    (8, "swa_head_dim hidden_size_per_layer_input index_topk dim_head"),
    (16, "sliding_window window_size attention_chunk_size kv_lora_rank q_lora_rank local_attention mamba_d_head"),
    (
        16,
        "attention_window_size index_head_dim moe_intermediate_size mamba_chunk_size chunk_size expert_ffn_hidden_size",
    ),
    (1, "n_group topk_group n_groups mamba_n_groups n_shared_experts num_shared_experts first_k_dense_replace"),
    (1, "num_dense_layers moe_num_shared_experts"),
    (TOKENS, "vocab_size vocab_size_per_layer_input n_words"),
    (POSITIONS, "max_position_embeddings n_positions n_ctx max_seq_len"),
    (64, "original_max_position_embeddings"),
]
"""What a setting becomes, by its name."""

SPECIAL = {"bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 257}

AS_MANY = (
    *("axk1", "axk2", "deepseek_v2", "deepseek_v3", "deepseek_v32", "esmc", "glm4_moe_lite", "glm_moe_dsa", "minicpm3"),
    *("longcat_flash", "dots3_note", "dots3_note_text", "youtu"),
)
"""Architectures with as many heads for keys as for queries."""

OWN: dict[str, dict[str, Any]] = {
    **{kind: {"num_key_value_heads": 4} for kind in AS_MANY},
    "codegen": {"rotary_dim": 8},
    "gptj": {"rotary_dim": 8},
    "funnel": {"block_sizes": [2, 2], "num_hidden_layers": None},
    "gemma3n_text": {"num_kv_shared_layers": 0, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "mamba2": {"num_heads": 8, "head_dim": 8},
    "opt": {"word_embed_proj_dim": WIDTH},
    "reformer": {
        "axial_pos_shape": [16, 32],
        "axial_pos_embds_dim": [16, 16],
        "attn_layers": ["local", "lsh"] * 2,
        "is_decoder": True,
        "num_buckets": 8,
    },
    "zaya": {"num_experts_per_tok": 1},
}
"""What an architecture needs beside that."""


def small_config(model_type: str) -> PretrainedConfig:
    """The configuration of a model type, shrunk."""
    return _shrunk(CONFIG_MAPPING[model_type], OWN.get(model_type, {}))


def small_network(model_type: str) -> PreTrainedModel:
    """A network with random weights, large enough that what leaks shows."""
    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM if model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else AutoModel
    network: Any = auto.from_config(small_config(model_type), dtype=torch.float32)
    if sum(weight.numel() for weight in network.parameters()) > 3e7:
        raise ValueError(f"{model_type} is not small: {sum(w.numel() for w in network.parameters()):,} weights")
    return network.eval()  # type: ignore[no-any-return]


def _shrunk(kind: type[PretrainedConfig], own: dict[str, Any]) -> PretrainedConfig:
    """A configuration with all the settings that it has of ``SETTINGS``; the parts of a composite one likewise."""
    names = {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
    names |= set(inspect.signature(kind.__init__).parameters)
    values: dict[str, Any] = {name: value for value, settings in SETTINGS for name in settings.split() if name in names}
    default = kind()
    values = {name: value for name, value in values.items() if _number(_default(default, name))}
    values |= {name: value for name, value in SPECIAL.items() if name in names}
    if "initializer_range" in names:
        values["initializer_range"] = 0.1
    for name in getattr(kind, "sub_configs", None) or {}:
        part = getattr(default, name, None)
        if isinstance(part, PretrainedConfig):
            values[name] = _shrunk(type(part), {}).to_dict()
    return kind(**{**values, **own})


def _default(config: PretrainedConfig, name: str) -> Any:
    """A setting's value; None where a configuration has one a layer."""
    try:
        return getattr(config, name, None)
    except (ValueError, RuntimeError):
        return None


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
