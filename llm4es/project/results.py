"""What a project's store says: comparisons, neighbours, differences, pages, vectors. Nothing is computed that is kept.

In: a project's context. Out: results. Writes nothing to the store.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..options import CompareOptions, DiffOptions, ExportOptions, ReportOptions, SimilarOptions
from .context import Context
from .documented import takes
from .result import Result

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from llm4es_store import Store

    from .compare import Comparison
    from .exported import Exported
    from .similar import Neighbours


class Results(ABC):
    """The half of a project that reads.

    Examples
    --------
    >>> len(project.compare("loyal"))
    2
    """

    @property
    @abstractmethod
    def store(self) -> "Store":
        """The store. Raises StoreError where there is none yet."""

    @abstractmethod
    def _context(self, dry_run: bool = False, *, create: bool = True) -> Context:
        """What a step works with."""

    def _reading(self) -> Context:
        """What a step works with that only reads. Raises StoreError where there is no store yet."""
        return self._context(dry_run=True, create=False)

    @takes(CompareOptions)
    def compare(self, task: str | None = None, **options: Any) -> "Comparison":
        """Compare everything that was probed: metric, interval, paired difference against the best baseline.

        Parameters
        ----------
        task : str, optional
            The recipe's task; None: every task.

        Returns
        -------
        Comparison
            A ``Result`` that draws itself: a row a feature set, the best first: ``features``, ``metric``, ``value``,
            ``ci_low``, ``ci_high``, and against the reference ``difference``, ``diff_low``, ``diff_high``,
            ``p_adjusted``, ``words``.

        Raises
        ------
        ProbeError
            Where the task, the metric or the reference was not probed, and where feature sets were scored on different
            entities.
        OptionError
            For a task that the recipe does not have, and an option that there is not.

        Examples
        --------
        >>> project.compare("loyal").to_arrow().column_names[:3]
        ['task', 'features', 'probe']
        """
        from .compare import compare
        from .probe import tasks_of

        context = self._reading()
        return compare(context, tasks_of(context, task), CompareOptions.of(**options))

    @takes(SimilarOptions)
    def similar(self, entity: str, *, task: str | None = None, **options: Any) -> "Neighbours":
        """Find the nearest entities by cosine, and what they have in common with this one, the rarest first.

        Parameters
        ----------
        entity : str
            The entity's id.
        task : str, optional
            Whose texts, where tasks have cut-offs of their own.

        Returns
        -------
        Neighbours
            A row a neighbour, the nearest first: ``rank``, ``entity_id``, ``cosine``, a column a task, how many values
            are ``shared``, and the ``rarest shared``.

        Raises
        ------
        StoreError
            Where there are no vectors of the model.
        ProbeError
            For an entity that has no vector.
        OptionError
            For features that are not in the store.

        Examples
        --------
        >>> project.similar("c0", features="counts", n=3).column_names[:3]
        ['rank', 'entity_id', 'cosine']
        """
        from .similar import similar

        return similar(self._reading().of_task(task), entity, SimilarOptions.of(**options))

    @takes(DiffOptions)
    def diff(self, a: str | int, b: str | int, **options: Any) -> Result:
        """Tell what changed between two versions, models or k.

        Parameters
        ----------
        a, b : str or int
            A version, a time, features as ``compare`` names them, or ``FEATURES:VERSION``.

        Returns
        -------
        Result
            A row a figure: ``features``, ``measure``, ``value``, its interval ``low`` and ``high``, and ``words``.

        Raises
        ------
        OptionError
            For a side that is neither a version nor features, and where there is nothing to compare.

        Examples
        --------
        >>> project.diff(1, 2).column_names[0]
        'features'
        """
        from .diff import diff

        return diff(self.store, str(a), str(b), self._reading().dataset, DiffOptions.of(**options))

    @takes(ReportOptions)
    def report(self, task: str | None = None, *, out: str | Path | None = None, **options: Any) -> Path:
        """Write one self-contained HTML page with every picture.

        Parameters
        ----------
        task : str, optional
            The recipe's task; None: every task.
        out : str or Path, optional
            The page's file; None: ``<dataset>-report.html`` here.

        Returns
        -------
        Path
            Where the page is.

        Raises
        ------
        OptionError
            Where it cannot be written, and where matplotlib and jinja2 are not installed.

        Examples
        --------
        >>> project.report("loyal", out="loyal.html")
        PosixPath('loyal.html')
        """
        from .probe import tasks_of
        from .report import write_report

        if options.get("against") is not None:  # a version of the store, or a path
            options["against"] = str(options["against"])
        context = self._reading()
        return write_report(context, tasks_of(context, task), ReportOptions.of(**options), out)

    @takes(ExportOptions)
    def export(self, *, task: str | None = None, **options: Any) -> "Exported":
        """Embeddings, imported vectors and baselines, or scores, as one wide or long table.

        Parameters
        ----------
        task : str, optional
            Whose texts, where tasks have cut-offs of their own; whose scores.

        Returns
        -------
        Exported
            Wide: ``entity_id`` and a column a number. Long: a row an (entity, features), with ``vector``. Names are of
            ``[a-z0-9_]`` only; ``about`` says what they stand for.

        Raises
        ------
        OptionError
            For features that are not in the store.

        Examples
        --------
        >>> project.export(features="counts").column_names
        ['entity_id', 'counts_events']
        """
        from .export import export

        if isinstance(options.get("since"), int):  # a version of the store
            options["since"] = str(options["since"])
        return export(self._reading().of_task(task), ExportOptions.of(**options))

    def vectors(
        self, model: str, k: int | str = 8, *, config_id: str | None = None, at: int | str | None = None
    ) -> "tuple[pa.StringArray, NDArray[np.float32]]":
        """Entity ids and the matrix of their vectors.

        Parameters
        ----------
        model : str
            Whose vectors: a model's or imported vectors' name, or the folder of a model.
        k : int or "all", default 8
            Last layers averaged; "all" is the deepest that is there. Imported vectors have none.
        config_id : str, optional
            The configuration, where several are live.
        at : int or str, optional
            The store as it was at a version or a time; None: now.

        Returns
        -------
        ids : pyarrow.StringArray
            (N,) ids, sorted.
        vectors : numpy.ndarray
            (N, D) float32.

        Raises
        ------
        OptionError
            For a k that is no number of layers.
        StoreError
            Where there are none, and where several configurations are live and none was chosen: the message lists them.

        Examples
        --------
        >>> ids, X = project.vectors("model", k=1)
        >>> X.shape
        (20, 32)
        """
        from .vectors import vectors

        return vectors(self._reading(), model, k, config_id, at)

    def sql(self, query: str, *, at: int | str | None = None) -> Result:
        """The rows of one read-only SELECT over the store's views.

        Parameters
        ----------
        query : str
            A SELECT; views are ``texts``, ``embeddings``, ``labels``, ``splits``, ``models``, ``probes``...
        at : int or str, optional
            The store as it was at a version or a time; None: now.

        Returns
        -------
        Result
            The rows.

        Raises
        ------
        StoreError
            For a query that does not parse, writes, or reads outside the store.

        Examples
        --------
        >>> project.sql("SELECT count(*) AS n FROM texts WHERE variant = 'raw'")
        n
        20
        """
        from llm4es_store.sql import fetch

        return Result(fetch(self.store.sql(query, at)))
