"""``llm4es finetune``: texts of train entities to a model in the store."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.config import FINETUNE_PRESETS, STEP_PRESETS, FinetuneOptions, LoadOptions, Method
from llm4es.errors import OptionError

from ..options import (
    DEFAULT_STORE,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    RecipeArgument,
    SeedOption,
    StoreOption,
    names,
)
from ..registry import stored_models
from ..screen import Screen
from ..screen import steps as increments
from ..selection import Texts, choose_texts, entities_sql, raw_config
from ..work import Outcome, Work, show_outcomes
from .embed import DEFAULT_MODEL, DeviceOption, DtypeOption, LoadInOption, ModelOption, TrustOption

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.finetune import Tuned
    from llm4es_store import Run


def finetune(
    recipe: RecipeArgument,
    model: ModelOption = DEFAULT_MODEL,
    name: Annotated[
        str | None, typer.Option("--name", help="What the tuned model is called; default: MODEL-RECIPE.")
    ] = None,
    method: Annotated[Method, typer.Option("--method", help="Adapters, or every weight.")] = FinetuneOptions.method,
    steps: Annotated[
        str | None,
        typer.Option("--steps", metavar="N|dry_run|tiny_run", help="Steps; dry_run is 2, tiny_run 50."),
    ] = None,
    epochs: Annotated[float, typer.Option("--epochs", help="Passes over the texts, without --steps.")] = (
        FinetuneOptions.epochs
    ),
    preset: Annotated[
        str | None, typer.Option("--preset", help="Start from these options: paper (arXiv 2508.05688).")
    ] = None,
    texts: Annotated[str, typer.Option("--texts", help="raw, all, or variants by name.")] = "all",
    max_length: Annotated[int | None, typer.Option("--max-length", min=2, help="Tokens a sequence.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")] = None,
    patience: Annotated[
        int | None,
        typer.Option("--patience", min=1, help="Held-out measurements without a new best until it stops."),
    ] = None,
    evaluate_every: Annotated[
        int | None, typer.Option("--evaluate-every", min=1, help="Steps between held-out measurements.")
    ] = None,
    load_in: LoadInOption = LoadOptions.load_in,
    dtype: DtypeOption = LoadOptions.dtype,
    device: DeviceOption = LoadOptions.device,
    trust_remote_code: TrustOption = False,
    seed: SeedOption = FinetuneOptions.seed,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train on the train entities' texts by next-token prediction; the model lands in the store.

    Examples:

        llm4es finetune movielens-100k --steps tiny_run

        llm4es finetune movielens-100k --method full --epochs 2 --name mine

        llm4es embed movielens-100k --model mine
    """
    given = {
        "max_length": max_length,
        "learning_rate": learning_rate,
        "patience": patience,
        "evaluate_every": evaluate_every,
        "steps": parse_steps(steps),
    }
    options = start_from(
        preset, method=method, texts=names(texts), epochs=epochs, seed=seed, **{k: v for k, v in given.items() if v}
    )
    load = LoadOptions(load_in=load_in, dtype=dtype, device=device, trust_remote_code=trust_remote_code)
    work = Work(recipe, store, Screen(quiet), max_entities=max_entities, dry_run=dry_run)
    show_outcomes([finetune_stage(work, model, name, load, options)], format_, dry_run=dry_run)


def parse_steps(text: str | None) -> int | None:
    """``tiny_run`` -> 50, ``20`` -> 20, None -> None. Raises OptionError for anything else."""
    if text is None:
        return None
    if text in STEP_PRESETS:
        return STEP_PRESETS[text]
    if not text.isdigit() or int(text) < 1:
        raise OptionError(f"--steps {text!r} is no number of steps: give one above 0, or {', '.join(STEP_PRESETS)}")
    return int(text)


def start_from(preset: str | None, **given: object) -> FinetuneOptions:
    """The preset's options where nothing else was typed. Raises OptionError for an unknown preset."""
    import dataclasses

    if preset is None:
        return FinetuneOptions(**given)  # type: ignore[arg-type]  # checked by the dataclass and by typer
    if preset not in FINETUNE_PRESETS:
        raise OptionError(f"--preset {preset!r} is unknown: there is {', '.join(FINETUNE_PRESETS)}")
    kept = {k: v for k, v in given.items() if k not in ("method", "epochs")}
    return dataclasses.replace(FINETUNE_PRESETS[preset], **kept)  # type: ignore[arg-type]  # as above


def finetune_stage(
    work: Work, model_name: str, name: str | None, load: LoadOptions, options: FinetuneOptions
) -> Outcome:
    """Tune a model, unless the store has one of this name made the same way from the same texts."""
    from llm4es.fingerprint import config_id, text_hash
    from llm4es.models import check_length, resolve, space_fingerprint
    from llm4es_store import Reason

    began = time.monotonic()
    tuned_name = name or default_name(model_name, work.dataset)
    if tuned_name == model_name:
        raise OptionError(f"--name {name!r} is the base model's own name: choose another")
    chosen = choose_texts(work.store, work.dataset, options.texts)
    ref = resolve(model_name, stored_models(work.store))
    check_length(ref, options.max_length)
    train, held_out = _rows(work, chosen, "train"), _rows(work, chosen, "validation")
    if not len(train):
        raise OptionError(f"no train entities of {work.dataset!r} among those chosen: raise --max-entities")
    content = text_hash("\n".join(sorted(train["text_hash"].to_pylist())))
    config = {"base": space_fingerprint(ref, load), "options": options.fingerprint(), "texts": chosen.pairs}
    made_by = config_id(config)
    live = work.store.sql("SELECT model, config_id, source_hash FROM models").fetchall()
    reasons = {}
    if (tuned_name, made_by, content) not in live:
        same_config = any(row[:2] == (tuned_name, made_by) for row in live)
        known = any(row[0] == tuned_name for row in live)
        reasons = {str(Reason.CHANGED if same_config else Reason.CONFIG if known else Reason.NEW): 1}
    if work.dry_run:
        return Outcome("finetune", tuned_name, 1, len(reasons), 1 - len(reasons), reasons, 0.0, made_by)
    with work.run(
        "finetune", {"config_id": made_by, "model_name": tuned_name, "base_name": model_name, **config}
    ) as run:
        run.record.rows_in = len(train)
        run.record.rows_reused = 1 - len(reasons)
        if reasons:
            run.begin()
            folder = f"{tuned_name.replace('/', '--')}-{made_by}-{content[:8]}"
            tuned = _train(work, train, held_out, model_name, load, options, folder)
            _keep(work, run, tuned, tuned_name, model_name, ref.fingerprint, load, made_by, content, folder)
            run.record.message = tuned.verdict
            run.record.rows_computed = 1
            work.screen.say(f"finetune {tuned_name}: {tuned.verdict}")
        seconds = time.monotonic() - began
        return Outcome("finetune", tuned_name, 1, len(reasons), 1 - len(reasons), reasons, seconds, made_by)


def default_name(model: str, dataset: str) -> str:
    """The tuned model's name where none is given: ``smollm2-135m-movielens-100k``."""
    return f"{model.rstrip('/').split('/')[-1].removesuffix('.gguf')}-{dataset}"


def _rows(work: Work, chosen: Texts, split: str) -> "pa.Table":
    """The texts of a split's entities."""
    from llm4es_store import where

    entities = entities_sql(work.dataset, raw_config(work.store, work.dataset), work.max_entities)
    of_split = where({"dataset": work.dataset, "split": split, "name": work.recipe.splits.default})
    return work.store.sql(
        f"""SELECT * FROM texts WHERE {chosen.condition} AND entity_id IN ({entities})
        AND entity_id IN (SELECT entity_id FROM splits WHERE {of_split}) ORDER BY entity_id, variant"""
    ).to_arrow_table()


def _train(
    work: Work,
    train: "pa.Table",
    held_out: "pa.Table",
    model_name: str,
    load: LoadOptions,
    options: FinetuneOptions,
    folder: str,
) -> "Tuned":
    from llm4es.finetune import finetune as tune
    from llm4es.models import load as load_model
    from llm4es.models import resolve

    work.screen.say(f"finetune: loading {model_name}")
    model = load_model(resolve(model_name, stored_models(work.store)), load)
    with work.screen.progress(f"finetune {model_name}", options.steps, "steps") as advance:
        so_far = increments(advance)
        target = work.store.layout.folder("models") / folder
        return tune(train, held_out, model, options, target, lambda step, total, loss: so_far(step))


def _keep(
    work: Work,
    run: "Run",
    tuned: "Tuned",
    name: str,
    base: str,
    base_fingerprint: str,
    load: LoadOptions,
    made_by: str,
    content: str,
    folder: str,
) -> None:
    """Enter the model, and whom it has seen, into the store; the model last, since its row makes it known."""
    import pyarrow as pa

    from llm4es.schemas import MODELS

    row = {
        "model": name,
        "base": base,
        "base_fingerprint": base_fingerprint,
        "method": str(tuned.method),
        "fingerprint": tuned.fingerprint,
        "n_layers": tuned.n_layers,
        "dim": tuned.dim,
        "load_in": str(load.load_in),
        "dtype": str(load.dtype),
        "path": f"models/{folder}",
        "dataset": work.dataset,
        "steps": tuned.steps,
        "n_entities": tuned.n_entities,
        "held_out_loss_before": tuned.held_out_loss_before,
        "held_out_loss_after": tuned.held_out_loss_after,
        "loss_curve": [{"step": s, "loss": loss, "held_out": held} for s, loss, held in tuned.loss_curve],
        "source_hash": content,
    }
    seen = tuned.exposures.append_column("fingerprint", pa.array([tuned.fingerprint] * len(tuned.exposures)))
    if (mirror := work.store.mirror()) is not None:
        mirror.upload(folder)  # a remote store: the weights are there before any row names them
    run.replace("exposures", {"model": name, "dataset": work.dataset}, seen)
    kept = pa.Table.from_pylist([row], schema=MODELS).append_column("config_id", pa.array([made_by]))
    run.replace("models", {"model": name}, kept)
