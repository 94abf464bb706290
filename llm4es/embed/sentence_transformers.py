"""A model to a folder that ``SentenceTransformer(folder).encode(texts)`` reads.

In: a loaded model (an adapter merged), k, pooling and the length of a text. Out: the folder: the network without its
head, the tokenizer, and the modules that average the last k layers and pool the tokens. A text that fits in
``max_length`` gets the vector that ``embed`` gives it; longer ones are cut at the end by that library, not between
events. Knows no store, and needs sentence-transformers only where the folder is read.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ..core.errors import ModelError, OptionError, one_line
from ..core.quiet import quiet
from ..inputs.best_layout import takes_padding
from ..models.load import Model
from ..models.ref import check_length, effective_k
from ..models.sentence_modules import MODULES, TRANSFORMER, read_modules, transformer_settings
from ..options import LoadIn, Pooling

POOLING_MODES = {Pooling.MEAN: "pooling_mode_mean_tokens", Pooling.LAST: "pooling_mode_lasttoken"}
"""sentence-transformers' names of the poolings that it has."""

STEPS = {
    "": "sentence_transformers.models.Transformer",
    "1_WeightedLayerPooling": "sentence_transformers.models.WeightedLayerPooling",
    "2_Pooling": "sentence_transformers.models.Pooling",
}
"""Folder and class of each step from texts to vectors, in order."""


def export(model: Model, to: Path, k: int, pooling: Pooling, max_length: int) -> Path:
    """Write a folder that ``SentenceTransformer`` reads, whole or not at all.

    Parameters
    ----------
    model : Model
        What ``load_model`` gave; not quantised.
    to : pathlib.Path
        A folder that is new or empty.
    k : int
        Last layers averaged; 0, or more than there are, stands for all.
    pooling : Pooling
        ``mean``, ``last``, or ``model``: the pooling that a sentence-transformers folder came with.
    max_length : int
        Tokens of a text, at most the model's context; longer texts are cut at the end.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OptionError
        Where sentence-transformers has no such pooling, the model is quantised or cannot be padded, or the folder is
        not empty.
    ModelError
        Where ``max_length`` is above the context, or the folder cannot be written.

    Examples
    --------
    >>> from llm4es.models import load_model, resolve
    >>> model = load_model(resolve("smollm2-135m"))  # doctest: +SKIP
    >>> export(model, Path("mine-embedder"), k=8, pooling=Pooling.MEAN, max_length=512)  # doctest: +SKIP
    PosixPath('mine-embedder')
    """
    own = pooling is Pooling.MODEL
    if not own and pooling not in POOLING_MODES:
        raise OptionError(
            f"--pooling {pooling.value}: sentence-transformers has no such pooling; give mean, last or model"
        )
    if model.options.load_in != LoadIn.NONE:
        raise OptionError(
            f"--load-in {model.options.load_in.value}: export a model as it is, and quantise it on loading"
        )
    check_length(model.ref, max_length)
    if not takes_padding(model.network, model.ref.n_layers, max_length):
        raise OptionError(
            f"{model.name} gives a padded text other states, and sentence-transformers pads: embed with llm4es instead"
        )
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise OptionError(f"{to} is there and not empty: give a folder that is new")
    part = to.with_name(f".{to.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        (k,) = effective_k((k,), model.ref.n_layers)
        _network(model, part, all_layers=not own)
        (part / TRANSFORMER).write_text(json.dumps({"max_seq_length": max_length, "do_lower_case": False}))
        if own:
            _own_modules(model, part, max_length)
        else:
            _modules(model, part, k, pooling)
        if to.exists():
            to.rmdir()
        part.rename(to)
    except OSError as error:
        raise ModelError(f"cannot write {to}: {one_line(error)}; give a folder you can write") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return to


def _network(model: Model, to: Path, *, all_layers: bool) -> None:
    """Weights, settings and tokenizer; the settings ask for all hidden states where they are averaged."""
    network: Any = model.network
    sees = network.config.get_text_config() is not network.config
    # of a model that also sees, the part that reads: that library would ask for what prepares images
    decoder = getattr(network.base_model, "language_model", network.base_model) if sees else network.base_model
    tokenizer = model.tokenizer
    with quiet():
        decoder.save_pretrained(to)
        tokenizer.save_pretrained(to)
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, "output_hidden_states": all_layers}, indent=2))
    settings = json.loads((to / "tokenizer_config.json").read_text())
    # the library pads texts of a batch, and a vector of last tokens needs the padding behind them
    settings["split_special_tokens"] = True  # a control token in data is text, there as here
    settings |= {"pad_token": tokenizer.pad_token or tokenizer.eos_token, "padding_side": "right"}
    (to / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))


def _own_modules(model: Model, to: Path, max_length: int) -> None:
    """The steps that the model came with, as they are; its texts as long as was asked for."""
    folder = model.ref.folder
    for file in read_modules(folder, model.ref.name, model.ref.dim).files:
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, to / file)
    settings = transformer_settings(folder)
    (to / TRANSFORMER).write_text(json.dumps({**settings, "max_seq_length": max_length}))


def _modules(model: Model, to: Path, k: int, pooling: Pooling) -> None:
    """The steps after the network, each in its folder, and the list of them."""
    dim, n_layers = model.ref.dim, model.ref.n_layers
    first = n_layers + 1 - k  # hidden states are counted from the embeddings' output, 0
    layers = {"word_embedding_dimension": dim, "layer_start": first, "num_hidden_layers": n_layers}
    modes = {name: mode == pooling for mode, name in POOLING_MODES.items()}
    pool = {"word_embedding_dimension": dim, **modes, "pooling_mode_cls_token": False, "pooling_mode_max_tokens": False}
    for folder, settings in {"1_WeightedLayerPooling": layers, "2_Pooling": pool}.items():
        (to / folder).mkdir()
        (to / folder / "config.json").write_text(json.dumps(settings, indent=2))
    save_file({"layer_weights": torch.ones(k)}, to / "1_WeightedLayerPooling" / "model.safetensors")
    listed = [
        {"idx": index, "name": str(index), "path": path, "type": kind}
        for index, (path, kind) in enumerate(STEPS.items())
    ]
    (to / MODULES).write_text(json.dumps(listed, indent=2))
