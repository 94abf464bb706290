"""Where a network takes its tokens.

In: a network of transformers, whole or shared out over devices. Out: a device. Imports torch only where it is called.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def input_device(network: Any) -> "torch.device":
    """The device of a network; the one of its first part, where its parts are on several.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import torch
    >>> input_device(SimpleNamespace(device=torch.device("cpu")))
    device(type='cpu')
    """
    import torch

    device: torch.device = network.device
    if hasattr(network, "hf_device_map"):
        embeddings = network.get_input_embeddings()
        # weights that wait in memory or on disk are computed with elsewhere: accelerate's hook knows where
        computing = getattr(getattr(embeddings, "_hf_hook", None), "execution_device", None)
        place = embeddings.weight.device if computing is None else computing
        device = torch.device("cuda", place) if isinstance(place, int) else torch.device(place)
    return device
