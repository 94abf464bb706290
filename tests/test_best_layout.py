"""A layout is taken where it gives the states of transformers' own pass over one unpadded text, and only there."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM, PreTrainedModel

from llm4es.core.errors import ModelError
from llm4es.embed.pooling import laid_out, layer_sums, layout_for
from llm4es.inputs.best_layout import best_layout
from llm4es.inputs.packing import LAYOUTS, Layout

from . import tiny

HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4}
GEMMA: dict[str, Any] = {**SIZES, **HEADS, "head_dim": 8, "sliding_window": 16}
SIGHT = {**SIZES, "image_size": 28, "patch_size": 14}
LONG_ROPE = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [4.0] * 4}
LONG_CONTEXT = {"max_position_embeddings": 256, "original_max_position_embeddings": 32}
KINDS: dict[str, tuple[str, dict[str, Any], Layout]] = {
    "one that sees both ways": ("BertConfig", {}, Layout.SEGMENTS),
    "positions counted from the tokens": ("RobertaConfig", {}, Layout.PADDED),
    "a window that stands in the mask alone": ("PhimoeConfig", {"sliding_window": 16, **HEADS}, Layout.PADDED),
    "attention in chunks": ("Llama4TextConfig", {"attention_chunk_size": 16, "head_dim": 8, **HEADS}, Layout.PADDED),
    "a mask as long as the context": (
        "GPTNeoConfig",
        {"attention_types": [[["global", "local"], 2]], "max_position_embeddings": 256},
        Layout.PADDED,
    ),
    "a forward without use_cache": ("OpenAIGPTConfig", {}, Layout.PADDED),
    "a running state": ("MambaConfig", {"state_size": 8}, Layout.PADDED),
    "a running state, heads": ("Mamba2Config", {"num_heads": 4, "head_dim": 16, "n_groups": 1}, Layout.PADDED),
    "a list with the embeddings in": ("RwkvConfig", {"attention_hidden_size": 32}, Layout.PADDED),
    "axes the other way round": ("XLNetConfig", {"d_inner": 64, "d_head": 8}, Layout.PADDED),
    "no mask at all": ("FNetConfig", {}, Layout.EQUAL),
    "one that sees both ways through a window": (
        "Gemma3TextConfig",
        {**GEMMA, "use_bidirectional_attention": True},
        Layout.SEGMENTS,
    ),
    "a tower that sees, with as many layers": (
        "Gemma3Config",
        {"text_config": {**tiny.SIZES, **GEMMA}, "vision_config": SIGHT, "mm_tokens_per_image": 4},
        Layout.SEGMENTS,
    ),
    "positions turned by the longest text of a pass": (
        "Phi3Config",
        {**HEADS, **LONG_CONTEXT, "rope_parameters": {**LONG_ROPE, **LONG_CONTEXT}},
        Layout.EQUAL,
    ),
    "padding that acts through a convolution": ("ConvBertConfig", {"embedding_size": 32}, Layout.EQUAL),
    "padding that acts through landmarks": ("NystromformerConfig", {"max_position_embeddings": 64}, Layout.EQUAL),
    "one layer used again and again": ("AlbertConfig", {"embedding_size": 16}, Layout.SEGMENTS),
}
"""Configuration, what differs in it from ``sizes``, and the layout that ``embed`` takes."""

WINDOWS = [[(7 * i + 5) % 250 for i in range(n)] for n in (40, 9, 25, 40)]


def made(config: str, settings: dict[str, Any]) -> PreTrainedModel:
    """A network of this architecture with random weights large enough that what leaks shows."""
    torch.manual_seed(0)
    found = getattr(transformers, config)(
        **(settings if "text_config" in settings else {**SIZES, **tiny.SIZES, **settings})
    )
    auto: Any = AutoModelForCausalLM if type(found) in AutoModelForCausalLM._model_mapping else AutoModel
    network: Any = auto.from_config(found, dtype=torch.float32).eval()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.mul_(3)
    return network  # type: ignore[no-any-return]


def plain(network: PreTrainedModel, window: Sequence[int]) -> torch.Tensor:
    """Transformers' own hidden_states[1:] of one text, mean over the tokens: (L, D)."""
    with torch.no_grad():
        out: Any = network.base_model(torch.tensor([list(window)]), output_hidden_states=True)
    return torch.stack(out.hidden_states[1:])[:, 0].mean(1)


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_the_plain_pass(kind: str) -> None:
    config, settings, wanted = KINDS[kind]
    network = made(config, settings)
    layout = layout_for(network, 4, 64, 512)
    assert layout == wanted
    for row in LAYOUTS[layout].fill([len(window) for window in WINDOWS], 512):
        windows = [WINDOWS[i] for i in row]
        sums = layer_sums(network, 4, windows, [(0, len(window)) for window in windows], layout)
        for place, window in enumerate(windows):
            expected = plain(network, window)
            assert (sums[:, place] / len(window) - expected).abs().max() <= 1e-4 * expected.abs().max()


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind != "no mask at all"]
)  # torch transforms no sixteen bits by Fourier
def test_sixteen_bits_take_the_same_layout(kind: str) -> None:
    config, settings, wanted = KINDS[kind]
    network: Any = made(config, settings)
    assert layout_for(network.to(torch.bfloat16), 4, 64, 512) == wanted


SHARED = [[11, 12, 13, *window] for window in ([7], *WINDOWS, [7, 7], [9, 8])]


@pytest.mark.parametrize(
    ("config", "settings", "wanted"),
    [
        *((type(config).__name__, config.to_dict(), Layout.SHARED) for config in tiny.ARCHITECTURES.values()),
        ("BertConfig", {}, Layout.SEGMENTS),
        ("Gemma3TextConfig", {**GEMMA, "use_bidirectional_attention": True}, Layout.SEGMENTS),
        ("RobertaConfig", {}, Layout.PADDED),
        ("MambaConfig", {"state_size": 8}, Layout.PADDED),
    ],
)
def test_what_all_begin_with_is_computed_once(config: str, settings: dict[str, Any], wanted: Layout) -> None:
    """Where the states stay those of the plain pass: not where the beginning sees what follows it."""
    network = made(config, settings)
    layout = layout_for(network, 4, 64, 512, shared=True)
    assert layout == wanted
    for only_last in (False, True):
        spans = [(len(window) - 1 if only_last else 3, len(window)) for window in SHARED]
        inputs, _ = laid_out(SHARED, spans, layout)
        if layout == Layout.SHARED:
            assert inputs["input_ids"].numel() == sum(map(len, SHARED)) - 3 * (len(SHARED) - 1)
        sums = layer_sums(network, 4, SHARED, spans, layout)
        for place, (window, (start, end)) in enumerate(zip(SHARED, spans, strict=True)):
            with torch.no_grad():
                out: Any = network.base_model(torch.tensor([window]), output_hidden_states=True)
            expected = torch.stack(out.hidden_states[1:])[:, 0, start:end].sum(1)
            assert (sums[:, place] - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_a_beginning_is_shared_in_sixteen_bits_too() -> None:
    network: Any = tiny.network("llama")
    assert layout_for(network.to(torch.bfloat16), 4, 64, 512, shared=True) == Layout.SHARED


def test_a_leak_below_the_rounding_of_sixteen_bits_is_seen() -> None:
    """The running state of Falcon-H1 moves a neighbour by about as much as bfloat16 rounds."""
    settings: dict[str, Any] = {
        "mamba_d_ssm": 32,
        "mamba_n_heads": 4,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_n_groups": 1,
    }
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, **HEADS}
    config = transformers.FalconH1Config(**tiny.SIZES, **sizes, **settings)
    network = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    assert best_layout(network, 4, 64, 512) == Layout.PADDED


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("architecture", list(tiny.ARCHITECTURES))
def test_decoders_take_pieces_and_keep_their_own_attention(architecture: str, dtype: torch.dtype) -> None:
    network: Any = tiny.network(architecture)
    network = network.to(dtype)
    own = network.config._attn_implementation
    assert best_layout(network, 4, 256, 1024) == Layout.SEGMENTS
    assert network.config._attn_implementation == own


def test_a_window_longer_than_all_texts_is_not_tried_and_does_not_matter() -> None:
    network = made("PhimoeConfig", {"sliding_window": 16, **HEADS})
    assert best_layout(network, 4, 12, 512) == Layout.SEGMENTS
    assert best_layout(network, 4, 64, 512) == Layout.FLAT


def test_a_last_state_narrower_than_the_others_is_refused() -> None:
    narrow = {"word_embed_proj_dim": 16, "do_layer_norm_before": False, "ffn_dim": 64}
    network = made("OPTConfig", narrow)
    with pytest.raises(ModelError, match=r"this opt model gives 9 tokens states of the shape .*32\) and .*16\): there"):
        layout_for(network, 4, 64, 512)


def test_another_number_of_layers_than_the_configuration_says_is_refused() -> None:
    with pytest.raises(ModelError, match="a llama model gives 5 hidden states where 7 layers and the embeddings'"):
        layout_for(tiny.network(), 7, 64, 512)


def test_a_network_that_never_gives_the_same_twice_is_refused_with_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    network: Any = tiny.network()
    forward = type(network.base_model.embed_tokens).forward
    noise = torch.Generator().manual_seed(0)

    def noisy(module: Any, ids: torch.Tensor) -> torch.Tensor:
        state: torch.Tensor = forward(module, ids)
        return state + 0.01 * torch.randn(state.shape, generator=noise)

    monkeypatch.setattr(type(network.base_model.embed_tokens), "forward", noisy)
    with pytest.raises(ModelError, match=r"this llama model, read alone, differ by [\d.]+% from those of"):
        layout_for(network, 4, 64, 512)


def test_a_network_that_gives_no_numbers_is_refused() -> None:
    network: Any = tiny.network()
    with torch.no_grad():
        network.base_model.layers[1].mlp.down_proj.weight[0, 0] = torch.nan
    with pytest.raises(ModelError, match="gives NaN or infinity on plain tokens: use --dtype float32"):
        layout_for(network, 4, 64, 512)
