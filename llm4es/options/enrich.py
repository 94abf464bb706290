"""Options of ``enrich``: texts to more texts.

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..core.addresses import checked_address
from .base import DEFAULT_MODEL, MAX_LENGTH, Options
from .completes import Completes
from .panels import Panel
from .setting import option


class EnrichBy(StrEnum):
    """Who rewrites the texts."""

    RULES = "rules"  # other formats of the same events
    LLM = "llm"  # a language model


class EngineName(StrEnum):
    """What answers the prompts of a rewriting."""

    TRANSFORMERS = "transformers"  # a model in this process
    OPENAI = "openai"  # a server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, TGI


class Constrain(StrEnum):
    """Whether a model's answers are held to a form."""

    AUTO = "auto"  # tables, lists and JSON are, where the engine can
    OFF = "off"  # a model writes freely, and the check decides


@dataclass(frozen=True)
class EnrichOptions(Options):
    """Texts to more texts."""

    by: EnrichBy = option(EnrichBy.RULES, "Other formats of the same events, or a model's rewriting.")

    variants: int = option(2, "Texts an entity.", minimum=1, unit="texts", group=Panel.WHAT)
    """By rules each of another format; ``of`` takes no more than the formats that are named, where nothing is said."""

    formats: tuple[str, ...] = option(
        (),
        "Formats or prompts to choose from, by name; default: all.",
        group=Panel.WHAT,
        completes=Completes.REWRITINGS,
    )

    seed: int = option(0, "Seed of the choice of formats an entity, and of a language model's sampling.")

    group_by: str = option("", "By rules: field that 'grouped' groups by; default: the one with the fewest values.")

    engine: EngineName = option(
        EngineName.TRANSFORMERS,
        "By llm: a model in this process, or an OpenAI-compatible server.",
        group=Panel.SERVER,
    )

    model: str = option(
        DEFAULT_MODEL,
        "By llm: who rewrites; for a server, the name it knows.",
        short="-m",
        metavar="MODEL",
        group=Panel.LLM,
        completes=Completes.MODELS,
    )

    temperature: float = option(
        0.6, "By llm: divisor of the logits; 0 takes the likeliest token.", minimum=0, group=Panel.LLM
    )

    top_p: float = option(
        0.9,
        "By llm: nucleus of the sampling: tokens are drawn from the likeliest that make up this probability.",
        minimum=0,
        maximum=1,
        group=Panel.LLM,
    )

    max_new_tokens: int = option(MAX_LENGTH, "By llm: tokens an answer.", minimum=1, unit="tokens", group=Panel.LLM)
    """Histories are rewritten in chunks whose answers fit."""

    context: int = option(
        4096, "By llm, openai: tokens a question and its answer may have.", minimum=1, unit="tokens", group=Panel.LLM
    )

    min_fidelity: float = option(
        0.9, "By llm: share of events an answer must keep.", minimum=0, maximum=1, group=Panel.LLM
    )
    """Of a chunk's events; altered events and invented numbers never pass."""

    retries: int = option(1, "By llm: tries again before a rule text takes its place.", minimum=0, group=Panel.LLM)

    constrain: Constrain = option(
        Constrain.AUTO,
        "By llm: hold tables, lists and JSON to their events while they are written, or write freely.",
        group=Panel.LLM,
    )
    """Held to their events, fields and values are copied; the order of fields, and what may be paraphrased, is free."""

    base_url: str = option(
        "",
        "By llm, openai: the server; default: $OPENAI_BASE_URL, else OpenAI's own. The key comes from $OPENAI_API_KEY.",
        metavar="URL",
        changes_result=False,
        group=Panel.SERVER,
    )
    """Never a key: one in its query is refused, as name and password are."""

    timeout: float = option(
        240.0,
        "By llm, openai: seconds for one answer.",
        minimum=0,
        exclusive_minimum=True,
        unit="seconds",
        changes_result=False,
        group=Panel.SERVER,
    )
    """To its last byte; an answer that takes longer ends the run."""

    batch_size: int = option(
        16,
        "By llm, transformers: answers computed at once.",
        minimum=1,
        unit="answers",
        changes_result=False,
        group=Panel.LLM,
    )

    concurrency: int = option(
        8,
        "By llm, openai: requests on their way at once.",
        minimum=1,
        unit="requests",
        changes_result=False,
        group=Panel.SERVER,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_address(self.base_url, "--base-url")

    @classmethod
    def of(cls, **words: Any) -> Self:
        """Options from plain values as ``Options.of`` takes them; by rules, a variant of each format that is named.

        Examples
        --------
        >>> EnrichOptions.of(formats="json").variants
        1
        """
        options = super().of(**words)
        if words.get("variants") is not None or options.by is EnrichBy.LLM or not options.formats:
            return options
        return dataclasses.replace(options, variants=min(options.variants, len(set(options.formats))))

    def fingerprint(self) -> dict[str, Any]:
        """By rules, nothing that only language models have. Whether forms are kept is told where prompts are known."""
        kept = super().fingerprint()
        kept.pop("constrain")
        return kept if self.by is EnrichBy.LLM else {name: kept[name] for name in RULES_FIELDS}


RULES_FIELDS = ("by", "variants", "formats", "seed", "group_by")
"""The fields of EnrichOptions that change what rules make."""
