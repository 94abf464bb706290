"""The options of every stage: one frozen dataclass a stage, one enum a choice, one file each.

In: what a user typed. Out: checked values whose ``fingerprint()`` names the configuration. Imports nothing heavy: the
command line, the docs and the checks read defaults, bounds and help from here.
"""

from .base import DEFAULT_MODEL, MAX_LENGTH, History, Options, split
from .embed import EmbedOptions, Layers, ModelExportOptions, Pooling, StoreAs
from .enrich import RULES_FIELDS, Constrain, EngineName, EnrichBy, EnrichOptions
from .export import ExportOptions, TableLayout
from .finetune import (
    FINETUNE_PRESETS,
    HELD_OUT_TOKENS,
    LEARNING_RATES,
    STEP_PRESETS,
    FinetuneOptions,
    FinetunePreset,
    Method,
    Optimizer,
)
from .import_vectors import ImportOptions
from .limits import LimitOptions
from .load import Attention, Device, Dtype, LoadIn, LoadOptions
from .predict import PredictOptions
from .probe import ProbeOptions, SelectOptions
from .results import CompareOptions, DiffOptions, Projection, ReportOptions, SimilarOptions
from .run import WHOLE, RunOptions
from .serialize import OnBadRow, SerializeOptions
from .setting import REQUIRED, Setting
from .workers import UNSAID, ExecutorName, WorkerOptions

__all__ = [
    "DEFAULT_MODEL",
    "FINETUNE_PRESETS",
    "HELD_OUT_TOKENS",
    "LEARNING_RATES",
    "MAX_LENGTH",
    "REQUIRED",
    "RULES_FIELDS",
    "STEP_PRESETS",
    "UNSAID",
    "WHOLE",
    "Attention",
    "CompareOptions",
    "Constrain",
    "Device",
    "DiffOptions",
    "Dtype",
    "EmbedOptions",
    "EngineName",
    "EnrichBy",
    "EnrichOptions",
    "ExecutorName",
    "ExportOptions",
    "FinetuneOptions",
    "FinetunePreset",
    "History",
    "ImportOptions",
    "Layers",
    "LimitOptions",
    "LoadIn",
    "LoadOptions",
    "Method",
    "ModelExportOptions",
    "OnBadRow",
    "Optimizer",
    "Options",
    "Pooling",
    "PredictOptions",
    "ProbeOptions",
    "Projection",
    "ReportOptions",
    "RunOptions",
    "SelectOptions",
    "SerializeOptions",
    "Setting",
    "SimilarOptions",
    "StoreAs",
    "TableLayout",
    "WorkerOptions",
    "split",
]
