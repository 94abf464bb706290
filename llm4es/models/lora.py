"""Low-rank adapters: a few new weights beside the frozen ones. The one place that imports peft.

In: a network of transformers, options. Out: the network with adapters to be trained. Knows no texts.
"""

import torch
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from ..core.quiet import quiet
from ..options import FinetuneOptions

with quiet():  # peft imports bitsandbytes where there is one, and that has things to say
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

__all__ = ["PeftModel", "with_adapters"]


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
        fan_in_fan_out=transposed,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)  # the first values of the adapters
        return get_peft_model(network, config)
