"""``llm4es run``: the stages in order, each only where something is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from llm4es.core.errors import OptionError
from llm4es.options import EmbedOptions, EnrichOptions, FinetuneOptions, LoadOptions, Method, ProbeOptions
from llm4es.project.pipeline import STAGES

from ..options import (
    DEFAULT_STORE,
    DataOption,
    DebugOption,
    DryRunOption,
    FormatOption,
    MaxEntitiesOption,
    QuietOption,
    SeedOption,
    StoreOption,
    layers,
)
from ..screen import Screen
from ..selection import last_run
from ..tuning import default_name, finetune_stage
from ..work import Outcome, Work, show_outcomes
from .compare import comparison, show_comparison
from .embed import (
    DEFAULT_K,
    DEFAULT_MODEL,
    DeviceOption,
    DtypeOption,
    HistoryOption,
    KOption,
    LoadInOption,
    MaxLengthOption,
    ModelOption,
    TrustOption,
    embed_stage,
)
from .enrich import enrich_stage
from .finetune import parse_steps
from .probe import TaskOption, probe_stage, tasks_of
from .serialize import OnBadRowOption, serialize_stage

DEFAULT_RECIPE = "llm4es.toml"
NO_FINETUNING = "none"


def run(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="[RECIPE|FILE.toml]", help=f"Built-in recipe or TOML; default: ./{DEFAULT_RECIPE}."),
    ] = None,
    data: DataOption = None,
    on_bad_row: OnBadRowOption = None,
    model: ModelOption = DEFAULT_MODEL,
    k: KOption = DEFAULT_K,
    max_length: MaxLengthOption = EmbedOptions.max_length,
    history: HistoryOption = EmbedOptions.history,
    variants: Annotated[int, typer.Option("--variants", min=0, help="Enriched texts an entity; 0: none.")] = 2,
    finetune: Annotated[
        str,
        typer.Option("--finetune", metavar="none|dry_run|tiny_run|N", help="Steps of tuning; none: base model only."),
    ] = "tiny_run",
    method: Annotated[Method, typer.Option("--method", help="What tuning changes.")] = FinetuneOptions.method,
    task: TaskOption = None,
    load_in: LoadInOption = LoadOptions.load_in,
    dtype: DtypeOption = LoadOptions.dtype,
    device: DeviceOption = LoadOptions.device,
    trust_remote_code: TrustOption = False,
    seed: SeedOption = 0,
    max_entities: MaxEntitiesOption = None,
    dry_run: DryRunOption = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Run every stage where something is missing, then compare base model, tuned model and baselines.

    Examples:

        llm4es run movielens-100k --max-entities 100 --max-length 256 --finetune 10

        llm4es run mine.toml --model Qwen/Qwen2.5-0.5B-Instruct --device cuda --history full

        llm4es run movielens-100k --dry-run
    """
    work = Work(_recipe(recipe), store, Screen(quiet), data, max_entities, dry_run)
    steps = None if finetune == NO_FINETUNING else parse_steps(finetune)
    load = LoadOptions(load_in=load_in, dtype=dtype, device=device, trust_remote_code=trust_remote_code)
    embedding = EmbedOptions(k=layers(k), max_length=max_length, history=history)
    probing = ProbeOptions(seed=seed)
    tasks = tasks_of(work, task) if work.recipe.tasks or task else []
    tuned = default_name(model, work.dataset)

    def enriched() -> list[Outcome]:
        return [enrich_stage(work, EnrichOptions(variants=variants, seed=seed))] if variants else []

    def finetuned() -> list[Outcome]:
        options = FinetuneOptions(method=method, steps=steps, max_length=max_length, seed=seed)
        return [finetune_stage(work, model, None, load, options)] if steps else []

    def embedded() -> list[Outcome]:
        is_tuned = bool(steps) and not (dry_run and to_come())
        return [embed_stage(work, each, load, embedding) for each in (model, *([tuned] if is_tuned else []))]

    stage_of: dict[str, Callable[[], list[Outcome]]] = {
        "serialize": lambda: [serialize_stage(work, work.recipe.texts.options(on_bad_row=on_bad_row))],
        "enrich": enriched,
        "finetune": finetuned,
        "embed": embedded,
        "probe": lambda: [probe_stage(work, each, probing) for each in tasks],
    }
    outcomes: list[Outcome] = []

    def to_come() -> bool:
        return bool(work.ahead) or any(outcome.computed for outcome in outcomes)

    for stage in STAGES:
        foreseeable = stage.name in ("enrich", "embed") and last_run(work.store, "serialize", work.dataset) is not None
        if dry_run and to_come() and not foreseeable:
            work.screen.say(f"{stage.name}: to be planned once {' and '.join(stage.reads)} are as above")
            continue
        outcomes += stage_of[stage.name]()
    if dry_run:
        show_outcomes(outcomes, format_, dry_run=True)
        return
    for outcome in outcomes:
        work.screen.say(outcome.line())
    if tasks:
        probed = {outcome.what: outcome.config_id for outcome in outcomes if outcome.stage == "probe"}
        show_comparison([comparison(work, each, config_id=probed[each], common=True) for each in tasks], format_)


def _recipe(recipe: str | None) -> str:
    """The recipe named, or the one of this folder."""
    if recipe is None and not Path(DEFAULT_RECIPE).is_file():
        raise OptionError(
            f"no recipe given and no {DEFAULT_RECIPE} here: name one (`llm4es recipes`) or write one (`llm4es init`)"
        )
    return recipe or DEFAULT_RECIPE
