"""A model's own pooling: the vector that ``SentenceTransformer(folder).encode(text)`` gives.

In: a loaded model whose folder is one of sentence-transformers. Out: a ``Pooler`` with the folder's prompt, pooling,
dense layers and normalisation. It takes the last layer alone, so its vectors are (1, D). Knows no entities.

A text of several windows is pooled as if it were one: the mean over the tokens of all of them; for the first or last
token, the mean over the windows' ones. The dense layers and the normalisation come after that, once. Several variants
are averaged as vectors, and the mean is normalised where the model normalises.
"""

import copy
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers.normalizers import Lowercase, Normalizer
from tokenizers.normalizers import Sequence as Normalizers
from torch import Tensor, nn

from ..core.errors import ModelError, one_line
from ..models.architecture import check_predicts
from ..models.load import Model
from ..models.sentence_modules import Dense, SentenceModules, TokenPooling, read_modules
from ..options import EmbedOptions, Pooling
from .pooler import Pooler, PromptPooler
from .pooling import Span
from .prompts import Asked, Combine, PromptSet, built_in_prompt, parse_prompts

# W windows, L layers, D width

Step = Callable[[Tensor], Tensor]
"""(D) -> (D)"""


@dataclass(frozen=True)
class ModelPooler(Pooler):
    """The pooling that a sentence-transformers folder brings."""

    modules: SentenceModules | None = None
    steps: tuple[Step, ...] = ()
    """What follows the pooling."""
    n_left_out: int = 0
    """Tokens at a window's beginning that are read and not pooled: the prompt's, where the folder says so."""

    def span(self, length: int, prefix: int, suffix: int) -> Span:
        """As sentence-transformers counts: special tokens are tokens like others."""
        start = min(self.n_left_out, length - 1)
        if self._pooling == TokenPooling.CLS:
            return start, start + 1
        return (length - 1 if self._pooling == TokenPooling.LAST else start), length

    def of_text(self, sums: NDArray[np.float32], n_tokens: int) -> NDArray[np.float32]:
        """A text's vector, (1, D), from its windows' sums, (W, L, D)."""
        by = n_tokens**0.5 if self._pooling == TokenPooling.MEAN_SQRT_LEN else n_tokens
        state = torch.from_numpy(np.asarray(sums[:, -1].sum(0) / by, np.float32))  # (D)
        with torch.inference_mode():
            for step in self.steps:
                state = step(state)
        return state.numpy()[None, : self.dim]

    def of_entity(self, texts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The mean of the variants' vectors, at the length that each of them has where they have one."""
        if len(texts) == 1:
            return texts[0]
        mean = np.stack(texts).mean(0)  # (1, D)
        normalised = self.modules is not None and self.modules.steps[-1:] == (None,) and not self.modules.cut
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12) if normalised else mean, np.float32)

    @property
    def _pooling(self) -> TokenPooling:
        return TokenPooling.MEAN if self.modules is None else self.modules.pooling


def pooler_for(model: Model, options: EmbedOptions, prompts: PromptSet | None = None) -> Pooler:
    """The pooling that the options ask for. Raises ModelError where the model has none of its own, or predicts nothing.

    ``prompts`` are about histories; None: the built-in ones of the name that the options say.
    """
    if options.prompt is not None:
        check_predicts(model.ref, "asked")
        prompts = prompts or parse_prompts(built_in_prompt(options.prompt), options.prompt, Asked.HISTORIES)
        dim = len(prompts.templates) * model.ref.dim if prompts.combine is Combine.JOIN else None
        return PromptPooler(options.pooling, model.tokenizer, dim=dim, prompts=prompts)
    if options.pooling is not Pooling.MODEL:
        return Pooler(options.pooling, model.tokenizer)
    modules = read_modules(model.ref.folder, model.ref.name, model.ref.dim)
    tokenizer = _lower_cased(model.tokenizer) if modules.lower_case else model.tokenizer
    if any(
        token in modules.prompt for token in tokenizer.all_special_tokens
    ):  # texts have none: they are read as letters
        raise ModelError(f"--pooling model: the prompt of {model.ref.name} holds a control token: give --pooling mean")
    left_out = 0 if modules.include_prompt else _prompt_tokens(tokenizer, modules.prompt)
    steps = tuple(_linear(step) if step else _unit for step in modules.steps)
    return ModelPooler(options.pooling, tokenizer, modules.prompt, modules.dim, modules, steps, left_out)


def _unit(state: Tensor) -> Tensor:
    return nn.functional.normalize(state, dim=-1)  # (D)


def _linear(dense: Dense) -> Step:
    """A dense layer with its weights and activation."""
    place, _, kind = dense.activation.rpartition(".")
    try:
        activation: Any = getattr(importlib.import_module(place), kind)  # of torch.nn: checked where it was read
        layer = nn.Linear(dense.in_features, dense.out_features, bias=dense.bias)
        weights = load_file(dense.folder / "model.safetensors")
        layer.load_state_dict({name.removeprefix("linear."): tensor.float() for name, tensor in weights.items()})
        return nn.Sequential(layer, activation()).eval().requires_grad_(False)
    except Exception as error:  # foreign files: whatever reading them raises, the folder is what is wrong
        raise ModelError(
            f"the dense layer in {dense.folder} cannot be read ({one_line(error, 200)}): fetch the model again"
        ) from error


def _prompt_tokens(tokenizer: Any, prompt: str) -> int:
    """Tokens of a prompt alone, but for a special one at its end: as sentence-transformers counts them."""
    ids = tokenizer(prompt)["input_ids"] if prompt else []
    return len(ids) - bool(ids and ids[-1] in tokenizer.all_special_ids)


def _lower_cased(tokenizer: Any) -> Any:
    """The tokenizer reading in lower case, as sentence-transformers makes it."""
    made = copy.deepcopy(tokenizer)
    own: Normalizer | None = made.backend_tokenizer.normalizer
    made.backend_tokenizer.normalizer = Lowercase() if own is None else Normalizers([Lowercase(), own])
    return made
