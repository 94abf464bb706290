"""The half of a project that writes: one method a step, named as the command.

In: a project's context, a step's options as keyword arguments. Out: outcomes; what is computed is in the store. Each
method computes only what is missing; with ``dry_run=True`` it says what it would compute, and why, and writes nothing.
"""

from typing import TYPE_CHECKING, Any

from ..core.phases import phase
from ..options import (
    DEFAULT_MODEL,
    EmbedOptions,
    EnrichOptions,
    FinetuneOptions,
    LoadOptions,
    ProbeOptions,
    RunOptions,
    SelectOptions,
    SerializeOptions,
    WorkerOptions,
    split,
)
from .documented import takes
from .outcome import Outcome, Outcomes
from .run_result import RunResult
from .steps_after import StepsAfter

if TYPE_CHECKING:
    from ..models.ref import ModelRef
    from ..recipes import Recipe


class Steps(StepsAfter):
    """The steps of ``Project``, in order.

    Examples
    --------
    >>> project.serialize(dry_run=True)
    serialize shop: 0 to compute, 20 reused (nothing to do)
    """

    recipe: "Recipe"
    """What the data are."""

    @takes(SerializeOptions, WorkerOptions)
    def serialize(self, *, dry_run: bool = False, **options: Any) -> Outcome:
        """Read raw files into events, labels, splits, and one text an entity.

        Parameters
        ----------
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Outcome
            Texts wanted, computed and reused, and why.

        Raises
        ------
        DataError
            For raw files that are missing, and rows that cannot be read: nothing is written.

        Examples
        --------
        >>> project.serialize()
        serialize shop: 0 computed, 20 reused (nothing to do), ...
        """
        from .serialize import serialize

        working = WorkerOptions.of(**{name: options.pop(name) for name in WorkerOptions.settings() if name in options})
        texts = self.recipe.texts.options(**SerializeOptions.coerced(options))
        return serialize(self._context(dry_run), texts, working)

    @takes(EnrichOptions, LoadOptions, WorkerOptions)
    def enrich(self, *, task: str | None = None, dry_run: bool = False, **options: Any) -> Outcome:
        """Write more texts an entity: other formats of the same events, or a model's rewriting, checked.

        Parameters
        ----------
        task : str, optional
            Whose texts, where tasks have cut-offs of their own; None: those that there are.
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Outcome
            Texts wanted, computed and reused, and why; ``message``: what became of a model's rewritings.

        Raises
        ------
        StoreError
            Where there are no texts yet: serialize first.
        ModelError
            For a model that is not found, or cannot be loaded.
        OptionError
            For an option that there is not, or a value that cannot be.

        Examples
        --------
        >>> project.enrich(by="rules", variants=2)
        enrich rules: 40 computed, 0 reused (40 new), ...
        """
        from .enrich import enrich

        context, asked = self._context(dry_run, create=dry_run), (EnrichOptions, LoadOptions, WorkerOptions)
        return enrich(context.of_task(task), *split(options, *asked))

    @takes(FinetuneOptions, LoadOptions)
    def finetune(
        self,
        model: "str | ModelRef" = DEFAULT_MODEL,
        *,
        name: str | None = None,
        task: str | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> Outcome:
        """Train on the train entities' texts by next-token prediction; the model lands in the store.

        Parameters
        ----------
        model : str or ModelRef, default "smollm2-135m"
            What is tuned: a built-in name, a Hugging Face id, a folder, a .gguf file, or a model of the store.
        name, task : str, optional
            What the tuned model is called, None: ``<model>-<dataset>``; whose texts, where tasks have own cut-offs.
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Outcome
            One row is wanted, the model; ``message`` says what tuning did to the held-out loss and the vectors.

        Raises
        ------
        StoreError
            Where there are no texts yet: serialize first.
        ModelError
            For a model that is not found, or cannot be loaded, and a training that broke it.
        OptionError
            For an option that there is not, a value that cannot be, or the base model's own name.

        Examples
        --------
        >>> project.finetune(model=folder, steps="dry_run", name="tuned", max_length=64)
        finetune tuned: 1 computed, 0 reused (1 new), ...
        """
        from .finetune import finetune

        tuning, load = split(options, FinetuneOptions, LoadOptions)
        return finetune(self._context(dry_run, create=dry_run).of_task(task), model, name, load, tuning)

    @takes(EmbedOptions, LoadOptions, WorkerOptions)
    def embed(
        self, model: "str | ModelRef" = DEFAULT_MODEL, *, task: str | None = None, dry_run: bool = False, **options: Any
    ) -> Outcome:
        """Turn texts into one vector an (entity, model, k), all k from one forward pass.

        Parameters
        ----------
        model : str or ModelRef, default "smollm2-135m"
            What reads the texts: a built-in name, a Hugging Face id, a folder, a .gguf file, or a model of the store.
        task : str, optional
            Whose texts, where tasks have cut-offs of their own; None: those that there are.
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Outcome
            Vectors wanted, computed and reused, and why; ``message`` says how many histories were cut.

        Raises
        ------
        StoreError
            Where there are no texts yet: serialize first.
        ModelError
            For a model that is not found or cannot be loaded, and windows longer than its context.
        OptionError
            For an option that there is not, or a value that cannot be.

        Examples
        --------
        >>> project.embed(model=folder, k=(1, 2, "all"), max_length=64)
        embed model: 20 computed, 40 reused (20 ...), ...
        """
        from .embed import embed

        embedding, load, working = split(options, EmbedOptions, LoadOptions, WorkerOptions)
        return embed(self._context(dry_run, create=dry_run).of_task(task), model, load, embedding, working)

    @takes(ProbeOptions, SelectOptions)
    def probe(self, task: str | None = None, *, dry_run: bool = False, **options: Any) -> Outcomes:
        """Score features on the recipe's tasks; metrics and per-entity predictions are kept.

        Parameters
        ----------
        task : str, optional
            The recipe's task; None: every task.
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Outcomes
            One a task and size of the training set: features wanted, computed and reused, and why.

        Raises
        ------
        OptionError
            For a task that the recipe does not have, features that are not in the store, an option that there is not.
        ProbeError
            Where the features that were named, or all there are, cannot carry the task.

        Examples
        --------
        >>> project.probe("loyal", features="tfidf,majority", folds=3)
        probe loyal: 2 computed, 0 reused (2 new), ...
        """
        from .probe import probe_all

        probing, select = split(options, ProbeOptions, SelectOptions)
        return Outcomes(probe_all(self._context(dry_run, create=dry_run), task, probing, select))

    @takes(RunOptions, LoadOptions)
    def run(
        self,
        task: str | None = None,
        *,
        model: "str | ModelRef" = DEFAULT_MODEL,
        dry_run: bool = False,
        plan_first: bool = False,
        **options: Any,
    ) -> RunResult:
        """Run every stage where something is missing, then compare base model, tuned model and baselines.

        Parameters
        ----------
        task : str, optional
            The recipe's task; None: every task.
        model : str or ModelRef, default "smollm2-135m"
            The base model: a built-in name, a Hugging Face id, a folder, a .gguf file, or a model of the store.
        dry_run : bool, default False
            Plan only: nothing is written.
        plan_first : bool, default False
            Plan before the work, tell the plan, and keep it in the result; not of raw files beyond 256 MiB.

        Returns
        -------
        RunResult
            The stages' outcomes, the comparison, where results lie, and what to do next.

        Raises
        ------
        Llm4esError
            Whatever a stage raises; what the stages before have committed stays.

        Examples
        --------
        >>> ran = project.run(model=folder, k=1, max_length=64, finetune="none", dry_run=True)
        >>> [outcome.stage for outcome in ran.outcomes]
        ['serialize', 'enrich', 'embed', 'probe']
        """
        with phase("opening the store"):
            from .probe import tasks_of
            from .run import run

            context = self._context(dry_run)
        tasks = tasks_of(context, task) if self.recipe.tasks or task else []
        return run(context, model, *split(options, RunOptions, LoadOptions), tasks, plan_first=plan_first)
