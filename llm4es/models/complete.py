"""Whether the weights that were read are the network's, and all of them, and whether the tokenizer belongs to it.

In: a network that ``from_pretrained`` made, what it said of the loading, a tokenizer. Out: nothing, or an error that
names the tensor or the token. A tensor that is not in the folder has random values, so nothing is guessed: only what no
hidden state depends on may be missing or left over. Knows no values.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel

UNREAD = re.compile(r"(^|\.)pooler\.")
"""Heads inside an encoder: no hidden state goes through them."""

HEAD = re.compile(r"(^|\.)lm_head\.")
"""What predicts tokens: a network without it leaves it."""

COMPUTED = re.compile(
    r"(^|\.)(inv_freq|position_ids|token_type_ids|masked_bias|causal_mask|cos_cached|sin_cached)$|(^|\.)(attn|attention)\.bias$"
)
"""Buffers that older libraries saved and newer ones compute."""

OTHER_PARTS = re.compile(r"vision|visual|image|audio|speech|multi_?modal|projector|connector|^mtp")
"""Parts of a checkpoint that the text's network does without: those that see or hear, and heads for several tokens."""

SHOWN = 3
"""Names in a message."""


def check_complete(name: str, folder: object, network: "PreTrainedModel", info: Mapping[str, Any]) -> bool:
    """Raise where a hidden state would depend on a tensor that was not read, or not on one that is there.

    ``info`` is what ``from_pretrained(output_loading_info=True)`` gives. Returns whether the head that predicts tokens
    is there: vectors do without.
    """
    lacks = sorted(key for key in info["missing_keys"] if _moves_states(network, key))
    other = sorted(f"{key} {_by(here)} for {_by(wanted)}" for key, here, wanted in info["mismatched_keys"])
    computed = {name for name, _ in network.named_buffers()}  # older libraries saved what newer ones compute
    extra = sorted(key for key in info["unexpected_keys"] if key not in computed and _left_over(network, key))
    found = [_found("lacks", lacks), _found("has of other sizes", other), _found("has too much", extra)]
    if said := "; ".join(part for part in found if part):
        raise ModelError(
            f"the weights of {name} are not those of its settings: {folder} {said}: fetch or save the model again"
        )
    return all(UNREAD.search(key) or COMPUTED.search(key) for key in info["missing_keys"])


def _moves_states(network: "PreTrainedModel", key: str) -> bool:
    """Whether hidden states depend on a tensor of the network."""
    base = network.base_model
    inside = base is network or key.startswith(f"{network.base_model_prefix}.")
    return inside and not UNREAD.search(key) and not COMPUTED.search(key)


def _left_over(network: "PreTrainedModel", key: str) -> bool:
    """Whether a tensor that the network has no place for looks like a part of what makes hidden states."""
    prefix = f"{network.base_model_prefix}."
    inside = key.startswith(prefix)
    path = key.removeprefix(prefix)
    first = path.partition(".")[0]
    known = hasattr(network.base_model, first)
    if (
        "lm_head" in path.split(".")
        or UNREAD.search(key)
        or COMPUTED.search(key)
        or (not known and OTHER_PARTS.search(first))
    ):
        return False
    return (known or inside) and not _predicts_further(network, path)


def _predicts_further(network: "PreTrainedModel", path: str) -> bool:
    """Whether a tensor is of a layer after the last, which some models were trained with to predict further tokens."""
    config = network.config.get_text_config()
    extra = getattr(config, "num_nextn_predict_layers", None) or 0
    number = re.match(r"(?:language_model\.)?layers\.(\d+)\.", path)
    return number is not None and 0 <= int(number[1]) - config.num_hidden_layers < extra


def _found(word: str, keys: Collection[str]) -> str:
    shown = ", ".join(list(keys)[:SHOWN])
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{word} {shown}{more}" if keys else ""


def _by(shape: Iterable[int]) -> str:
    return "x".join(str(size) for size in shape) or "1"


def check_vocabulary(name: str, tokenizer: Any, network: "PreTrainedModel") -> None:
    """Raise where the tokenizer gives ids that the network has no embedding of.

    Special tokens that no text gets (a padding token that somebody added) may lie beyond.
    """
    embeddings: Any = network.get_input_embeddings()
    rows = embeddings.weight.shape[0]
    framing = {*_framing(name, tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id}
    unused = set(tokenizer.all_special_ids) - framing
    beyond = {i: token for token, i in tokenizer.get_vocab().items() if i >= rows and i not in unused}
    if beyond:
        first = min(beyond)
        raise ModelError(
            f"the tokenizer of {name} gives {first} for {beyond[first]!r}, and the network has {rows} embeddings"
            f" ({_tokens(len(beyond))} beyond): take the tokenizer that the weights were trained with"
        )


def _framing(name: str, tokenizer: Any) -> list[int]:
    """The tokens that every text gets; what a damaged tokenizer raises here may be a panic of Rust's, no Exception."""
    try:
        return list(tokenizer("")["input_ids"])
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ModelError(
            f"the tokenizer of {name} does not work ({one_line(error, 200)}): fetch or save it again"
        ) from error


def _tokens(n: int) -> str:
    return "1 token lies" if n == 1 else f"{n} tokens lie"
