"""The options of every stage: one frozen dataclass a stage, one enum a choice, one file each.

In: what a user typed. Out: checked values whose ``fingerprint()`` names the configuration. Imports nothing heavy: the
command line, the docs and the checks read defaults, bounds and help from here.
"""

from .base import History, Options
from .embed import EmbedOptions, Pooling
from .enrich import RULES_FIELDS, EngineName, EnrichBy, EnrichOptions
from .finetune import (
    FINETUNE_PRESETS,
    HELD_OUT_TOKENS,
    LEARNING_RATES,
    STEP_PRESETS,
    FinetuneOptions,
    Method,
    Optimizer,
)
from .load import Attention, Device, Dtype, LoadIn, LoadOptions
from .probe import ProbeOptions
from .serialize import SerializeOptions

__all__ = [
    "FINETUNE_PRESETS",
    "HELD_OUT_TOKENS",
    "LEARNING_RATES",
    "RULES_FIELDS",
    "STEP_PRESETS",
    "Attention",
    "Device",
    "Dtype",
    "EmbedOptions",
    "EngineName",
    "EnrichBy",
    "EnrichOptions",
    "FinetuneOptions",
    "History",
    "LoadIn",
    "LoadOptions",
    "Method",
    "Optimizer",
    "Options",
    "Pooling",
    "ProbeOptions",
    "SerializeOptions",
]
