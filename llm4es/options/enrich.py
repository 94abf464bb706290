"""Options of ``enrich``: texts to more texts.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..core.errors import OptionError
from .base import EXECUTION, Options, at_least


class EnrichBy(StrEnum):
    """Who rewrites the texts."""

    RULES = "rules"  # other formats of the same events
    LLM = "llm"  # a language model


class EngineName(StrEnum):
    """What answers the prompts of a rewriting."""

    TRANSFORMERS = "transformers"  # a model in this process
    OPENAI = "openai"  # a server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, TGI


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
