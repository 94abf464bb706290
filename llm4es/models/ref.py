"""A model that was found, and the space that its vectors live in.

In: what ``resolve`` found. Out: values that name a model and its vectors. Opens no file, loads no weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ModelError
from ..core.hashing import canonical_json, text_hash
from ..options import LoadIn, LoadOptions
from .devices import number_format


@dataclass(frozen=True)
class StoredModel:
    """A tuned model, as whoever keeps it describes it."""

    name: str
    """What ``--model`` takes."""

    folder: Path
    """The adapter's folder (method 'lora'), or a folder of full weights."""

    method: str
    """'lora' or 'full'."""

    base: str
    """Name of the model that was tuned, as ``--model`` took it."""

    base_fingerprint: str | None = None
    """Fingerprint of the base at that time; None skips the check that it is still the same."""


@dataclass(frozen=True)
class ModelRef:
    """A model that was found, complete and on this machine."""

    name: str
    """What tables and people call it."""

    folder: Path
    """Safetensors folder of the model, or of the base that ``adapter`` sits on."""

    adapter: Path | None
    """Folder of LoRA weights; None: there are none."""

    base: str
    """Name of the model that this one was tuned from; its own name where it was not."""

    n_layers: int
    """Transformer layers."""

    dim: int
    """Width of a token's state, and so of a vector."""

    context: int
    """Tokens that the model has positions for."""

    fingerprint: str
    """SHA-256 over weights, tokenizer and adapter: equal for the same model wherever it lies."""

    revision: str | None
    """Commit of the Hugging Face repository; None for a model from elsewhere."""

    encoder: bool = False
    """Whether it reads in both directions: it embeds, and predicts no next token."""

    was_read_causally: bool = False
    """Whether versions up to 0.1 read it in one direction: its vectors of then are of another space."""


def space_name(ref: ModelRef, options: LoadOptions, taken: Mapping[str, str] | None = None) -> str:
    """The name of the space that vectors live in: the model's, and what was done to it on loading.

    ``taken`` are the names in use with their fingerprints (``space_fingerprint``): a name that is another space's gets
    the first digits of this one's fingerprint, so that two spaces never share a name.
    """
    dtype = number_format(options)
    suffix = [options.load_in.value] if options.load_in != "none" else []
    suffix += [dtype] if dtype != "float32" else []
    name = "+".join([ref.name, *suffix])
    fingerprint = space_fingerprint(ref, options)
    if (taken or {}).get(name, fingerprint) != fingerprint:
        return f"{name}#{fingerprint[:8]}"
    return name


def space_fingerprint(ref: ModelRef, options: LoadOptions) -> str:
    """SHA-256 over the model's fingerprint, number format, quantization, and what versions up to 0.1 did otherwise.

    These are how 8-bit layers take outliers, and the direction in which encoders read.
    """
    outliers = {"outliers": "by row"} if options.load_in == LoadIn.INT8 else {}
    return _fingerprint(ref, options, outliers | ({"reads": "both ways"} if ref.was_read_causally else {}))


def load_fingerprint(ref: ModelRef, options: LoadOptions) -> str:
    """SHA-256 over the model's fingerprint, number format and quantization: of what is tuned or asked.

    Up to 0.1 it stood for the space of 8-bit vectors, too, when they depended on the batch that they were read in.
    """
    return _fingerprint(ref, options, {})


def _fingerprint(ref: ModelRef, options: LoadOptions, more: dict[str, str]) -> str:
    what = {"model": ref.fingerprint, "dtype": number_format(options), "load_in": options.load_in.value}
    return text_hash(canonical_json(what | more))


def check_length(ref: ModelRef, max_length: int) -> None:
    """Raise where windows are longer than the model has positions for."""
    if max_length > ref.context:
        raise ModelError(f"--max-length {max_length} is above the context of {ref.name}: give {ref.context} or less")


def check_dims(name: str, dim: int, dims: int | None) -> None:
    """Raise where more dimensions are to be kept than a vector has."""
    if dims is not None and dims > dim:
        raise ModelError(f"--dims {dims} is above the {dim} dimensions of {name}: give {dim} or less")


def effective_k(wanted: Sequence[int], n_layers: int) -> tuple[int, ...]:
    """The ``k`` of the rows that come out: 0, and all beyond the model's layers, are all of them; each once."""
    return tuple(dict.fromkeys(n_layers if k == 0 else min(k, n_layers) for k in wanted))
