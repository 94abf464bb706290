"""Models by name: the one place that finds them, and the one door through which they are loaded.

In: a name as a user types it, and the tuned models that the caller knows. Out: a ``ModelRef`` (where the model is, its
sizes, its fingerprint), and from that a ``Model`` ready to run. Finding a model imports neither torch nor transformers;
``load`` does. Knows no store: tuned models are handed in.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..core.errors import Llm4esError, ModelError
from ..core.versions import says_version, version_of
from ..options import Method
from .built_in import BUILT_IN, folder_of, is_here
from .folders import adapter_fingerprint, check_adapter, check_folder, folder_fingerprint, read_shape
from .gguf import dequantized, is_dequantized
from .hub import REPOSITORY, snapshot
from .ref import ModelRef, StoredModel
from .suggest import remedy


def resolve(name: str, stored: Mapping[str, StoredModel] | None = None, *, fetch: bool = True) -> ModelRef:
    """Find a model: of ``stored``, built in, a ``.gguf`` file, a local folder, a Hugging Face id (or ``id@revision``).

    What was fetched once is taken from this machine without asking the network. Imports neither torch nor transformers,
    but for a ``.gguf`` file that is dequantised for the first time.

    Parameters
    ----------
    name : str
        As a user types it.
    stored : mapping of str to StoredModel, optional
        Tuned models that the caller knows, by name.
    fetch : bool, default True
        Fetch, unpack and dequantise what this machine lacks; False: raise ModelError for it.

    Returns
    -------
    ModelRef
        Where the model is, its sizes and its fingerprint: all that ``load_model`` needs.

    Raises
    ------
    ModelError
        Where there is no such model (near names are suggested), or it is incomplete, pickled or no decoder.
    FetchError
        Where a built-in model is not on this machine and cannot be fetched.

    Examples
    --------
    >>> resolve("smollm2-135m").dim  # doctest: +SKIP
    576
    >>> resolve("./none")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    llm4es.core.errors.ModelError: no model folder at ./none: give a folder, a .gguf file, ... one of ...
    """
    return _resolve(name, stored or {}, refresh=False, fetch=fetch)


def pull(name: str, stored: Mapping[str, StoredModel] | None = None) -> ModelRef:
    """As ``resolve``, but a Hugging Face id is asked for at the hub, so that a moved branch is followed.

    Parameters
    ----------
    name, stored
        As of ``resolve``.

    Returns
    -------
    ModelRef
        As of ``resolve``, of what the hub has now.

    Raises
    ------
    ModelError
        As ``resolve``, and where the hub cannot be reached.

    Examples
    --------
    >>> pull("Qwen/Qwen2.5-0.5B").revision  # doctest: +SKIP
    '060db6499f32faf8b98477b0a26969ef7d8b9987'
    """
    return _resolve(name, stored or {}, refresh=True)


def _resolve(name: str, stored: Mapping[str, StoredModel], *, refresh: bool, fetch: bool = True) -> ModelRef:
    if name in stored:
        return _stored(stored[name], stored, refresh=refresh, fetch=fetch)
    if name in BUILT_IN:
        if not fetch and not is_here(BUILT_IN[name]):
            raise ModelError(f"{name} is not on this machine")
        return _local(name, folder_of(BUILT_IN[name]))
    known = sorted([*BUILT_IN, *stored])
    one_of = f"one of {', '.join(known)}"
    if not name.strip():
        raise ModelError(f"--model {name!r} names no model: give a folder, a .gguf file, a Hugging Face id or {one_of}")
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"no file at {path}: {remedy(name, known, 'give the path of a .gguf file that is there')}")
        if not fetch and not is_dequantized(path):
            raise ModelError(f"{path} is not dequantised on this machine")
        return _local(_unversioned(path.stem, path), dequantized(path))
    if path.is_dir():
        return _local(_unversioned(path.resolve().name, path), path.resolve())
    identifier, _, revision = name.partition("@")
    if path.is_absolute() or name.startswith((".", "~")) or path.exists() or not re.fullmatch(REPOSITORY, identifier):
        otherwise = f"give a folder, a .gguf file, a Hugging Face id or {one_of}"
        raise ModelError(f"no model folder at {name}: {remedy(name, known, otherwise)}")
    what_else = remedy(name, known, f"give {one_of}")
    folder, commit = snapshot(identifier, revision or None, refresh=refresh, what_else=what_else, fetch=fetch)
    return _local(name, folder, commit)


def _unversioned(name: str, path: Path) -> str:
    """A folder's or file's name, which must not read as a version of another model."""
    if says_version(name):
        raise ModelError(
            f"{path}: {name} reads as version {version_of(name).number} of {version_of(name).family}: rename it"
        )
    return name


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
        encoder=shape.encoder,
        was_read_causally=shape.was_read_causally,
        fingerprint=folder_fingerprint(folder),
        revision=revision,
    )


def _stored(model: StoredModel, stored: Mapping[str, StoredModel], *, refresh: bool, fetch: bool) -> ModelRef:
    """A tuned model: full weights of its own, or an adapter on its base."""
    if Method(model.method) == Method.FULL:
        own = _local(model.name, model.folder)
        return replace(own, base=model.base)
    check_adapter(model.folder)
    others = {name: other for name, other in stored.items() if name != model.name}
    base = _base(model, others, refresh=refresh, fetch=fetch)
    if base.adapter is not None:
        raise ModelError(
            f"{model.name} was tuned on {base.name}, itself a LoRA: tune {base.base} or full weights instead"
        )
    if model.base_fingerprint not in (None, base.fingerprint):
        raise ModelError(f"{model.name} was tuned on another {base.name} than the one found here: tune it again")
    fingerprint = adapter_fingerprint(model.folder, base.fingerprint)
    return replace(base, name=model.name, adapter=model.folder, base=base.name, fingerprint=fingerprint)


def _base(model: StoredModel, stored: Mapping[str, StoredModel], *, refresh: bool, fetch: bool) -> ModelRef:
    """What a model was tuned from; an error says that it is the base of this one."""
    try:
        return _resolve(model.base, stored, refresh=refresh, fetch=fetch)
    except Llm4esError as error:
        path = Path(model.base)
        if path.is_absolute() and not path.exists():
            why, advice = "is gone", "put it back there, or give `llm4es finetune` its new place, which trains nothing"
        else:
            why, advice = f"is not to be had ({error})", f"put it back there, or tune {model.name} again"
        raise type(error)(f"{model.name} was tuned from {model.base}, which {why}: {advice}") from error
