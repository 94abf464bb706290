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


class EngineName(StrEnum):
    """What answers the prompts of a rewriting."""

    TRANSFORMERS = "transformers"  # a model in this process
    OPENAI = "openai"  # a server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, TGI


class Method(StrEnum):
    """Which weights fine-tuning changes."""

    LORA = "lora"  # low-rank adapters (arXiv 2106.09685)
    FULL = "full"  # every weight


class Optimizer(StrEnum):
    """What turns gradients into new weights."""

    ADAMW = "adamw"  # torch's AdamW: two float32 numbers a weight
    ADAMW_8BIT = "adamw_8bit"  # bitsandbytes' AdamW: two bytes a weight (arXiv 2110.02861)


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


def at_least(options: Options, name: str, minimum: int) -> None:
    """Raise OptionError where a field is a number below ``minimum``; None passes."""
    value = getattr(options, name)
    if value is not None and value < minimum:
        raise OptionError(f"--{name.replace('_', '-')} {value} is below {minimum}: give {minimum} or more")


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
        if self.history is History.FULL and self.max_events is not None:
            raise OptionError(f"--history full keeps every event and --max-events {self.max_events} does not: drop one")
        if self.on_bad_row not in ("fail", "skip"):
            raise OptionError(f"--on-bad-row {self.on_bad_row!r} is neither 'fail' nor 'skip'")


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

    group_by: str = ""
    """By rules: name of the field that format 'grouped' groups by; '' takes the one with the fewest values."""

    engine: EngineName = EngineName.TRANSFORMERS
    """By llm: what answers."""

    model: str = "smollm2-135m"
    """By llm: the model that rewrites; for a server, the name that it knows."""

    temperature: float = 0.6
    """By llm: divisor of the logits; 0 takes the likeliest token."""

    top_p: float = 0.9
    """By llm: tokens are drawn from the likeliest that make up this probability."""

    max_new_tokens: int = 512
    """By llm: tokens an answer; histories are rewritten in chunks whose answers fit."""

    context: int = 4096
    """By llm, engine openai: tokens that the server has for question and answer together."""

    min_fidelity: float = 0.9
    """By llm: share of a chunk's events that must survive, 0..1; altered events and invented numbers never pass."""

    retries: int = 1
    """By llm: times that a chunk is asked for again before a rule text takes its place."""

    base_url: str = field(default="", metadata=EXECUTION)
    """By llm, engine openai: address of the server; '' is OpenAI's own."""

    batch_size: int = field(default=16, metadata=EXECUTION)
    """By llm, engine transformers: answers computed at once."""

    concurrency: int = field(default=8, metadata=EXECUTION)
    """By llm, engine openai: requests on their way at once."""

    def __post_init__(self) -> None:
        for name in ("variants", "max_new_tokens", "context", "batch_size", "concurrency"):
            at_least(self, name, 1)
        at_least(self, "retries", 0)
        at_least(self, "temperature", 0)
        for name in ("top_p", "min_fidelity"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"--{name.replace('_', '-')} {getattr(self, name)} is not between 0 and 1")
        if "@" in self.base_url:
            raise OptionError("--base-url holds a name or password: give the key in $OPENAI_API_KEY instead")

    def fingerprint(self) -> dict[str, Any]:
        """By rules, nothing that only language models have."""
        kept = super().fingerprint()
        return kept if self.by is EnrichBy.LLM else {name: kept[name] for name in RULES_FIELDS}


RULES_FIELDS = ("by", "variants", "formats", "seed", "group_by")
"""The fields of EnrichOptions that change what rules make."""


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


STEP_PRESETS = {"dry_run": 2, "tiny_run": 50}
"""Names that ``--steps`` takes beside a number."""

HELD_OUT_TOKENS = 8192
"""Tokens that the held-out loss is measured on where nothing else was asked for: a quarter of the tokens of the whole
training where that is less, so that measuring before and after never takes most of a short run."""

LEARNING_RATES = {Method.LORA: 2e-4, Method.FULL: 2e-5}
"""Peak learning rate where none was given: adapters start from nothing and want ten times more."""


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

    learning_rate: float | None = None
    """Peak learning rate, cosine decay after the warm-up; None: see ``LEARNING_RATES``."""

    warmup: float = 0.1
    """Share of the steps over which the learning rate rises; used where ``warmup_steps`` is None."""

    warmup_steps: int | None = None
    """Steps over which the learning rate rises; None: ``warmup`` of all steps."""

    weight_decay: float = 1e-6
    """AdamW's decoupled weight decay."""

    adam_beta2: float = 0.999
    """AdamW's decay of the mean squared gradient."""

    adam_epsilon: float = 1e-8
    """AdamW's guard against division by nothing."""

    max_grad_norm: float = 1.0
    """Gradients longer than this are scaled down to it."""

    optimizer: Optimizer = Optimizer.ADAMW
    """What turns gradients into new weights."""

    tokens_per_step: int = 2048
    """Tokens an optimizer step sees (before ``accumulate``), never fewer than one sequence of ``max_length``."""

    accumulate: int = 1
    """Batches a step: gradients are added up over so many."""

    lora_rank: int = 16
    """Rank of the adapters; used by method 'lora'."""

    evaluate_every: int | None = None
    """Steps between measurements of the held-out loss; None measures before and after only."""

    patience: int | None = None
    """Measurements without a new best held-out loss until training stops and the best weights are kept; None: never."""

    held_out_tokens: int | None = None
    """Tokens of the held-out texts that the loss is measured on, a seeded choice; None: see ``HELD_OUT_TOKENS``."""

    seed: int = 0
    """Seed of order, initial adapters and dropout."""

    save_every: int = field(default=50, metadata=EXECUTION)
    """Steps between checkpoints that a killed run resumes from."""

    gradient_checkpointing: bool = field(default=False, metadata=EXECUTION)
    """Compute activations again on the way back instead of keeping them: less memory, about a third more time."""

    logit_chunk: int = field(default=512, metadata=EXECUTION)
    """Tokens whose logits over the whole vocabulary are held at once."""

    def __post_init__(self) -> None:
        positive = ("max_length", "tokens_per_step", "accumulate", "lora_rank", "save_every", "logit_chunk")
        for name in (*positive, "steps", "evaluate_every", "patience", "held_out_tokens"):
            at_least(self, name, 1)
        at_least(self, "max_length", 2)
        if self.steps is None and self.epochs <= 0:
            raise OptionError(f"--epochs {self.epochs:g} is not above 0: give a number above 0, or --steps")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise OptionError(f"--learning-rate {self.learning_rate:g} is not above 0: give a number such as 1e-5")
        if not 0 <= self.warmup < 1:
            raise OptionError(f"--warmup {self.warmup:g} is not a share: give a number from 0 to below 1")
        if self.patience is not None and self.evaluate_every is None:
            raise OptionError(f"--patience {self.patience} has nothing to wait for: give --evaluate-every as well")

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate given, or the method's own."""
        return LEARNING_RATES[self.method] if self.learning_rate is None else self.learning_rate


FINETUNE_PRESETS = {
    # arXiv 2508.05688; bfloat16 comes with ``--dtype auto`` on a device that has it. Epochs: 2 for Rosbank, else 30
    "paper": FinetuneOptions(
        method=Method.FULL,
        epochs=2.0,
        max_length=8192,
        learning_rate=1e-5,
        warmup_steps=608,
        weight_decay=1e-6,
        adam_beta2=0.95,
        adam_epsilon=1e-5,
        max_grad_norm=1.0,
        tokens_per_step=8192,
    ),
}
"""Options to start from, by name."""


@dataclass(frozen=True)
class ProbeOptions(Options):
    """Features and labels to metrics and per-entity predictions."""

    protocol: str = "cv"
    """Which entities are trained on and scored: 'cv' (repeated stratified k-fold), 'holdout' (80/20), 'ptls' (the
    field's own), or the name of one of the recipe's splits."""

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

    train_size: int | None = None
    """Entities that each fit is trained on, class shares kept; None takes all that the protocol gives it."""

    unseen_only: bool = False
    """Score only entities that no model in the features' lineage was trained on."""

    workers: int | None = field(default=None, metadata=EXECUTION)
    """Fits at once, a thread each; None takes every CPU."""

    def __post_init__(self) -> None:
        at_least(self, "folds", 2)
        at_least(self, "repeats", 1)
        at_least(self, "bootstrap", 1)
        at_least(self, "workers", 1)
        at_least(self, "train_size", 2)


def _plain(value: Any) -> Any:
    """A field's value as JSON can carry it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
