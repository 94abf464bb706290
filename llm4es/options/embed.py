"""Options of ``embed``: texts to one vector an (entity, k).

In: what a user typed. Out: checked values. Imports nothing heavy.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..core.addresses import checked_address
from ..core.errors import OptionError
from .base import MAX_LENGTH, History, Options
from .coerce import plain
from .enrich import EngineName, EnrichOptions
from .event_reading import EventReadingOptions
from .panels import Panel
from .prompt import PromptOptions
from .setting import like, option


class Pooling(StrEnum):
    """How token states become one vector."""

    MEAN = "mean"  # over all tokens, special tokens included
    LAST = "last"  # the last token's state
    CONTENT_MEAN = "content_mean"  # over all tokens but the tokenizer's special ones
    MODEL = "model"  # a sentence-transformers folder's own: pooling, dense layers, normalisation, prompt; k is 1


ENDPOINT = "endpoint"
"""The pooling of a server's vectors: it has pooled them itself, and their ``k`` is 0."""


class Layers(StrEnum):
    """Whether each layer's own vector is kept."""

    DROP = "drop"
    KEEP = "keep"  # any k can be made of them later, without the model


class StoreAs(StrEnum):
    """How a vector's numbers are kept."""

    FLOAT32 = "float32"  # as they were computed
    FLOAT16 = "float16"  # rounded to half precision: half of the bytes
    INT8 = "int8"  # one of 255 steps of a scale that each vector has: a quarter of the bytes


_SERVER = "the server; default: $OPENAI_BASE_URL, else OpenAI's own. The key comes from $OPENAI_API_KEY."

ALL_LAYERS = {"all": 0}
"""The word for all of a model's layers, and the number that stands for it."""


@dataclass(frozen=True)
class EmbedOptions(PromptOptions, EventReadingOptions):
    """Texts to one vector an (entity, k)."""

    k: tuple[int, ...] = option(
        (1, 8),
        "Last layers averaged; several from one pass, e.g. 1,8,all.",
        minimum=1,
        unit="layers",
        names=ALL_LAYERS,
        changes_result=False,
    )
    """One vector for each; 0 stands for all of the model's layers. A key column of ``embeddings``."""

    pooling: Pooling = option(Pooling.MEAN, "How token states become one vector.")

    texts: tuple[str, ...] = option(("raw",), "raw, all, or variants by name; several are averaged.", group=Panel.WHAT)
    """Variants embedded; several are averaged an entity. ('all',) takes every variant there is."""

    max_length: int = option(MAX_LENGTH, "Tokens a window.", minimum=2, unit="tokens")
    """Tokens a window, special tokens included."""

    dims: int | None = option(
        None,
        "First dimensions kept, at length 1 (Matryoshka); default: all.",
        minimum=1,
        unit="dimensions",
        unset=True,
    )
    """None: all of them, as they are. Otherwise each vector is cut, and divided by its length (arXiv 2205.13147)."""

    batch_tokens: int = option(
        4096,
        "Tokens a forward pass: the bound on memory.",
        minimum=1,
        unit="tokens",
        changes_result=False,
        group=Panel.COST,
    )
    """Padding included."""

    compile: bool = option(
        False,
        "Compile the layers by torch.compile: minutes at the start, for long runs on GPUs.",
        changes_result=False,
        group=Panel.COST,
    )
    """Where there is no compiler, or compiled layers give other states, a line says so and they run as they are."""

    layers: Layers = option(
        Layers.DROP,
        "keep: also store each layer's vector, so that any k is SQL later.",
        changes_result=False,
        group=Panel.OUTPUT,
    )
    """Read by those who keep rows; ``embed_layers`` makes them."""

    store_as: StoreAs = option(
        StoreAs.FLOAT32,
        "Smaller vectors: half or a quarter of the bytes; cosine to float32 is told.",
        unset=True,
        group=Panel.OUTPUT,
    )
    """Read by those who keep rows. Vectors of another precision are another configuration: the two never mix."""

    align_to: str | None = option(
        None,
        "Also turn vectors towards those of another version, so that what was learnt from them holds: v1, or a name.",
        metavar="VERSION",
        changes_result=False,
    )
    """None: as they are. Turned ones stand beside them; the map is fitted once (orthogonal Procrustes)."""

    engine: EngineName = option(
        EngineName.TRANSFORMERS,
        "A model in this process, or an OpenAI-compatible server of embeddings.",
        unset=True,
        group=Panel.SERVER,
    )

    base_url: str = like(EnrichOptions, "base_url", help=f"By openai: {_SERVER}", group=Panel.SERVER)

    batch_inputs: int = option(
        32,
        "By openai: texts a request, at most.",
        minimum=1,
        unit="texts",
        changes_result=False,
        group=Panel.SERVER,
    )
    """Fewer where they are more than ``batch_tokens`` together."""

    concurrency: int = like(
        EnrichOptions, "concurrency", help="By openai: requests on their way at once.", group=Panel.SERVER
    )

    timeout: float = like(EnrichOptions, "timeout", help="By openai: seconds for one answer.", group=Panel.SERVER)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine is EngineName.OPENAI:
            self._check_server()
        if not self.k:
            raise OptionError("--k is empty: give at least one number of layers, or 'all'")
        if self.prompt is not None:
            self._check_prompt()
        if self.pooling is Pooling.MODEL:
            object.__setattr__(self, "k", _last_layer(self.k, EmbedOptions.k))  # frozen for everybody else
        if self.layers is Layers.KEEP and self.pooling is Pooling.MODEL:
            raise OptionError("--layers keep with --pooling model: its vectors are of the last layer; leave one out")
        if self.layers is Layers.KEEP and self.dims:
            raise OptionError(f"--layers keep with --dims {self.dims}: layers are kept whole; leave one of the two out")
        if self.history is History.EVENTS:
            self._check_events()

    def _check_events(self) -> None:
        """Raise for what has no meaning where single events are read; groups of layers stand in the place of k."""
        if self.engine is EngineName.OPENAI:
            raise OptionError("--history events with --engine openai: a server reads whole texts; leave one out")
        for name, why in _NOT_OF_EVENTS.items():
            setting, value = self.settings()[name], getattr(self, name)
            if value != setting.default:
                raise OptionError(f"{setting.flag} {plain(setting, value)} with --history events: {why}; leave it out")
        if self.answers and (self.groups or self.k != EmbedOptions.k):
            given = f"--groups {self.groups}" if self.groups else f"--k {','.join(map(str, self.k))}"
            raise OptionError(f"{given} with --answers: log probabilities are of no layer; leave it out")
        if self.groups is None:
            return
        if self.k not in (EmbedOptions.k, (ALL_LAYERS["all"],)):
            words = ",".join(map(str, self.k))
            raise OptionError(f"--groups {self.groups} with --k {words}: groups are of all layers; leave --k out")
        if self.pooling is Pooling.MODEL:
            raise OptionError(f"--groups {self.groups} with --pooling model: its vectors are of the last layer alone")
        object.__setattr__(self, "k", (ALL_LAYERS["all"],))  # frozen for everybody else

    def _check_prompt(self) -> None:
        """The answer to a prompt is its last token's state: raise for another pooling."""
        if self.pooling not in (Pooling.MEAN, Pooling.LAST):
            raise OptionError(
                f"--pooling {self.pooling} with --prompt {self.prompt}: the last token's state answers; leave one out"
            )
        object.__setattr__(self, "pooling", Pooling.LAST)  # frozen for everybody else
        if self.answers and self.history != "events":
            raise OptionError(
                f"--answers {','.join(self.answers)} with --history {self.history}: they are kept of single events; "
                "give --history events, or leave them out"
            )

    def _check_server(self) -> None:
        """Raise for what only a model in this process can be asked."""
        checked_address(self.base_url, "--base-url")
        for name in ("k", "pooling", "layers", "compile", "prompt", "align_to"):
            setting, value = self.settings()[name], getattr(self, name)
            if value != setting.default:
                shown = "" if value is True else f" {','.join(map(str, value)) if isinstance(value, tuple) else value}"
                raise OptionError(f"{setting.flag}{shown} with --engine openai: leave it out, a server pools itself")

    def fingerprint(self) -> dict[str, Any]:
        """Of a server, nothing that only models in this process have; of a prompt its words count, not its name."""
        kept = super().fingerprint()
        kept.pop("prompt", None)
        if self.engine is EngineName.OPENAI:
            del kept["pooling"]
        return kept


_NOT_OF_EVENTS = {
    "texts": "events are read from the events themselves",
    "layers": "every layer of events is kept",
    "dims": "--whiten N makes their vectors shorter",
}


def _last_layer(k: tuple[int, ...], default: tuple[int, ...]) -> tuple[int, ...]:
    """The k of a model's own pooling, which reads the last layer alone: 1, unless another was asked for."""
    if k not in (default, (1,)):
        raise OptionError(
            f"--k {','.join('all' if one == 0 else str(one) for one in k)} with --pooling model: a model's own pooling"
            " reads the last layer alone; leave --k out, or give 1"
        )
    return (1,)


@dataclass(frozen=True)
class ModelExportOptions(Options):
    """A model to a folder that sentence-transformers reads."""

    k: int = option(8, "Last layers averaged, or all.", minimum=1, unit="layers", names=ALL_LAYERS)
    """0 stands for all of the model's layers."""

    pooling: Pooling = like(EmbedOptions, "pooling")

    max_length: int = like(EmbedOptions, "max_length", help="Tokens a text.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pooling is Pooling.MODEL:
            (k,) = _last_layer((self.k,), (type(self).k,))
            object.__setattr__(self, "k", k)  # frozen for everybody else
