"""Fine-tune: texts and a model to a model that has read the train entities' histories.

In: texts of train entities, texts of held-out entities, a loaded model (used up: it is trained in place), options, a
folder. Out: a ``Tuned``: the folder of an adapter or of full weights, and what changed. Knows no splits (whoever calls
hands in the right entities), no store and no screen.

The order of the work: pieces -> rows -> train -> save -> did it change anything?

Letters: T tokens of a row, D width of a state.
"""

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel

from ..core.errors import ModelError, OptionError
from ..core.hashing import canonical_json, text_hash
from ..core.phases import phase
from ..core.processes import writes
from ..core.quiet import quiet
from ..inputs.attention import with_layout
from ..inputs.best_layout import best_layout
from ..inputs.check_texts import check_texts
from ..inputs.packing import real_share
from ..models.folders import adapter_fingerprint, folder_fingerprint
from ..models.load import Model
from ..models.lora import PeftModel, unreached, with_adapters
from ..models.placement import devices_of
from ..models.ref import check_length
from ..options import FinetuneOptions, Method, Optimizer
from .checkpoints import wait_for_all
from .chunked_loss import chunked_loss
from .examples import chosen, exposures_of, pieces, require
from .quality import check_changed, left_alone, measure, verdict
from .rows import TrainingRows
from .schedule import capacity, held_out_rows, held_out_tokens, in_order, wanted_tokens
from .trainer import Curve, Progress, TrainingResult, train

Trained = PreTrainedModel | PeftModel

READ = ("entity_id", "variant", "text", "text_hash", "event_offsets", "n_events")
"""Columns of the texts that tuning reads."""


@dataclass(frozen=True)
class Tuned:
    """A tuned model, and what tuning did."""

    folder: Path
    """Adapter (method 'lora') or full weights with tokenizer (method 'full'), in safetensors."""

    method: Method
    """Which weights changed."""

    fingerprint: str
    """What ``models.resolve`` will call it: SHA-256 over the files, and over the base where it is an adapter."""

    n_layers: int
    """Transformer layers."""

    dim: int
    """Width of a token's state."""

    steps: int
    """Optimizer steps made."""

    n_entities: int
    """Entities that the model was trained on."""

    held_out_loss_before: float | None
    """Nats a token of the base model on the held-out texts; None: there were none."""

    held_out_loss_after: float | None
    """Nats a token of the tuned model on the same texts."""

    loss_curve: Curve
    """Step, training loss, held-out loss where it was measured (nats a token)."""

    exposures: pa.Table
    """``entity_id``, ``n_rows``, ``text_hashes``, ``role``: who was seen, with how many texts, which, and what for:
    'train', or 'validation' for those whose loss could end the training early."""

    mean_cosine: float
    """Of base and tuned vectors (last state, mean over tokens) on some texts: 1 is no change of direction."""

    real_share: float
    """Share of the tokens computed in training that were text, 0..1."""

    verdict: str
    """What tuning did, in a plain sentence."""


def finetune(
    texts: pa.Table,
    held_out: pa.Table,
    model: Model,
    options: FinetuneOptions,
    folder: Path,
    progress: Progress | None = None,
) -> Tuned:
    """Train a model on texts; goes on where a killed run of the same configuration stopped in ``folder``.

    Parameters
    ----------
    texts : pyarrow.Table
        Texts of the entities to train on: ``entity_id``, ``variant``, ``text``, ``text_hash``, ``event_offsets`` and
        ``n_events``, as in ``llm4es.core.schemas.TEXTS``. Rows in any order.
    held_out : pyarrow.Table
        Texts that the loss is measured on and that are never trained on; may have no rows.
    model : Model
        What ``load_model`` gave. Used up: it is trained in place.
    options : FinetuneOptions
        Method, steps, tokens a step, learning rate, seed, and how often checkpoints are written.
    folder : pathlib.Path
        Where adapter or weights go, and checkpoints meanwhile.
    progress : callable, optional
        Called after each step with the step, the number of steps and the training loss (nats a token).

    Returns
    -------
    Tuned
        The folder, its fingerprint, the curve of the loss, who was seen, and a verdict in words.

    Raises
    ------
    DataError
        Where a column is missing or of another type, or no text has two tokens in a row.
    ModelError
        Where ``max_length`` is above the context, the model is itself an adapter (method 'lora'), the loss is no
        number, or tuning changed nothing.
    OptionError
        Where the method cannot change quantised weights, or the optimizer is not installed.

    Examples
    --------
    >>> from llm4es.models import load_model, resolve
    >>> from llm4es.options import FinetuneOptions
    >>> model = load_model(resolve("smollm2-135m"))  # doctest: +SKIP
    >>> tuned = finetune(train, held_out, model, FinetuneOptions(steps=50), Path("mine"))  # doctest: +SKIP
    >>> tuned.verdict  # doctest: +SKIP
    'Held-out loss fell by 20.1%: 2.310 -> 1.846 nats a token, on 8192 tokens; ...'
    """
    _check(model, options)
    for table in (texts, held_out):
        check_texts("finetune", table, READ)
    network = model.network
    texts, held_out = chosen(texts, options.texts), chosen(held_out, options.texts)
    layout = best_layout(network, model.ref.n_layers, options.max_length, capacity(options))
    with phase("cutting texts into rows"):
        train_pieces = pieces(texts, model.tokenizer, options.max_length, wanted_tokens(options), options.seed)
    require(train_pieces, texts, options.texts)
    steps, order = in_order([len(piece.tokens) for piece in train_pieces], layout, options)
    rows = [[train_pieces[i].tokens for i in row] for row in order]
    enough = held_out_tokens(rows, options)
    held_out_pieces = pieces(held_out, model.tokenizer, options.max_length, enough, options.seed)
    work = TrainingRows(rows, held_out_rows(held_out_pieces, layout, options), layout, steps)
    run = _run_name(texts, held_out, model, options)
    use_cache = getattr(network.config, "use_cache", None)  # a few architectures have no such setting
    with quiet():
        with chunked_loss(network, options.logit_chunk), with_layout(network, layout):
            before = measure(network, network, work, "before training")
            trained: Trained = (
                with_adapters(network, options) if options.method == Method.LORA else _all_weights(network)
            )
            left = left_alone(*unreached(trained)) if isinstance(trained, PeftModel) else ""
            outcome = train(trained, work, options, folder / "checkpoints", run, progress, model.dtype)
            if options.method == Method.FULL:
                _in_format(trained, model.dtype)  # as the weights came, and as they are written
            after = measure(trained, network, work, "after training")
        if use_cache is not None:
            network.config.use_cache = use_cache
        check_changed(before, after, options)
        with phase(f"writing {'the adapter' if options.method == Method.LORA else 'the weights'}"):
            _save(trained, outcome, model, options, folder)
    measured = sum(len(piece.tokens) for piece in held_out_pieces)
    cosine = float(F.cosine_similarity(before.vectors, after.vectors).mean())
    done = outcome.curve[-1][0]
    trained_on = exposures_of(texts, train_pieces, order[: done * options.accumulate])
    steering = exposures_of(held_out, held_out_pieces, [range(len(held_out_pieces))], "validation")
    exposures = pa.concat_tables([trained_on, steering]) if options.patience is not None else trained_on
    return Tuned(
        folder=folder,
        method=options.method,
        fingerprint=_fingerprint(model, options, folder),
        n_layers=model.ref.n_layers,
        dim=model.ref.dim,
        steps=done,
        n_entities=len(trained_on),
        held_out_loss_before=before.loss,
        held_out_loss_after=after.loss,
        loss_curve=outcome.curve,
        exposures=exposures,
        mean_cosine=cosine,
        real_share=real_share(work.rows, layout),
        verdict=verdict(before.loss, after.loss, measured, cosine) + left,
    )


def _check(model: Model, options: FinetuneOptions) -> None:
    """What cannot work, said before any work."""
    check_length(model.ref, options.max_length)
    model.require_head("tuned")
    if len(parts := devices_of(model.network)) > 1:
        raise ModelError(
            f"the weights of {model.ref.name} are shared out over {', '.join(parts)}: tune them by torchrun with FSDP"
            " (docs/finetuning.md), or with --load-in 4bit on one device"
        )
    if getattr(model.network, "is_quantized", False) and options.method == Method.FULL:
        load_in = model.options.load_in.value
        raise OptionError(
            f"--method full cannot change weights loaded in {load_in}: give --method lora, or --load-in none"
        )
    if options.optimizer == Optimizer.ADAMW_8BIT and find_spec("bitsandbytes") is None:
        raise OptionError("--optimizer adamw_8bit needs bitsandbytes: pip install 'llm4es[quant]'")
    if model.ref.adapter is not None and options.method == Method.LORA:
        raise ModelError(
            f"{model.ref.name} is itself a LoRA: tune its base {model.ref.base} for longer, or give --method full"
        )


def _run_name(texts: pa.Table, held_out: pa.Table, model: Model, options: FinetuneOptions) -> str:
    """Equal for a run that may go on from another's checkpoint."""
    read = {"texts": texts["text_hash"].to_pylist(), "held_out": held_out["text_hash"].to_pylist()}
    return text_hash(canonical_json({"options": options.fingerprint(), "model": model.fingerprint, **read}))


def _all_weights(network: PreTrainedModel) -> PreTrainedModel:
    """The network with every weight to be trained, in float32: small steps are lost in sixteen bits."""
    _in_format(network, torch.float32)
    return network.requires_grad_(True)


def _in_format(network: nn.Module, dtype: torch.dtype) -> None:
    """The weights in another number format; not the buffers, among them rotary frequencies that sixteen bits spoil."""
    for weight in network.parameters():
        weight.data = weight.data.to(dtype)


def _save(trained: Trained, outcome: TrainingResult, model: Model, options: FinetuneOptions, folder: Path) -> None:
    """The final weights beside the checkpoints, then the checkpoints away: a kill in between loses nothing."""
    outcome.save(str(folder))
    if writes():
        if options.method == Method.FULL:
            model.tokenizer.save_pretrained(folder)
        for left in ("training_args.bin", "README.md"):  # Trainer's pickle, peft's empty model card
            (folder / left).unlink(missing_ok=True)
        shutil.rmtree(folder / "checkpoints")
    wait_for_all()


def _fingerprint(model: Model, options: FinetuneOptions, folder: Path) -> str:
    if options.method == Method.FULL:
        return folder_fingerprint(folder)
    return adapter_fingerprint(folder, model.ref.fingerprint)
