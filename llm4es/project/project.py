"""``Project``: the face of the library. One method a step, named as the command.

In: a recipe, a store. Out: outcomes of steps (``steps.py``) and results (``results.py``); what is kept is in the store.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError, StoreError
from ..core.phases import heard_by
from .context import Context, open_store
from .executor import Executor, Local
from .kept_recipes import is_file
from .observer import Observer
from .result import Result
from .steps import Steps
from .terminal import observer_named

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..recipes import Recipe


class Project(Steps):
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
    allow_outside : bool, default False
        Take raw files that a path of the recipe, or a symbolic link, finds outside that folder.
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
    OptionError
        For ``max_entities`` below 1, and an observer of another name.

    Examples
    --------
    >>> import llm4es
    >>> project = llm4es.Project("movielens-100k", store="llm4es-store", observer="silent")
    >>> project
    Project('movielens-100k', store='...llm4es-store')
    >>> project.recipe.tasks["gender"].metric
    'roc_auc'
    """

    def __init__(
        self,
        recipe: "str | Path | Recipe",
        store: "str | Path | Store" = "llm4es-store",
        *,
        data: str | Path | None = None,
        allow_outside: bool = False,
        max_entities: int | None = None,
        executor: Executor | None = None,
        observer: str | Observer | None = None,
    ) -> None:
        if max_entities is not None and max_entities < 1:
            raise OptionError(f"--max-entities {max_entities} is below 1: give 1 or more")
        self._observer = observer_named(observer)
        heard_by(self._observer.progress)
        self._store = _bound(store)
        self._executor = executor or Local()
        self._data = None if data is None else Path(data)
        self._allow_outside = allow_outside
        self._max_entities = max_entities
        self._from_store = isinstance(recipe, str) and not is_file(recipe)
        self.recipe: Recipe = self._found(recipe)

    @classmethod
    def from_frame(
        cls,
        events: Any,
        *,
        name: str,
        entity: str,
        time: str | None = None,
        fields: str | Sequence[str | Mapping[str, Any]] | None = None,
        labels: Any = None,
        tasks: str | Sequence[str] | Mapping[str, str | Mapping[str, Any]] | None = None,
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
        fields : str, or sequence of str or mappings, optional
            Columns that the texts show, or mappings as ``[[fields]]`` of a recipe takes them; None: all others.
        labels : frame, optional
            One row an entity: its id in a column of the same name, and a column a task.
        tasks : str, sequence of str, or mapping of str to str, optional
            Column of ``labels`` -> 'binary', 'multiclass' or 'regression'; names alone: the kind by the values; None:
            every other column.
        store : str, Path or Store, default "llm4es-store"
            Where everything is kept, the frames too.
        executor, observer : optional
            As ``Project`` takes them.
        **more
            Further keys of a recipe: ``item``, ``amount``, ``categories``, ``texts``...

        Returns
        -------
        Project
            Its recipe reads the kept frames.

        Raises
        ------
        DataError
            For a frame without the columns, rows without an id or a readable time, and two labels of one entity: what
            was kept before stays.
        RecipeError
            For a name that is not allowed or another dataset's, and fields that cannot be.

        Examples
        --------
        >>> import pyarrow as pa
        >>> events = pa.table({"customer": ["a", "b"], "mcc": ["shoes", "books"]})
        >>> project = Project.from_frame(events, name="bank", entity="customer", store="bank-store", observer="silent")
        >>> project.serialize().computed
        2
        """
        from .from_frame import kept_frames

        columns = {"entity": entity, "time": time, "fields": fields, "tasks": tasks, **more}
        recipe, opened = kept_frames(store, name, events, labels, **columns)
        return cls(recipe, opened, executor=executor, observer=observer)

    @property
    def store(self) -> "Store":
        """The store: a ``llm4es_store.Store``. Raises StoreError where there is none yet."""
        self._store = open_store(self._store, create=False)
        return self._store

    def check(self, *, repair: bool = False) -> Result:
        """Look at every table, file, checksum, key and tuned model of the store, and at its record of runs.

        Parameters
        ----------
        repair : bool, default False
            Put right what is safe: stale locks, left-over files, killed runs, missing checksums, the damaged end of a
            log.

        Returns
        -------
        Result
            A row a finding: ``level`` (damaged, untidy, mended, note), ``what``, ``file``, ``finding``, ``remedy``.

        Raises
        ------
        StoreError
            Where there is no store yet.

        Examples
        --------
        >>> len(project.check())
        0
        """
        from .check import check

        root = self._store if isinstance(self._store, str | Path) else self._store.layout.root
        return check(root, self._observer, repair=repair)

    def _context(self, dry_run: bool = False, *, create: bool = True) -> Context:
        if not create and isinstance(self._store, Path) and not self._store.exists():
            name = self.recipe.name
            raise StoreError(
                f"no store at {self._store}, and so no texts of {name!r}: run `llm4es serialize {name}` first, "
                "or name another store"
            )
        heard_by(self._observer.progress)
        store = open_store(self._store, dry_run=dry_run, create=create)
        if not dry_run or not create:
            self._store = _bound(store)
        if not dry_run:  # also where there will be nothing to do: a killed run must not stay `running` for ever
            from llm4es_store.recovery import mark_killed_runs

            mark_killed_runs(store)
        store.refuse_shared_name(self.recipe.name)
        return Context(
            dataset=self.recipe.name,
            store=store,
            given_recipe=self.recipe,
            observer=self._observer,
            data=self._data,
            allow_outside=self._allow_outside,
            from_store=self._from_store,
            max_entities=self._max_entities,
            dry_run=dry_run,
            executor=self._executor,
        )

    def _found(self, recipe: "str | Path | Recipe") -> "Recipe":
        """The recipe, wherever it is said."""
        from ..recipes import Recipe
        from .kept_recipes import existing, find_recipe

        if isinstance(recipe, Recipe):
            return recipe
        if not is_file(str(recipe)):
            self._store = existing(self._store) or self._store  # what looks for a recipe looks on: it is opened once
        return find_recipe(self._store, str(recipe), self._observer)

    def __repr__(self) -> str:
        root = self._store if isinstance(self._store, str | Path) else self._store.layout.root
        return f"Project({self.recipe.name!r}, store={str(root)!r})"


def _bound(store: "str | Path | Store") -> "str | Path | Store":
    """A store by its whole path: it stays the same wherever the process goes."""
    if isinstance(store, Path) or (isinstance(store, str) and "://" not in store):
        return Path(store).expanduser().absolute()
    return store
