"""Networks whose vectors were not those of their own forward pass before every layer was held against it.

In: a model folder, tokens of a window, and a number format. Out: from which k on vectors were wrong, and why. Imports
neither torch nor transformers, so that planning costs nothing. Encoders that were read in one direction are not among
them: their space has another fingerprint now (``ref.space_fingerprint``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .json_files import read_object

BOTH_WAYS = "it reads both ways and was read forwards only"
LIST = "its list of hidden states is not its layers' outputs"
WINDOW = "a window of its attention was left out"
TOWER = "the layers of its part that sees or hears were taken for its own"

ROTATION = "the longest text of a pass turned the positions of all"
PADDING = "padding acted on its texts"
COMPANY = "texts of a pass acted on each other in this number format"

ALWAYS: dict[str, str] = {
    "bert-generation": BOTH_WAYS,
    "cpmant": PADDING,
    "doge": WINDOW,
}
"""Why, of model types that were wrong at every k and length."""

FROM_TWO = frozenset({"falcon_mamba", "mamba", "mamba2", "rwkv", "xlnet"})
"""Model types that were wrong from k = 2 on."""

SIXTEEN_BITS = ("bfloat16", "float16")
"""Number formats whose rounding hid what texts of a pass did to each other."""

IN_SIXTEEN_BITS = frozenset(
    {
        *("big_bird", "bloom", "falcon_h1", "git", "jamba", "lfm2", "lfm2_moe", "recurrent_gemma", "rembert"),
        *("roformer", "xglm", "xlnet", "xlstm"),
    }
)
"""Model types that were packed there and must not be: at every k."""

WITHIN = {"phimoe": ("sliding_window",)}
"""Settings of model types that were wrong where a window holds more tokens than these say."""

TURNED = ("dynamic", "longrope", "su")
"""Kinds of rotary positions that depend on the longest text of a pass, where it is longer than the first context."""


@dataclass(frozen=True)
class Wrong:
    """What was wrong with vectors."""

    from_k: int
    """The smallest k whose vectors were."""

    why: str
    """In words."""

    above: int = 0
    """Tokens of a text above which its vectors were."""


def wrong_before(folder: Path, max_length: int, dtype: str) -> Wrong | None:
    """What was wrong with the vectors of the model in a folder; None: nothing.

    Parameters
    ----------
    folder : pathlib.Path
        Of a model: its ``config.json`` is read.
    max_length : int
        Tokens of a window.
    dtype : str
        The number format that the model runs in.

    Returns
    -------
    Wrong or None
        From which k on, and why.
    """
    config = read_object(folder / "config.json")
    inner = config.get("text_config")
    text: dict[str, Any] = {**config, **(inner if isinstance(inner, dict) else {})}
    kind = str(text.get("model_type"))
    if kind in IN_SIXTEEN_BITS and dtype in SIXTEEN_BITS:
        return Wrong(1, COMPANY)
    towers = [part for part in (config.get("vision_config"), config.get("audio_config")) if isinstance(part, dict)]
    if text.get("num_hidden_layers") in [part.get("num_hidden_layers", 0) for part in towers]:
        return Wrong(2, TOWER)
    if kind in ALWAYS:
        return Wrong(1, ALWAYS[kind])
    if kind in FROM_TWO:
        return Wrong(2, LIST)
    if _turned(text, max_length):
        return Wrong(1, ROTATION)
    reach = [text[name] for name in WITHIN.get(kind, ()) if isinstance(text.get(name), int)]
    return Wrong(1, WINDOW, min(reach)) if reach and min(reach) < max_length else None


def _turned(text: dict[str, Any], max_length: int) -> bool:
    """Whether a text of so many tokens changes the rotary positions of those that it shares a pass with."""
    rope = text.get("rope_parameters") or text.get("rope_scaling")
    if not isinstance(rope, dict) or rope.get("rope_type", rope.get("type")) not in TURNED:
        return False
    first = rope.get("original_max_position_embeddings") or text.get("original_max_position_embeddings")
    return isinstance(first, int) and first < max_length
