"""How a model is loaded: quantization, number format, device, attention.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from .base import EXECUTION, Options


class LoadIn(StrEnum):
    """Quantization of the weights when they are loaded, by bitsandbytes."""

    NONE = "none"
    INT8 = "8bit"
    NF4 = "4bit"


class Dtype(StrEnum):
    """Number format of weights and activations."""

    AUTO = "auto"  # bfloat16 on CUDA devices that have it, else float32
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Device(StrEnum):
    """Where a model runs."""

    AUTO = "auto"  # CUDA where there is one, else CPU
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Attention(StrEnum):
    """Which implementation of attention a model runs."""

    AUTO = "auto"  # FlashAttention on CUDA where it is installed, else what transformers takes for the architecture
    SDPA = "sdpa"  # torch's scaled_dot_product_attention
    EAGER = "eager"  # plain matrix products
    FLASH = "flash_attention_2"  # arXiv 2307.08691; CUDA, half precision


@dataclass(frozen=True)
class LoadOptions(Options):
    """How a model is loaded."""

    load_in: LoadIn = LoadIn.NONE
    """Quantization by bitsandbytes."""

    dtype: Dtype = Dtype.AUTO
    """Number format of weights and activations."""

    device: Device = field(default=Device.AUTO, metadata=EXECUTION)
    """Where the model runs."""

    attention: Attention = field(default=Attention.AUTO, metadata=EXECUTION)
    """Implementation of attention: they differ by rounding only."""

    trust_remote_code: bool = field(default=False, metadata=EXECUTION)
    """Run Python code that comes with a model. Never on unless typed."""
