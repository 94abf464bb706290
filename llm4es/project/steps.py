"""The steps of a project, in order, one method each: what is missing is computed, what is there is not.

In: a project's context, options by name. Out: outcomes; what is kept is in the store. Knows no screen.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.frames import to_arrow
from ..options import (
    DEFAULT_MODEL,
    EmbedOptions,
    EnrichOptions,
    FinetuneOptions,
    ImportOptions,
    LoadOptions,
    ProbeOptions,
    RunOptions,
    SelectOptions,
    SerializeOptions,
    split,
)
from .documented import takes
from .outcome import Outcome, Outcomes
from .probe import tasks_of
from .results import Results
from .run import RunResult

if TYPE_CHECKING:
    from ..models.ref import ModelRef
    from ..recipes import Recipe


class Steps(Results):
    """The half of a project that writes."""

    recipe: "Recipe"

    @takes(SerializeOptions)
    def serialize(self, *, dry_run: bool = False, **options: Any) -> Outcome:
        """Read raw files into events, labels, splits, and one text an entity.

        Examples
        --------
        >>> project.serialize(max_events=200)
        serialize shop: 20 computed, 0 reused (20 new), ...
        """
        from .serialize import serialize

        return serialize(self._context(dry_run), self.recipe.texts.options(**SerializeOptions.coerced(options)))

    @takes(EnrichOptions, LoadOptions)
    def enrich(self, *, dry_run: bool = False, **options: Any) -> Outcome:
        """Write more texts an entity: other formats of the same events, or a model's rewriting, checked.

        Examples
        --------
        >>> project.enrich(by="rules", variants=2)
        enrich rules: 40 computed, 0 reused (40 new), ...
        """
        from .enrich import enrich

        return enrich(self._context(dry_run), *split(options, EnrichOptions, LoadOptions))

    @takes(FinetuneOptions, LoadOptions)
    def finetune(
        self, model: "str | ModelRef" = DEFAULT_MODEL, *, name: str | None = None, dry_run: bool = False, **options: Any
    ) -> Outcome:
        """Train on the train entities' texts by next-token prediction; the model lands in the store.

        Examples
        --------
        >>> project.finetune(model=folder, steps="dry_run", name="tuned", max_length=64)
        finetune tuned: 1 computed, 0 reused (1 new), ...
        """
        from .finetune import finetune

        tuning, load = split(options, FinetuneOptions, LoadOptions)
        return finetune(self._context(dry_run), model, name, load, tuning)

    @takes(EmbedOptions, LoadOptions)
    def embed(self, model: "str | ModelRef" = DEFAULT_MODEL, *, dry_run: bool = False, **options: Any) -> Outcome:
        """Turn texts into one vector an (entity, model, k), all k from one forward pass.

        Examples
        --------
        >>> project.embed(model=folder, k=(1, "all"), max_length=64)
        embed model: 40 computed, 0 reused (40 new), ...
        """
        from .embed import embed

        embedding, load = split(options, EmbedOptions, LoadOptions)
        return embed(self._context(dry_run), model, load, embedding)

    @takes(ProbeOptions, SelectOptions)
    def probe(self, task: str | None = None, *, dry_run: bool = False, **options: Any) -> Outcomes:
        """Score features on the recipe's tasks; metrics and per-entity predictions are kept.

        Examples
        --------
        >>> project.probe("loyal", features="tfidf,counts", folds=3)
        probe loyal: 2 computed, 0 reused (2 new), ...
        """
        from .probe import probe_all

        probing, select = split(options, ProbeOptions, SelectOptions)
        return Outcomes(probe_all(self._context(dry_run), task, probing, select))

    @takes(RunOptions, LoadOptions)
    def run(
        self, task: str | None = None, *, model: "str | ModelRef" = DEFAULT_MODEL, dry_run: bool = False, **options: Any
    ) -> RunResult:
        """Run every stage where something is missing, then compare base model, tuned model and baselines.

        Examples
        --------
        >>> project.run(model=folder, k=1, max_length=64, finetune="none").outcomes[-1]
        probe loyal: ...
        """
        from .run import run

        context = self._context(dry_run)
        tasks = tasks_of(context, task) if self.recipe.tasks or task else []
        running, load = split(options, RunOptions, LoadOptions)
        return run(context, model, running, load, tasks)

    @takes(ImportOptions, leave_out=("dataset",))
    def import_vectors(self, vectors: Any, name: str, *, dry_run: bool = False, **options: Any) -> Outcome:
        """Take in vectors made elsewhere, in one commit: ``probe``, ``compare`` and SQL treat them like our own.

        Parameters
        ----------
        vectors : path or frame
            Parquet or CSV, or a frame: an id and a vector an entity.

        Examples
        --------
        >>> import pyarrow as pa
        >>> project.import_vectors(pa.table({"id": ["c0", "c1"], "x": [0.5, 1.0], "y": [0.0, 2.0]}), name="coles")
        import coles: 2 computed, 0 reused (2 new), ...
        """
        from .import_vectors import import_vectors

        source = Path(vectors) if isinstance(vectors, str | Path) else to_arrow(vectors, "vectors")
        importing = ImportOptions.of(name=name, dataset=self.recipe.name, **options)
        return import_vectors(self._context(dry_run), source, importing)
