"""What every step works with: a recipe, a store, how far, and who hears of it.

In: what ``Project`` was given. Out: ``Context``. Knows no step and no screen.
"""

import atexit
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError, RecipeError, StoreError
from ..core.processes import several
from ..core.sql import literal
from ..core.tables import events_table
from ..core.version import __version__
from ..options import UNSAID, ExecutorName, WorkerOptions
from ..options.new_items import ItemHalves
from .cutoffs import NEWEST, Cutoff, Which, cutoff_of, keys
from .executor import Executor, Local
from .observer import Null, Observer
from .pipeline import AFTER, STAGES

if TYPE_CHECKING:
    from llm4es_store import Run, Store

    from ..recipes import Recipe


@dataclass(frozen=True)
class Context:
    """One step's means: what it works on, and how far.

    Examples
    --------
    >>> context.dataset, context.dry_run, context.with_(dry_run=True).dry_run
    ('shop', False, True)
    """

    dataset: str
    """Name of the data."""

    store: "Store"
    """What there is, and where it goes."""

    given_recipe: "Recipe | None" = None
    """What the data are; None: vectors were imported for a dataset that nobody has described."""

    observer: Observer = field(default_factory=Null)
    """Who hears of the work."""

    data: Path | None = None
    """Folder of raw files; None: the recipe's own, or fetched."""

    allow_outside: bool = False
    """Take raw files that lie outside that folder."""

    from_store: bool = False
    """Whether the recipe is the one that the store keeps: whoever made the store wrote it."""

    max_entities: int | None = None
    """Only so many entities; None: all."""

    dry_run: bool = False
    """Plan only: nothing is written."""

    executor: Executor = field(default_factory=Local)
    """Where stages are mapped."""

    rehearses: bool = False
    """Whether the store is a rehearsal's: where a model would train or read, rows without vectors stand in."""

    which: Which = NEWEST
    """Whose texts are meant, where those of the dataset end at several times."""

    new_items: ItemHalves | None = None
    """How a probe of new items halves them; None: it is of another protocol."""

    @property
    def cutoff(self) -> Cutoff:
        """The raw texts that the step works with or stands beside, and where they end.

        Raises StoreError where there are none, OptionError where it is not said which of several are meant.
        """
        return cutoff_of(self.store, self.dataset, self.which)

    @property
    def beside(self) -> str:
        """SQL condition on the dataset's texts, vectors and probes: made of histories that end as the texts do.

        A cut history never stands beside a whole one. Vectors that were imported stand beside anything.
        """
        end = self.cutoff.key
        others = [config for config, key in keys(self.store, self.dataset).items() if key != end]
        apart = f" AND config_id NOT IN ({', '.join(map(literal, sorted(others)))})" if others else ""
        return f"dataset = {literal(self.dataset)}{apart}"

    def of_task(self, task: str | None) -> "Context":
        """The same means for one task: what its texts are, where tasks have cut-offs of their own."""
        return self if task is None else replace(self, which=replace(self.which, task=task))

    def at(self, train_as_of: datetime | None, test_as_of: datetime | None) -> "Context":
        """The same means for histories that are learnt from at one time and scored at a later one."""
        if train_as_of is None or test_as_of is None:
            return self
        return replace(self, which=replace(self.which, as_of=test_as_of, train_as_of=train_as_of))

    def at_one(self, as_of: datetime) -> "Context":
        """The same means for histories that end at a time."""
        return replace(self, which=replace(self.which, as_of=as_of))

    @property
    def scored(self) -> "Context":
        """Where two times are meant, the same for the later one alone: that of the texts that are scored."""
        return replace(self, which=replace(self.which, train_as_of=None))

    @property
    def earlier(self) -> "Context | None":
        """Where two times are meant, the same for the earlier one: that of what is learnt from."""
        which = self.which
        if which.train_as_of is None:
            return None
        return replace(self, which=replace(which, as_of=which.train_as_of, train_as_of=None, until=which.as_of))

    def say_cutoff(self, stage: str) -> None:
        """One line where the texts do not hold whole histories: whoever did not cut them now should know it."""
        if self.cutoff.key:
            self.observer.say(f"{stage}: the texts of {self.dataset} are {self.cutoff}")

    @property
    def recipe(self) -> "Recipe":
        """What the data are. Raises RecipeError where nobody has said it."""
        if self.given_recipe is None:
            raise RecipeError(f"the store has no recipe of {self.dataset!r}: give its TOML, or serialize it first")
        return self.given_recipe

    def with_(self, **changes: Any) -> "Context":
        """The same means with some changed.

        Parameters
        ----------
        **changes
            Fields by name.

        Returns
        -------
        Context
            Another one.
        """
        return replace(self, **changes)

    def working(self, working: WorkerOptions) -> "Context":
        """The same means with stages mapped where options say; where they say nothing, as it is.

        Parameters
        ----------
        working : WorkerOptions
            An executor's name, and what its workers are.

        Returns
        -------
        Context
            Another one.

        Raises
        ------
        OptionError
            Where an executor of another kind was given, which maps stages wherever it likes.
        """
        if working == UNSAID:
            return self
        if type(self.executor) is not Local:
            given = f"--workers {working.workers}" if working.workers else f"--executor {working.executor}"
            raise OptionError(f"{given} is of llm4es.Local, and the executor is another: leave one out")
        if working.executor is ExecutorName.LOCAL:
            return replace(self, executor=Local(working.workers))
        from .executor_ray import Ray

        ray = Ray(working.workers, gpus=working.worker_gpus, cpus=working.worker_cpus, warn=self.observer.warn)
        return replace(self, executor=ray)

    def run(self, stage: str, config: Mapping[str, Any]) -> "Run":
        """A run of a stage on this dataset, which reads what the pipeline says it reads.

        Parameters
        ----------
        stage : str
            Name of the stage.
        config : mapping
            What it was asked for; kept in the record.

        Returns
        -------
        Run
            To be opened by ``with``.

        Raises
        ------
        OptionError
            Where several processes were started for the work of one.
        """
        if several() and stage != "finetune":
            raise OptionError(f"{stage} is the work of one process: start llm4es without torchrun or accelerate launch")
        run = self.store.run(stage, self.dataset, config, __version__)
        tables = next((known.reads for known in (*STAGES, *AFTER) if known.name == stage), ())
        run.reads(events_table(self.dataset) if table == "events" else table for table in tables)
        return run


def open_store(store: "str | Path | Store", *, dry_run: bool = False, create: bool = True) -> "Store":
    """A store, made where there is none; a dry run of a store that is not there plans on an empty one.

    Parameters
    ----------
    store : str, Path or Store
        A folder, a URI, or a store, which comes back as it is.
    dry_run : bool, default False
        Nothing may be written.
    create : bool, default True
        Make it where there is none.

    Returns
    -------
    Store
        Open.

    Raises
    ------
    StoreError
        Where there is none and ``create`` is false, for a folder that is something else, and for a store that a newer
        llm4es made.

    Examples
    --------
    >>> open_store("new-store", create=False)
    Traceback (most recent call last):
    llm4es.core.errors.StoreError: no store at ...
    >>> open_store("new-store").datasets()
    []
    """
    from llm4es_store import Store

    if isinstance(store, Store):
        return store
    if not dry_run:
        return Store(store, create=create)
    try:
        return Store(store)
    except StoreError:
        if not create or Path(store).exists():
            raise
        empty = tempfile.TemporaryDirectory(prefix="llm4es-dry-run-")
        atexit.register(empty.cleanup)
        return Store(empty.name, create=True)
