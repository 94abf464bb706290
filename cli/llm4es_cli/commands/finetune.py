"""``llm4es finetune``: texts of train entities to a model in the store."""

import dataclasses
from typing import Annotated, Any

import typer

from llm4es.core.errors import OptionError
from llm4es.core.processes import writes
from llm4es.options import FINETUNE_PRESETS, STEP_PRESETS, FinetuneOptions, LoadOptions, Method, Optimizer

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
from ..screen import Screen
from ..tuning import finetune_stage
from ..work import Work, show_outcomes
from .embed import DEFAULT_MODEL, AttentionOption, DeviceOption, DtypeOption, LoadInOption, ModelOption, TrustOption

_LEARNING, _COST = "What is learned", "Memory and speed"


def finetune(
    context: typer.Context,
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
    max_length: Annotated[int, typer.Option("--max-length", min=2, help="Tokens a sequence.")] = (
        FinetuneOptions.max_length
    ),
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", help="Peak learning rate; lora 2e-4, full 2e-5.", rich_help_panel=_LEARNING),
    ] = None,
    warmup: Annotated[
        float, typer.Option("--warmup", help="Share of the steps over which it rises.", rich_help_panel=_LEARNING)
    ] = FinetuneOptions.warmup,
    weight_decay: Annotated[
        float, typer.Option("--weight-decay", help="AdamW's, decoupled.", rich_help_panel=_LEARNING)
    ] = FinetuneOptions.weight_decay,
    tokens_per_step: Annotated[
        int, typer.Option("--tokens-per-step", min=1, help="Tokens read at once.", rich_help_panel=_LEARNING)
    ] = FinetuneOptions.tokens_per_step,
    accumulate: Annotated[
        int,
        typer.Option(
            "--accumulate", min=1, help="Times that --tokens-per-step are read for one step.", rich_help_panel=_LEARNING
        ),
    ] = FinetuneOptions.accumulate,
    lora_rank: Annotated[
        int, typer.Option("--lora-rank", min=1, help="Rank of the adapters.", rich_help_panel=_LEARNING)
    ] = FinetuneOptions.lora_rank,
    evaluate_every: Annotated[
        int | None,
        typer.Option(
            "--evaluate-every",
            min=1,
            help="Steps between measurements of the held-out loss; default: before and after only.",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            min=1,
            help="Measurements without a new best until it stops and keeps the best.",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    held_out_tokens: Annotated[
        int | None,
        typer.Option(
            "--held-out-tokens",
            min=1,
            help="Tokens it is measured on; default: 8192, or a quarter of a short run's.",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    optimizer: Annotated[
        Optimizer, typer.Option("--optimizer", help="adamw_8bit needs the extra `quant`.", rich_help_panel=_COST)
    ] = FinetuneOptions.optimizer,
    gradient_checkpointing: Annotated[
        bool,
        typer.Option(
            "--gradient-checkpointing",
            help="Compute activations again instead of keeping them: less memory, a third more time.",
            rich_help_panel=_COST,
        ),
    ] = False,
    logit_chunk: Annotated[
        int,
        typer.Option("--logit-chunk", min=1, help="Tokens whose logits are held at once.", rich_help_panel=_COST),
    ] = FinetuneOptions.logit_chunk,
    save_every: Annotated[
        int,
        typer.Option(
            "--save-every",
            min=1,
            help="Steps between checkpoints; 15 s at most (full weights: a tenth of the time goes into writing).",
            rich_help_panel=_COST,
        ),
    ] = FinetuneOptions.save_every,
    load_in: LoadInOption = LoadOptions.load_in,
    dtype: DtypeOption = LoadOptions.dtype,
    device: DeviceOption = LoadOptions.device,
    attention: AttentionOption = LoadOptions.attention,
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

        llm4es finetune movielens-100k --preset paper --optimizer adamw_8bit --gradient-checkpointing

        llm4es embed movielens-100k --model mine
    """
    given = {
        "method": method,
        "steps": parse_steps(steps),
        "epochs": epochs,
        "texts": names(texts),
        "max_length": max_length,
        "learning_rate": learning_rate,
        "warmup": warmup,
        "weight_decay": weight_decay,
        "tokens_per_step": tokens_per_step,
        "accumulate": accumulate,
        "lora_rank": lora_rank,
        "evaluate_every": evaluate_every,
        "patience": patience,
        "held_out_tokens": held_out_tokens,
        "optimizer": optimizer,
        "gradient_checkpointing": gradient_checkpointing,
        "logit_chunk": logit_chunk,
        "save_every": save_every,
        "seed": seed,
    }
    typed = {key: value for key, value in given.items() if _typed(context, key)}
    options = start_from(preset, typed)
    load = LoadOptions(
        load_in=load_in, dtype=dtype, device=device, attention=attention, trust_remote_code=trust_remote_code
    )
    work = Work(recipe, store, Screen(quiet or not writes()), max_entities=max_entities, dry_run=dry_run)
    outcome = finetune_stage(work, model, name, load, options)
    if writes():
        show_outcomes([outcome], format_, dry_run=dry_run)


def _typed(context: typer.Context, name: str) -> bool:
    """Whether the option was given: what was not leaves a preset as it is."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def parse_steps(text: str | None) -> int | None:
    """``tiny_run`` -> 50, ``20`` -> 20, None -> None. Raises OptionError for anything else."""
    if text is None:
        return None
    if text in STEP_PRESETS:
        return STEP_PRESETS[text]
    if not text.isdigit() or int(text) < 1:
        raise OptionError(f"--steps {text!r} is no number of steps: give one above 0, or {', '.join(STEP_PRESETS)}")
    return int(text)


def start_from(preset: str | None, typed: dict[str, Any]) -> FinetuneOptions:
    """What was typed, on top of the preset or of the defaults. Raises OptionError for what does not go together."""
    if preset is not None and preset not in FINETUNE_PRESETS:
        raise OptionError(f"--preset {preset!r} is unknown: there is {', '.join(FINETUNE_PRESETS)}")
    if {"steps", "epochs"} <= typed.keys():
        raise OptionError(f"--steps {typed['steps']} and --epochs {typed['epochs']:g} both say how long: give one")
    return dataclasses.replace(FINETUNE_PRESETS[preset] if preset else FinetuneOptions(), **typed)
