"""``Project``: the face of the library. One method a step, named as the command.

In: a recipe, a store. Out: outcomes and results; what is kept is in the store. Each method computes only what is
missing; with ``dry_run=True`` it says what it would compute, and why, and writes nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError
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
from .context import Context, open_store
from .documented import takes
from .executor import Executor, Local
from .observer import Observer
from .outcome import Outcome, Outcomes
from .probe import tasks_of
from .results import Results
from .run import RunResult
from .terminal import observer_named

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..models.ref import ModelRef
    from ..recipes import Recipe


class Project(Results):
    """A dataset and a store to work in.

    Parameters
    ----------
    recipe : str, Path or Recipe
        What the data are: the path of a TOML, a built-in recipe's name, the name of a dataset of the store, or a
        ``Recipe``.
    store : str, Path or Store, default "llm4es-store"
        Where everything is kept: a folder or a URI (``s3://bucket/prefix``), made when something is written to it.
    data : str or Path, optional
        Folder of raw files; None: the recipe's own, or fetched.
    max_entities : int, optional
        Only so many entities, always the same ones: N are part of N + 1; None: all.
    executor : Executor, optional
        Where stages are mapped; None: this process.
    observer : str or Observer, optional
        Who hears of the work: 'bar', 'log', 'silent' or an ``Observer``; None: a bar on a terminal and in a notebook,
        the logger ``llm4es`` elsewhere.

    Raises
    ------
    RecipeError
        For a name that is neither a built-in recipe, nor a file, nor a dataset of the store.
    StoreError
        For a folder that is something else, or a store that a newer llm4es made.

    Examples
    --------
    >>> import llm4es
    >>> project = llm4es.Project("movielens-100k", store="llm4es-store", observer="silent")
    >>> project
    Project('movielens-100k', store='llm4es-store')
    >>> project.recipe.tasks["gender"].metric
    'roc_auc'
    """

    def __init__(
        self,
        recipe: "str | Path | Recipe",
        store: "str | Path | Store" = "llm4es-store",
        *,
        data: str | Path | None = None,
        max_entities: int | None = None,
        executor: Executor | None = None,
        observer: str | Observer | None = None,
    ) -> None:
        if max_entities is not None and max_entities < 1:
            raise OptionError(f"--max-entities {max_entities} is below 1: give 1 or more")
        self._store = store
        self._observer = observer_named(observer)
        self._executor = executor or Local()
        self._data = None if data is None else Path(data)
        self._max_entities = max_entities
        self.recipe: Recipe = self._found(recipe)

    @classmethod
    def from_frame(
        cls,
        events: Any,
        *,
        name: str,
        entity: str,
        time: str | None = None,
        fields: Sequence[str | Mapping[str, Any]] | None = None,
        labels: Any = None,
        tasks: Mapping[str, str] | None = None,
        store: "str | Path | Store" = "llm4es-store",
        executor: Executor | None = None,
        observer: str | Observer | None = None,
        **more: Any,
    ) -> "Project":
        """A project of events that are in memory.

        The frames are kept in the store as Parquet, and the recipe beside them: the command line goes on by the
        dataset's name alone.

        Parameters
        ----------
        events : pandas, Polars or Arrow frame, DuckDB relation, or anything with the Arrow PyCapsule interface
            One row an event, in any order.
        name : str
            What the dataset is called: lower-case letters, digits, dots, dashes and underscores.
        entity : str
            Column of the entity's id.
        time : str, optional
            Column of the event's time; None: rows are in order.
        fields : sequence of str or mappings, optional
            Columns that the texts show, or mappings as ``[[fields]]`` of a recipe takes them; None: all others.
        labels : frame, optional
            One row an entity: its id in a column of the same name, and a column a task.
        tasks : mapping of str to str, optional
            Column of ``labels`` -> 'binary', 'multiclass' or 'regression'; None: all other columns, by their values.
        store, executor, observer
            As ``Project`` takes them.
        **more
            Further keys of a recipe: ``item``, ``amount``, ``categories``, ``texts``...

        Raises
        ------
        DataError
            For a frame without the column of ids, and for two labels of one entity.

        Examples
        --------
        >>> import pyarrow as pa
        >>> events = pa.table({"customer": ["a", "b"], "mcc": ["shoes", "books"]})
        >>> project = Project.from_frame(events, name="bank", entity="customer", store="bank-store", observer="silent")
        >>> project.serialize().computed
        2
        """
        from .from_frame import kept_frames

        opened = open_store(store)
        recipe = kept_frames(opened, name, events, labels, entity=entity, time=time, fields=fields, tasks=tasks, **more)
        return cls(recipe, opened, executor=executor, observer=observer)

    # -- the steps, in order ------------------------------------------------------------------------------------------

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

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def store(self) -> "Store":
        """The store. Raises StoreError where there is none yet."""
        self._store = open_store(self._store, create=False)
        return self._store

    def _context(self, dry_run: bool = False) -> Context:
        store = open_store(self._store, dry_run=dry_run)
        if not dry_run:
            self._store = store
        return Context(
            dataset=self.recipe.name,
            store=store,
            given_recipe=self.recipe,
            observer=self._observer,
            data=self._data,
            max_entities=self._max_entities,
            dry_run=dry_run,
            executor=self._executor,
        )

    def _found(self, recipe: "str | Path | Recipe") -> "Recipe":
        """The recipe, wherever it is said."""
        from ..recipes import Recipe
        from .kept_recipes import find_recipe

        return recipe if isinstance(recipe, Recipe) else find_recipe(self._store, str(recipe), self._observer)

    def __repr__(self) -> str:
        root = self._store if isinstance(self._store, str | Path) else self._store.layout.root
        return f"Project({self.recipe.name!r}, store={str(root)!r})"
