"""What trying has shown of a network, as plain values: who loads the same network again need not try again.

In: a network. Out: which of its modules give the hidden states, and which layouts keep them. That another network is
the same, and runs alike, is for whoever keeps these values to know. Opens no file.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from .best_layout import KNOWN
from .packing import Layout
from .states import HOOKED


def found_out(network: PreTrainedModel) -> dict[str, Any]:
    """What this process has found out about a network by trying.

    Parameters
    ----------
    network : PreTrainedModel
        Any network of transformers.

    Returns
    -------
    dict
        Plain values: ``layers``, the name of the modules that give the hidden states (None where none do), if they were
        looked for; ``layouts``, each with what it was looked for.

    Examples
    --------
    >>> found_out(network)  # doctest: +SKIP
    {'layers': 'model.layers', 'layouts': [[[30, [9, 40, 21], 4096, ['shared', ...]], 'segments']]}
    """
    found: dict[str, Any] = {}
    if network in HOOKED:
        found["layers"] = next((name for name, it in network.named_modules() if it is HOOKED[network]), None)
    layouts = KNOWN.get(network, {}).items()
    found["layouts"] = [[[n, [*lengths], row, [*tried]], best] for (n, lengths, row, tried), best in layouts]
    return found


def take_over(network: PreTrainedModel, found: Mapping[str, Any]) -> None:
    """Take for known of a network what ``found_out`` has told of the same one.

    Parameters
    ----------
    network : PreTrainedModel
        Just loaded.
    found : mapping
        What ``found_out`` gave.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        Where that is told of another network, or is no such thing; nothing is taken over then.

    Examples
    --------
    >>> take_over(network, {"layers": "model.layers", "layouts": []})  # doctest: +SKIP
    """
    layers = None if found.get("layers") is None else network.get_submodule(found["layers"])
    if not isinstance(layers, nn.ModuleList | None):
        raise ValueError(f"{found['layers']} is no list of layers")
    layouts = {
        (n, tuple(lengths), row, tuple(map(Layout, tried))): Layout(best)
        for (n, lengths, row, tried), best in found["layouts"]
    }
    if "layers" in found:
        HOOKED[network] = layers
    KNOWN.setdefault(network, {}).update(layouts)
