"""The step ``finetune``: texts of train entities to a tuned model in the store.

In: a context, a model, options. Out: a row of ``models``, its weights, and in ``exposures`` whom it has seen, unless a
model of this name made the same way from the same texts is there. Knows no screen. Of several processes (``torchrun``,
``accelerate launch``) all train, and one alone writes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import OptionError
from ..core.hashing import combined_hash, config_id
from ..core.plan import Reason
from ..core.schemas import MODELS
from ..core.sql import where
from ..models.architecture import check_predicts
from ..models.built_in import builtin_models
from ..models.devices import number_format
from ..models.ref import ModelRef, check_length, load_fingerprint
from ..options import FinetuneOptions, LoadOptions
from .context import Context
from .executor import Increment, TableRows, Work
from .incremental import Job, incremental
from .moved_base import keep_new_place
from .observer import Advance, as_increments
from .outcome import Outcome
from .selection import Texts, choose_texts, entities_sql
from .stored_models import resolved

if TYPE_CHECKING:
    from llm4es_store import Run, Store

    from ..finetune.finetune import Tuned


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@dataclass(frozen=True)
class _Training:
    """What one training needs."""

    dataset: str
    model: ModelRef
    load: LoadOptions
    options: FinetuneOptions
    train: pa.Table
    """Texts of train entities."""
    held_out: pa.Table
    """Texts of validation entities."""
    folder: Path
    """Where the weights go."""
    row: dict[str, Any]
    """What the row of ``models`` says before the training."""


def finetune(
    context: Context, model: str | ModelRef, name: str | None, load: LoadOptions, options: FinetuneOptions
) -> Outcome:
    """Tune a model, unless the store has one of this name made the same way from the same texts.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    model : str or ModelRef
        What is tuned.
    name : str or None
        What the tuned model is called; None: ``default_name``.
    load : LoadOptions
        How the base is loaded.
    options : FinetuneOptions
        How it is tuned, on which texts.

    Returns
    -------
    Outcome
        One row is wanted, the model.

    Raises
    ------
    OptionError
        For the base model's own name, and where there are no train entities.
    StoreError
        Where there are no texts.
    ModelError
        For a model that is not found or cannot be loaded, and a training that broke it.

    Examples
    --------
    >>> from llm4es.options import FinetuneOptions, LoadOptions
    >>> options = FinetuneOptions.of(steps="dry_run", max_length=64)
    >>> finetune(context.with_(dry_run=True), folder, "tuned", LoadOptions(), options)
    finetune tuned: 1 to compute, 0 reused (1 new)
    """
    store, dataset = context.store, context.dataset
    base_name = model.name if isinstance(model, ModelRef) else model
    tuned_name = name or default_name(base_name, dataset)
    context.say_cutoff("finetune")
    chosen = choose_texts(store, dataset, options.texts, context.which)
    ref = resolved(store, model)
    _check_name(store, tuned_name, (base_name, ref.name))
    check_predicts(ref, "tuned")
    check_length(ref, options.max_length)
    train, held_out = _texts(context, chosen, "train"), _texts(context, chosen, "validation")
    if not len(train):
        raise OptionError(f"no train entities of {dataset!r} among those chosen: raise --max-entities")
    read = train.select(["entity_id", "variant", "text_hash"]).to_pylist()
    content = combined_hash([(f"{row['entity_id']}/{row['variant']}", row["text_hash"]) for row in read])
    config = {"base": load_fingerprint(ref, load), "options": options.fingerprint(), "texts": chosen.pairs}
    made = config_id(config)
    folder = f"{tuned_name.replace('/', '--')}-{made}-{content[:8]}"
    row = {
        "model": tuned_name,
        "base": _from_anywhere(base_name),
        "base_fingerprint": ref.fingerprint,
        "load_in": str(load.load_in),
        "dtype": number_format(load),
        "path": f"models/{folder}",
        "source_hash": content,
        "dataset": dataset,
        "config_id": made,
    }
    target = store.layout.folder("models") / folder
    training = _Training(dataset, ref, load, options, train, held_out, target, row)
    names = {"config_id": made, "model_name": tuned_name, "base_name": base_name, "revision": ref.revision}
    job = Job(
        stage="finetune",
        what=tuned_name,
        config_id=made,
        record={**names, **config},
        table="models",
        scope={"model": tuned_name, "config_id": made},
        key=("model",),
        wanted=pa.table({"model": [tuned_name], "source_hash": [content]}),
        rows_in=len(train),
        related_scope={"model": tuned_name},
        unseen=Reason.CONFIG,
        replaces=True,
        unit="steps",
        total=lambda _: options.steps,
        setup=partial(_set_up, training),
        committers={
            "exposures": partial(_keep_exposures, context, tuned_name, folder),
            "models": lambda run, rows: _keep_model(run, tuned_name, rows),
        },
        finish=lambda run: _verdict(context, run, tuned_name),
    )
    _warn_of_heirs(context, tuned_name, made, content)
    keep_new_place(context, row, job.record)
    return incremental(context, job)


def _warn_of_heirs(context: Context, name: str, config_id: str, content: str) -> None:
    """Say which models were tuned from the one that is about to be tuned anew."""
    models = context.store.sql("SELECT model, base, method, config_id, source_hash FROM models").fetchall()
    before = {model: (config, made_of) for model, _, _, config, made_of in models}
    heirs = {
        method: [m for m, base, how, *_ in models if base == name and how == method] for method in ("lora", "full")
    }
    if before.get(name, (config_id, content)) == (config_id, content) or not any(heirs.values()):
        return
    fates = {"lora": "a LoRA on it fits it no longer", "full": "full weights stay, of the one before"}
    told = "; ".join(f"{', '.join(heirs[method])} ({fate})" for method, fate in fates.items() if heirs[method])
    context.observer.warn(f"finetune: {name} is tuned anew, and others were tuned from it: {told}; tune them again too")


def default_name(model: str, dataset: str) -> str:
    """The tuned model's name where none is given: ``smollm2-135m-movielens-100k``.

    Parameters
    ----------
    model : str
        The base as it was named: a name, an id, a path.
    dataset : str
        Whose texts it is tuned on.

    Returns
    -------
    str
        The last part of the base's name, and the dataset's.

    Examples
    --------
    >>> default_name("models/base.gguf", "shop")
    'base-shop'
    """
    return f"{model.rstrip('/').split('/')[-1].removesuffix('.gguf')}-{dataset}"


def _check_name(store: "Store", name: str, base: tuple[str, str]) -> None:
    """A name stands for one model: never for the base, a built-in one, or one whose vectors are in the store."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise OptionError(f"--name {name!r} cannot name a model: take letters, digits, '.', '-', '_' and '/'")
    if name in base:
        raise OptionError(f"--name {name!r} is the base model's own name: choose another")
    tuned = {model for (model,) in store.sql("SELECT model FROM models").fetchall()}
    spaces = {model for (model,) in store.sql("SELECT DISTINCT model FROM embeddings").fetchall()}
    if name in {model.name for model in builtin_models()} or name in spaces - tuned:
        raise OptionError(f"--name {name!r} is another model's: choose another")


def _from_anywhere(model: str) -> str:
    """A model's name as it is found from any folder."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() else model


def _texts(context: Context, chosen: Texts, split: str) -> pa.Table:
    """The texts of a split's entities."""
    entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    of_split = where({"dataset": context.dataset, "split": split, "name": context.recipe.splits.default})
    return context.store.sql(
        f"""SELECT * FROM texts WHERE {chosen.condition} AND entity_id IN ({entities})
        AND entity_id IN (SELECT entity_id FROM splits WHERE {of_split}) ORDER BY entity_id, variant"""
    ).to_arrow_table()


def _set_up(training: _Training) -> Work:
    """The model in memory, ready to be trained."""
    from ..finetune import finetune as tune
    from ..models import load_model

    model = load_model(training.model, training.load)

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        so_far = as_increments(advance)
        for _ in batches:  # the one row that is to be made
            tuned = tune(
                training.train,
                training.held_out,
                model,
                training.options,
                training.folder,
                lambda step, total, loss: so_far(step),
            )
            yield [TableRows("exposures", _exposures(tuned)), TableRows("models", _model_row(training.row, tuned))]

    return work


def _exposures(tuned: "Tuned") -> pa.Table:
    """Whom the model has seen."""
    fingerprints = pa.array([tuned.fingerprint] * len(tuned.exposures), pa.string())
    return tuned.exposures.append_column("fingerprint", fingerprints)


def _model_row(row: dict[str, Any], tuned: "Tuned") -> pa.Table:
    """The row of ``models``."""
    measured = {
        "method": str(tuned.method),
        "fingerprint": tuned.fingerprint,
        "n_layers": tuned.n_layers,
        "dim": tuned.dim,
        "steps": tuned.steps,
        "n_entities": tuned.n_entities,
        "held_out_loss_before": tuned.held_out_loss_before,
        "held_out_loss_after": tuned.held_out_loss_after,
        "mean_cosine": tuned.mean_cosine,
        "verdict": tuned.verdict,
        "loss_curve": [{"step": s, "loss": loss, "held_out": held} for s, loss, held in tuned.loss_curve],
    }
    kept = pa.Table.from_pylist([{**row, **measured}], schema=MODELS)
    return kept.append_column("config_id", pa.array([row["config_id"]]))


def _keep_exposures(context: Context, model: str, folder: str, run: "Run", rows: pa.Table) -> None:
    """Enter whom the model has seen; a remote store has the weights before any row names them."""
    if (remote := context.store.remote_folders()) is not None:
        remote.upload(folder)
    run.replace("exposures", {"model": model, "dataset": context.dataset}, rows)


def _keep_model(run: "Run", model: str, rows: pa.Table) -> None:
    """Enter the model, last: its row makes it known."""
    run.replace("models", {"model": model}, rows)


def _verdict(context: Context, run: "Run", model: str) -> str:
    """What tuning did, where this run has tuned."""
    if not run.record.rows_computed:
        return ""
    ((verdict,),) = context.store.sql(f"SELECT verdict FROM models WHERE {where({'model': model})}").fetchall()
    return str(verdict)
