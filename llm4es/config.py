"""The options of every stage: one frozen dataclass a stage, one enum a choice.

In: what a user typed. Out: checked values whose ``fingerprint()`` names the configuration. Imports nothing heavy:
the command line reads its defaults from here.
"""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .errors import OptionError

EXECUTION = {"changes_result": False}
"""Metadata of a field that changes how the work is done and not what comes out of it: left out of ``config_id``."""


class History(StrEnum):
    """Which events stay where a history is longer than what can be read at once."""

    NEWEST = "newest"  # cut between events, the newest kept
    OLDEST = "oldest"  # cut between events, the oldest kept
    FULL = "full"  # every event; texts longer than the context are embedded window by window


class EnrichBy(StrEnum):
    """Who rewrites the texts."""

    RULES = "rules"  # other formats of the same events
    LLM = "llm"  # a language model


class Method(StrEnum):
    """Which weights fine-tuning changes."""

    LORA = "lora"  # low-rank adapters (arXiv 2106.09685)
    FULL = "full"  # every weight


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


class Pooling(StrEnum):
    """How token states become one vector."""

    MEAN = "mean"  # over all tokens, special tokens included
    LAST = "last"  # the last token's state
    CONTENT_MEAN = "content_mean"  # over all tokens but the tokenizer's special ones


@dataclass(frozen=True)
class Options:
    """Base of every stage's options."""

    def fingerprint(self) -> dict[str, Any]:
        """The fields that change the result, as plain values: what ``config_id`` is made from."""
        kept = [f for f in dataclasses.fields(self) if f.metadata.get("changes_result", True)]
        return {f.name: _plain(getattr(self, f.name)) for f in kept}


@dataclass(frozen=True)
class SerializeOptions(Options):
    """Raw events to one text an entity."""

    history: History = History.NEWEST
    """Which events stay when there are more than ``max_events``."""

    max_events: int | None = None
    """Events a text; None keeps them all (the embedding then cuts by tokens, between events)."""

    as_of: datetime | None = None
    """Exclusive cut-off: only events before it are read; None reads all."""

    preset: str = "raw"
    """Text preset: 'raw' (true values), 'paper' (what the paper's code fed its model), or one of the recipe's own."""

    on_bad_row: str = field(default="fail", metadata=EXECUTION)
    """'fail' stops at a row that cannot be read, 'skip' leaves it out and counts it."""

    def __post_init__(self) -> None:
        at_least(self, "max_events", 1)


@dataclass(frozen=True)
class EnrichOptions(Options):
    """Texts to more texts."""

    by: EnrichBy = EnrichBy.RULES
    """Who rewrites: rules (other formats) or a language model."""

    variants: int = 2
    """Texts an entity."""

    formats: tuple[str, ...] = ()
    """Formats or prompts to choose from; empty means all of them."""

    seed: int = 0
    """Seed of the choice of formats an entity, and of a language model's sampling."""

    def __post_init__(self) -> None:
        at_least(self, "variants", 1)


@dataclass(frozen=True)
class LoadOptions(Options):
    """How a model is loaded."""

    load_in: LoadIn = LoadIn.NONE
    """Quantization by bitsandbytes."""

    dtype: Dtype = Dtype.AUTO
    """Number format of weights and activations."""

    device: Device = field(default=Device.AUTO, metadata=EXECUTION)
    """Where the model runs."""

    trust_remote_code: bool = field(default=False, metadata=EXECUTION)
    """Run Python code that comes with a model. Never on unless typed."""


@dataclass(frozen=True)
class EmbedOptions(Options):
    """Texts to one vector an (entity, k)."""

    k: tuple[int, ...] = field(default=(1, 8), metadata=EXECUTION)
    """Last layers averaged, one vector for each; 0 stands for all of the model's layers. A key column."""

    pooling: Pooling = Pooling.MEAN
    """How token states become one vector."""

    texts: tuple[str, ...] = ("raw",)
    """Variants embedded; several are averaged an entity. ('all',) takes every variant there is."""

    max_length: int = 512
    """Tokens a window, special tokens included."""

    history: History = History.NEWEST
    """What happens to a text longer than ``max_length``: cut between events, or embedded window by window."""

    batch_tokens: int = field(default=4096, metadata=EXECUTION)
    """Tokens a forward pass, padding included: the bound on memory."""

    def __post_init__(self) -> None:
        if not self.k:
            raise OptionError("--k is empty: give at least one number of layers, or 'all'")
        for k in self.k:
            if k < 0:
                raise OptionError(f"--k {k} is below 1: give the number of last layers to average, or 'all'")
        at_least(self, "max_length", 2)
        at_least(self, "batch_tokens", 1)


@dataclass(frozen=True)
class FinetuneOptions(Options):
    """Next-token prediction on the train entities' texts."""

    method: Method = Method.LORA
    """Which weights change."""

    texts: tuple[str, ...] = ("all",)
    """Variants trained on; ('all',) takes every variant there is."""

    steps: int | None = None
    """Optimizer steps; None trains for ``epochs``."""

    epochs: float = 1.0
    """Passes over the texts; used where ``steps`` is None."""

    max_length: int = 512
    """Tokens a sequence; longer texts are cut between events into several."""

    learning_rate: float = 2e-4
    """Peak learning rate, cosine decay after ``warmup``."""

    warmup: float = 0.1
    """Share of the steps over which the learning rate rises."""

    weight_decay: float = 1e-6
    """AdamW's decoupled weight decay."""

    tokens_per_step: int = 2048
    """Tokens an optimizer step sees (before ``accumulate``)."""

    accumulate: int = 1
    """Batches a step: gradients are added up over so many."""

    lora_rank: int = 16
    """Rank of the adapters; used by method 'lora'."""

    seed: int = 0
    """Seed of order, initial adapters and dropout."""

    save_every: int = field(default=50, metadata=EXECUTION)
    """Steps between checkpoints that a killed run resumes from."""

    def __post_init__(self) -> None:
        for name in ("max_length", "tokens_per_step", "accumulate", "lora_rank", "save_every"):
            at_least(self, name, 1)
        at_least(self, "steps", 1)


@dataclass(frozen=True)
class ProbeOptions(Options):
    """Features and labels to metrics and per-entity predictions."""

    protocol: str = "cv"
    """Which entities are trained on and scored: 'cv' (repeated stratified k-fold)."""

    probe: str = "logistic"
    """The model on top of the features."""

    folds: int = 5
    """Folds of the cross-validation."""

    repeats: int = 3
    """Times the cross-validation is repeated with other folds."""

    bootstrap: int = 1000
    """Resamples of entities behind the interval."""

    seed: int = 0
    """Seed of folds and resamples."""

    def __post_init__(self) -> None:
        at_least(self, "folds", 2)
        at_least(self, "repeats", 1)
        at_least(self, "bootstrap", 1)


def at_least(options: Options, name: str, minimum: int) -> None:
    """Raise OptionError where a field is a number below ``minimum``; None passes."""
    value = getattr(options, name)
    if value is not None and value < minimum:
        raise OptionError(f"--{name.replace('_', '-')} {value} is below {minimum}: give {minimum} or more")


def _plain(value: Any) -> Any:
    """A field's value as JSON can carry it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
