"""The step ``run``: every stage in order, each only where something is missing, then the comparison.

In: a context, options. Out: the outcomes, and what the evidence says. Knows no stage's inside: the order is
``pipeline.STAGES``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ..core.errors import OptionError
from ..core.phases import phase
from ..core.times import shown
from ..core.versions import version_of, with_version
from ..models.ref import ModelRef
from ..options import (
    UNSAID,
    WHOLE,
    CompareOptions,
    EngineName,
    EnrichOptions,
    ExecutorName,
    FinetuneOptions,
    History,
    LimitOptions,
    LoadOptions,
    ProbeOptions,
    RunOptions,
    WorkerOptions,
)
from .compare import compare
from .context import Context
from .costs import FAR_LONGER
from .cutoffs import newest_as_of
from .distinct_counts import DISTINCT_SHARE, distinct_events
from .embed import embed
from .enrich import enrich
from .feature_source import FeatureSource
from .feature_sources import feature_sources, named
from .finetune import finetune
from .outcome import Outcome
from .pipeline import STAGES
from .planned_first import planned_first, rehearsed
from .probe import probe
from .run_features import combinations
from .run_result import RunResult
from .selection import entities_sql
from .serialize import serialize
from .several_tasks import of_each
from .stored_models import resolved
from .terminal import tell
from .tuned_name import default_name


def run(
    context: Context,
    model: str | ModelRef,
    options: RunOptions,
    load: LoadOptions,
    tasks: Sequence[str],
    *,
    plan_first: bool = False,
) -> RunResult:
    """Run every stage where something is missing.

    Parameters
    ----------
    context : Context
        Recipe, store, how far.
    model : str or ModelRef
        The base model.
    options : RunOptions
        What the stages are given.
    load : LoadOptions
        How models are loaded.
    tasks : sequence of str
        Tasks that are probed and compared; none: the way ends with the vectors.
    plan_first : bool, default False
        Plan before the work, as a dry run does, and tell the plan.

    Returns
    -------
    RunResult
        Outcomes, and the comparison of what was probed now.

    Raises
    ------
    OptionError
        Where processes are asked for and an executor of another kind was given, and a tuning of an encoder.
    """
    if options.engine is EngineName.TRANSFORMERS:
        context.working(options.working)  # what it refuses is refused before anything is done
    root = str(context.store.layout.root)

    def walk(context: Context) -> list[Outcome]:
        return _walked(context, model, options, load, tasks)

    if context.dry_run:
        return RunResult(rehearsed(context, walk), None, context.dataset, root)
    plan = planned_first(context, walk) if plan_first else None
    outcomes, together = walk(context), None
    if tasks:
        probed = {outcome.what: outcome.config_id for outcome in outcomes if outcome.stage == "probe"}
        with phase("comparing what was probed"):
            together = compare(context, list(probed), CompareOptions(common=True), list(probed.values()))
    done = RunResult(tuple(outcomes), together, context.dataset, root, plan, context)
    tell(context.observer, lambda: done.tree)
    return done


def _walked(
    context: Context, model: str | ModelRef, options: RunOptions, load: LoadOptions, tasks: Sequence[str]
) -> list[Outcome]:
    """The stages in order."""
    walk = _Walk(context, model, options, load, tasks)
    if options.retune and not walk.is_tuned:
        raise OptionError(f"--retune: {_name(model)} is an encoder, which is not tuned; leave it out")
    outcomes: list[Outcome] = []
    doing = "planning" if context.rehearses else "run"
    for number, stage in enumerate(STAGES, 1):
        with context.observer.progress(f"{doing}, stage {number} of {len(STAGES)}: {stage.name}", None, ""):
            outcomes += walk.steps[stage.name](outcomes)
    return outcomes


EVENT_TOKENS = 20
"""Tokens of an event's line, about."""


@dataclass(frozen=True)
class _Walk:
    """The stages with what ``run`` was asked for."""

    context: Context
    model: str | ModelRef
    options: RunOptions
    load: LoadOptions
    tasks: Sequence[str]

    @property
    def steps(self) -> dict[str, Callable[[list[Outcome]], list[Outcome]]]:
        """Stage -> what it does, given the outcomes before it."""
        return {
            "serialize": self._serialize,
            "enrich": self._enrich,
            "finetune": self._finetune,
            "embed": self._embed,
            "probe": self._probe,
        }

    @cached_property
    def is_tuned(self) -> bool:
        """Whether a model is tuned: an encoder cannot be, nor a server's."""
        here = self.options.engine is EngineName.TRANSFORMERS
        return self.options.finetune != 0 and here and not resolved(self.context.store, self.model).encoder

    @cached_property
    def history(self) -> History:
        """How histories are read, once there are events: single events where they repeat, unless another way was said.

        Of a server whole texts are read.
        """
        if self.options.wants_events:
            return History.EVENTS
        if self.options.history is not None or self.options.engine is not EngineName.TRANSFORMERS:
            return self.options.history or History.NEWEST
        total, distinct = distinct_events(self._cuts()[0])
        if distinct > DISTINCT_SHARE * total:
            why = "reading each once spares nothing"
        elif distinct > self._affordable():
            why = "reading each once takes far longer than the newest of each history"
        else:
            return History.EVENTS
        self.context.observer.say(
            f"run: {distinct:,} of {total:,} events are distinct, so that {why}: the newest "
            "of each history are read (as --history newest; --history events reads them one by one all the same)"
        )
        return History.NEWEST

    def _affordable(self) -> float:
        """Distinct events whose reading takes some times what windows of everybody's newest events take."""
        context = self._cuts()[0]
        entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
        ((n_entities,),) = context.store.sql(f"SELECT count(*) FROM ({entities})").fetchall()
        return float(FAR_LONGER * n_entities * self.options.max_length / EVENT_TOKENS)

    def _serialize(self, _: list[Outcome]) -> list[Outcome]:
        texts = self.context.recipe.texts.options(
            on_bad_row=self.options.on_bad_row,
            as_of=self._as_of(),
            **{name: getattr(self.options, name) for name in LimitOptions.settings()},
        )
        return [serialize(self.context, texts, self._cluster)]

    @property
    def _cluster(self) -> WorkerOptions:
        """Where steps are done for which a process of this machine is enough."""
        working = self.options.working
        return UNSAID if working.executor is ExecutorName.LOCAL else working

    def _as_of(self) -> datetime | None:
        """The cut-off that was asked for; where none was, that of the texts in the store stays."""
        if self.options.as_of is not None:
            return None if self.options.as_of == WHOLE else self.options.as_of
        kept = newest_as_of(self.context.store, self.context.dataset)
        if kept is not None:
            self.context.observer.say(
                f"run: the texts' cut-off {shown(kept)} stays; --as-of none drops it, --as-of TIME sets another"
            )
        return kept

    def _enrich(self, _: list[Outcome]) -> list[Outcome]:
        if not self.options.variants:
            return []
        options = EnrichOptions(variants=self.options.variants, seed=self.options.seed)
        return [enrich(context, options, self.load, self._cluster) for context in self._cuts()]

    def _finetune(self, _: list[Outcome]) -> list[Outcome]:
        if not self.is_tuned:
            if self.options.finetune != 0:
                is_served = self.options.engine is EngineName.OPENAI
                why = "a server's model" if is_served else "an encoder, which predicts no next token"
                self.context.observer.say(f"finetune: left out, {_name(self.model)} is {why} (as --finetune none)")
            return []
        options = FinetuneOptions(
            method=self.options.method,
            steps=self.options.steps(self.history),
            max_length=self.options.max_length,
            seed=self.options.seed,
        )
        return [
            finetune(context, self.model, name, self.load, options, keep=not self.options.retune)
            for context, name in zip(self._cuts(), self._names(), strict=True)
        ]

    def _embed(self, outcomes: list[Outcome]) -> list[Outcome]:
        options = self.options.embedding(self.history)
        tuned = [outcome for outcome in outcomes if outcome.stage == "finetune"]
        versions = [with_version(*version_of(outcome.what)) for outcome in tuned]
        cuts = self._cuts()
        return [
            embed(context, model, self.load, options, self.options.working)
            for context, version in zip(cuts, versions or [""] * len(cuts), strict=True)
            for model in [self.model, *([version] if version else [])]
        ]

    def _cuts(self) -> list[Context]:
        """One context for each cut-off that the texts of the tasks have: one, unless a task has cut-offs of its own."""
        chosen: dict[str, Context] = {}
        for of in [self.context.of_task(task) for task in self.tasks or (None,)]:
            chosen.setdefault(of.cutoff.config_id, of)
        return list(chosen.values())

    def _names(self) -> list[str]:
        """What the model tuned on each of these texts is called."""
        name, cuts = default_name(_name(self.model), self.context.dataset), self._cuts()
        return [name if len(cuts) == 1 else f"{name}-{context.which.task}" for context in cuts]

    def _features(self, task: str, before: list[Outcome]) -> list[FeatureSource]:
        """Every embedding and baseline; and, of the base model's vectors, a vote and a choice."""
        context = self.context.of_task(task)
        embedded = [(outcome.what, outcome.config_id or "") for outcome in before if outcome.stage == "embed"]
        sources, of_base = feature_sources(context, also=embedded), [config for _, config in embedded[:1]]
        by_name = {source.name: source for source in sources}
        return sources + [named(name, by_name) for config in of_base for name in combinations(sources, config)]

    def _probe(self, before: list[Outcome]) -> list[Outcome]:
        """Every task that can be probed: one that cannot, by a class too rare for the folds, keeps no other from it."""
        options = ProbeOptions(seed=self.options.seed)
        context = self.context.with_(dry_run=self.context.rehearses)  # nothing plans on a probe
        return of_each(
            self.tasks,
            lambda task: [probe(context, task, options, self._features(task, before), compared=True)],
            self.context.observer,
        )


def _name(model: str | ModelRef) -> str:
    return model.name if isinstance(model, ModelRef) else str(model)
