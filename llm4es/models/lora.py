"""Low-rank adapters: a few new weights beside the frozen ones. The one place that imports peft.

In: a network of transformers, options. Out: the network with adapters to be trained. Knows no texts.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from ..core.quiet import quiet
from ..options import FinetuneOptions

with quiet():  # peft imports bitsandbytes where there is one, and that has things to say
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

__all__ = ["PeftModel", "unreached", "with_adapters"]


def with_adapters(network: PreTrainedModel, options: FinetuneOptions) -> PeftModel:
    """The network with adapters on every linear layer of its blocks (arXiv 2106.09685; which layers: 2305.14314)."""
    if getattr(network, "is_quantized", False):
        network = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            network,
            use_gradient_checkpointing=options.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
        )
    transposed = any(isinstance(module, Conv1D) for module in network.modules())  # GPT-2 keeps weights the other way
    config = LoraConfig(
        r=options.lora_rank,
        lora_alpha=2 * options.lora_rank,
        target_modules="all-linear",  # peft finds them by architecture and leaves the head out
        exclude_modules=_not_to_be_adapted(network) or None,
        fan_in_fan_out=transposed,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)  # the first values of the adapters
        return get_peft_model(network, config)


def _not_to_be_adapted(network: nn.Module) -> list[str]:
    """Linear layers that are more than that.

    A router that gives experts and not states, and those of a state-space layer whose weights its kernel takes without
    calling the layers.
    """
    names = []
    for name, module in network.named_modules():
        own = type(module).__module__.startswith("transformers.models") and isinstance(module, nn.Linear)
        if own and type(module).forward is not nn.Linear.forward:
            names.append(name)
        if hasattr(module, "conv1d"):
            names += [f"{name}.{part}" for part in ("dt_proj", "out_proj") if hasattr(module, part)]
    return names


def unreached(adapted: PeftModel) -> tuple[float, list[str]]:
    """The share of the layers' weights that no adapter moves, and what they are called, the largest first.

    Experts that are kept as one tensor are no linear layers, and peft passes most of them by. Counted are matrices but
    embeddings and the head that predicts tokens.
    """
    network: Any = adapted.get_base_model()
    apart = [module for module in network.modules() if isinstance(module, nn.Embedding)]
    apart += filter(None, [network.get_output_embeddings()])
    frozen = {id(weight) for module in apart for weight in module.parameters()}
    moved: set[int] = set()
    for module in network.modules():
        if hasattr(module, "lora_A"):
            name = getattr(module, "parameter_name", "weight")
            moved.add(id(getattr(module.get_base_layer(), name)))
            frozen |= {id(weight) for key in ("lora_A", "lora_B") for weight in getattr(module, key).parameters()}
    sizes = {False: 0, True: 0}
    missed: dict[str, int] = {}
    for name, weight in network.named_parameters():
        if weight.dim() < 2 or id(weight) in frozen:
            continue
        sizes[id(weight) in moved] += weight.numel()
        if id(weight) not in moved:
            called = ".".join(part for part in name.split(".")[-3:] if not part.isdigit())
            missed[called] = missed.get(called, 0) + weight.numel()
    return sizes[False] / (sum(sizes.values()) or 1), sorted(missed, key=missed.__getitem__, reverse=True)
