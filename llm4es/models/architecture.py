"""What kind of network a ``config.json`` describes: one that predicts the next token, or one that only reads.

In: the settings of a model folder. Out: whether it is an encoder, how many tokens it has positions for, and the class
of transformers that loads it. Imports transformers only for that class. Goes by what the settings say (architecture,
type, direction of attention), never by a model's name.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelError
from .json_files import read_object

if TYPE_CHECKING:
    from .ref import ModelRef

ENCODERS = re.compile(
    "albert|bert|big_bird|camembert|canine|convbert|data2vec-text|deberta|deberta-v2|distilbert|electra|ernie|esm|esmc"
    "|eurobert|flaubert|fnet|funnel|gte|ibert|jina_embeddings_v3|layoutlm|lilt|longformer|luke|markuplm|megatron-bert"
    "|mobilebert|modernbert|mpnet|mra|nomic_bert|nystromformer|openai_privacy_filter|rembert|roberta"
    "|roberta-prelayernorm|roc_bert|roformer|splinter|squeezebert|xlm-roberta|xlm-roberta-xl|xmod|yoso"
)
"""Types of transformers that read in both directions, unless their settings make a decoder of them."""

AFTER_PADDING = re.compile(
    "camembert|data2vec-text|esm|ibert|lilt|longformer|luke|markuplm|mpnet|roberta|roberta-prelayernorm|xlm-roberta"
    "|xlm-roberta-xl|xmod"
)
"""Types that count positions from the padding token's id on: of 514 positions, texts have 512."""

ALWAYS_BOTH_WAYS = re.compile("big_bird|megatron-bert|rembert|roformer")
"""Encoders whose attention is their own: the only ones that versions up to 0.1 did not read in one direction."""

HEADLESS = re.compile("ForMaskedLM$|ForPreTraining$")
"""Architectures whose head guesses words that were hidden: no next ones."""


def is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether the network reads a text in both directions, and so predicts no next token.

    Examples
    --------
    >>> is_encoder({"model_type": "bert", "architectures": ["BertModel"]})
    True
    >>> is_encoder({"model_type": "llama", "architectures": ["LlamaForCausalLM"]})
    False
    >>> is_encoder({"model_type": "gemma3_text", "use_bidirectional_attention": True})
    True
    """
    text = config.get("text_config")
    inner = {**config, **text} if isinstance(text, Mapping) else config
    if inner.get("use_bidirectional_attention") in (True, "all") or inner.get("is_causal") is False:
        return True
    if inner.get("is_decoder") is True:
        return False
    named = inner.get("architectures")
    first = str(named[0]) if isinstance(named, list) and named else ""
    return bool(ENCODERS.fullmatch(str(config.get("model_type"))) or HEADLESS.search(first))


def was_read_causally(config: Mapping[str, Any]) -> bool:
    """Whether it is an encoder that versions up to 0.1 read in one direction, so that its vectors are others now."""
    return is_encoder(config) and not ALWAYS_BOTH_WAYS.fullmatch(str(config.get("model_type")))


def positions(config: Mapping[str, Any], stated: int) -> int:
    """Tokens that a text may have, where the settings state so many positions.

    Examples
    --------
    >>> positions({"model_type": "roberta", "pad_token_id": 1}, 514)
    512
    """
    if not AFTER_PADDING.fullmatch(str(config.get("model_type"))):
        return stated
    padding = config.get("pad_token_id")
    return stated - 1 - (padding if isinstance(padding, int) else 1)


def auto_class(folder: Path) -> Any:
    """The class of transformers that loads a folder's network: with the head that predicts tokens, but for encoders."""
    from transformers import AutoModel, AutoModelForCausalLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    config = read_object(folder / "config.json")
    own = config.get("auto_map")  # classes that the model brings with it
    brought = isinstance(own, Mapping) and "AutoModelForCausalLM" in own
    causal = brought or config.get("model_type") in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return AutoModelForCausalLM if causal and not is_encoder(config) else AutoModel


def check_predicts(ref: "ModelRef", to: str) -> None:
    """Raise where a model is an encoder, for work that needs next tokens: before anything is loaded."""
    if ref.encoder:
        raise ModelError(
            f"{ref.name} is an encoder: it embeds, predicts no next token and so cannot be {to}; give a decoder, "
            "for example smollm2-135m"
        )
