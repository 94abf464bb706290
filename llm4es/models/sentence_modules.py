"""What a sentence-transformers folder says of the way from token states to a vector.

In: a model folder. Out: its pooling, the steps after it, its prompt: all that ``SentenceTransformer(folder)`` does
with a text and that layer sums allow, or an error that names what they do not. Imports no torch: a run that finds
nothing to do costs nothing. Knows no texts and no network.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..core.errors import ModelError
from .cached_hash import cached_hash
from .json_files import read_array, read_object

MODULES, TRANSFORMER, WHOLE = "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"
"""The files that make a folder one of sentence-transformers: its steps, its network's settings, its prompts."""

FORMERLY = ("roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
"""Networks after which the first versions called the settings' file, in the order in which they are looked for."""


class TokenPooling(StrEnum):
    """How token states become one, by sentence-transformers' names of those that are sums over tokens."""

    MEAN = "mean"  # over all tokens, special tokens included
    MEAN_SQRT_LEN = "mean_sqrt_len_tokens"  # their sum, over the square root of their number
    CLS = "cls"  # the first token's state
    LAST = "lasttoken"  # the last token's state


LEGACY = {
    "pooling_mode_cls_token": TokenPooling.CLS,
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": TokenPooling.MEAN,
    "pooling_mode_mean_sqrt_len_tokens": TokenPooling.MEAN_SQRT_LEN,
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": TokenPooling.LAST,
}
"""How versions before 6 say it: a switch a pooling."""


@dataclass(frozen=True)
class Dense:
    """A linear layer after the pooling."""

    folder: Path
    """Where its settings and weights are."""
    in_features: int
    out_features: int
    bias: bool
    activation: str
    """A class of torch, by its full name."""


@dataclass(frozen=True)
class SentenceModules:
    """From token states to a vector, as a sentence-transformers folder has it."""

    pooling: TokenPooling
    include_prompt: bool
    """Whether the prompt's tokens are pooled too."""
    steps: tuple[Dense | None, ...]
    """What follows, in order; None: division by the length."""
    prompt: str
    """What is put before every text: the prompt that is the folder's default."""
    max_seq_length: int | None
    """Tokens at which sentence-transformers cuts a text; None: as many as the model has positions for."""
    lower_case: bool
    """Whether texts are read in lower case, whatever the tokenizer does."""
    dim: int
    """Width of the vector."""
    cut: bool
    """Whether that is less than the steps give: the folder keeps the first dimensions alone."""
    files: tuple[str, ...]
    """The files that say so, but the network's settings, and the dense layers' weights: paths in the folder."""

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What moves a vector, as plain values; of the dense layers' weights the hash."""
        dense = [
            None
            if step is None
            else {
                "sizes": [step.in_features, step.out_features],
                "activation": step.activation,
                "weights": cached_hash(step.folder / "model.safetensors"),
            }
            for step in self.steps
        ]
        said = {"pooling": self.pooling.value, "include_prompt": self.include_prompt, "lower_case": self.lower_case}
        return {**said, "prompt": self.prompt, "steps": dense} | ({"cut": self.dim} if self.cut else {})

    def beside(self, max_length: int) -> str:
        """What of the folder changes what is read, for people: its prompt, and texts longer than it was made for."""
        said = [f"puts {self.prompt!r} before every text"] if self.prompt else []
        if self.max_seq_length is not None and max_length > self.max_seq_length:
            said.append(
                f"was made for texts of {self.max_seq_length} tokens and reads up to {max_length}: with --max-length"
                f" {self.max_seq_length} no text is longer"
            )
        return ", and ".join(said)


def read_modules(folder: Path, name: str, dim: int) -> SentenceModules:
    """The steps of the model ``name`` in ``folder``, whose token states are ``dim`` wide.

    Raises ModelError for a folder that says none, and for a step that layer sums do not allow.
    """
    listed = folder / MODULES
    if not listed.is_file():
        raise ModelError(f"--pooling model: {name} says no pooling of its own (no {MODULES}): give --pooling mean")
    kinds = list(_listed(listed))
    if [kind for kind, _ in kinds[:2]] != ["Transformer", "Pooling"] or kinds[0][1]:
        shown = ", ".join(kind for kind, _ in kinds)
        raise ModelError(f"--pooling model: {name} is made of {shown}; Transformer, Pooling, ... can be read")
    settings = _settings(folder, f"{kinds[1][1]}/config.json")
    steps: list[Dense | None] = []
    files = [MODULES, f"{kinds[1][1]}/config.json"]
    for kind, path in kinds[2:]:
        if kind == "Dense":
            steps.append(_dense(folder / path, name, dim))
            files += [f"{path}/config.json", f"{path}/model.safetensors"]
            dim = steps[-1].out_features if steps[-1] else dim
        elif kind == "Normalize":
            steps.append(None)
            files += [f"{path}/config.json"] if (folder / path / "config.json").is_file() else []
        elif kind != "Dropout":  # does nothing once a model is trained
            raise ModelError(f"--pooling model: the step {kind} of {name} cannot be read: give --pooling mean")
    transformer, whole = transformer_settings(folder), _settings(folder, WHOLE)
    if (task := transformer.get("transformer_task", "feature-extraction")) != "feature-extraction":
        raise ModelError(f"--pooling model: {name} is used for {task}, not for its states: give --pooling mean")
    prompts, default = whole.get("prompts"), whole.get("default_prompt_name")
    prompt = prompts.get(default) if isinstance(prompts, Mapping) and default is not None else ""
    if default is not None and not isinstance(prompt, str):
        raise ModelError(f"{folder}/{WHOLE} names a default prompt {default!r} that it does not hold: mend it")
    longest, first = transformer.get("max_seq_length"), whole.get("truncate_dim")
    kept = first if isinstance(first, int) and 0 < first < dim else dim
    return SentenceModules(
        pooling=_pooling(settings, name),
        include_prompt=settings.get("include_prompt", True) is not False,
        steps=tuple(steps),
        prompt=prompt or "",
        max_seq_length=longest if isinstance(longest, int) else None,
        lower_case=transformer.get("do_lower_case") is True,
        dim=kept,
        cut=kept < dim,
        files=(*files, *([WHOLE] if (folder / WHOLE).is_file() else [])),
    )


def _listed(file: Path) -> Iterator[tuple[str, str]]:
    """Class and folder of each step, in order."""
    steps = read_array(file)
    try:
        for step in sorted(steps, key=lambda step: int(step["idx"])):
            path = str(step["path"])
            if ".." in path or path.startswith("/"):
                raise ValueError(path)
            kind = str(step["type"])  # a class of somebody else's stays a whole name, which nothing here is called
            yield kind.rpartition(".")[2] if kind.startswith("sentence_transformers.") else kind, path
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file} lists no steps of sentence-transformers: fetch the model again") from error


def _pooling(settings: Mapping[str, Any], name: str) -> TokenPooling:
    """The one pooling that the settings ask for."""
    asked = settings.get("pooling_mode", [mode for switch, mode in LEGACY.items() if settings.get(switch) is True])
    modes = [asked] if isinstance(asked, str) else list(asked or ["mean"])
    if len(modes) != 1 or modes[0] not in list(TokenPooling):
        raise ModelError(
            f"--pooling model: {name} pools by {' and '.join(map(str, modes))}, which sums over tokens cannot give"
            f" ({', '.join(TokenPooling)} can): give --pooling mean"
        )
    return TokenPooling(modes[0])


def _dense(folder: Path, name: str, dim: int) -> Dense:
    """A linear layer's settings."""
    said = _settings(folder, "config.json")
    sizes = said.get("in_features"), said.get("out_features")
    activation = str(said.get("activation_function", "torch.nn.modules.activation.Tanh"))
    keys = said.get("module_input_name", "sentence_embedding"), said.get("module_output_name")
    if said.get("use_residual") or keys[0] != "sentence_embedding" or keys[1] not in (None, "sentence_embedding"):
        raise ModelError(f"--pooling model: {folder} is no plain linear layer over vectors: give --pooling mean")
    if not all(isinstance(size, int) for size in sizes) or sizes[0] != dim or not activation.startswith("torch.nn."):
        raise ModelError(f"--pooling model: {folder} does not take the {dim} dimensions of {name}: give --pooling mean")
    if not (folder / "model.safetensors").is_file():
        raise ModelError(f"{folder} has no safetensors weights: save the model with safe_serialization")
    return Dense(folder, dim, int(str(sizes[1])), said.get("bias", True) is not False, activation)


def transformer_settings(folder: Path) -> dict[str, Any]:
    """The network's settings, from the first of the files that sentence-transformers knows for them."""
    files = (TRANSFORMER, *(f"sentence_{kind}_config.json" for kind in FORMERLY))
    return next(filter(None, (_settings(folder, file) for file in files)), {})


def _settings(folder: Path, file: str) -> dict[str, Any]:
    """A file's settings; none where there is no such file."""
    return read_object(folder / file) if (folder / file).is_file() else {}
