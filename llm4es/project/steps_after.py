"""What a project does besides: steps that `run` does not take.

In: a project's context, a step's options as keyword arguments. Out: results; what is computed is in the store.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.frames import to_arrow
from ..options import ImportOptions, PredictOptions
from .documented import takes
from .outcome import Outcome
from .results_drawn import DrawnResults

if TYPE_CHECKING:
    from ..recipes import Recipe
    from .scores import Scoring


class StepsAfter(DrawnResults):
    """The steps of ``Project`` beside the way of ``run``.

    Examples
    --------
    >>> project.predict("loyal", features="counts", dry_run=True).computed
    20
    """

    recipe: "Recipe"
    """What the data are."""

    @takes(PredictOptions)
    def predict(self, task: str | None = None, *, dry_run: bool = False, **options: Any) -> "Scoring":
        """Fit one feature set once on the labelled entities, and score everybody who has it; scores are kept.

        Parameters
        ----------
        task : str, optional
            The recipe's task; None: every task.
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Scoring
            What the scores are worth out of fold: a row a figure; ``outcomes`` says who was scored.

        Raises
        ------
        OptionError
            For features that are not in the store, stale or of another space than the predictor's, and an option that
            there is not.
        ProbeError
            Where the labels, or the features, cannot carry the task.

        Examples
        --------
        >>> project.predict("loyal", features="counts", dry_run=True)
        predict loyal: 20 to compute, 0 reused (20 new)
        """
        from .predict import predict_all

        return predict_all(self._context(dry_run, create=dry_run), task, PredictOptions.of(**options))

    @takes(ImportOptions, leave_out=("dataset",))
    def import_vectors(self, vectors: Any, name: str, *, dry_run: bool = False, **options: Any) -> Outcome:
        """Take in vectors made elsewhere, in one commit: ``probe``, ``compare`` and SQL treat them like our own.

        Parameters
        ----------
        vectors : path or frame
            Parquet or CSV, or a frame: an id and a vector an entity, in one column of lists or in columns of numbers.
        name : str
            What the vectors are called: their ``model``.
        dry_run : bool, default False
            Plan only: nothing is written.

        Returns
        -------
        Outcome
            Vectors wanted, computed and reused, and why.

        Raises
        ------
        DataError
            For a file or a column that cannot be read, two rows of one id, vectors of several lengths or no numbers.
        OptionError
            For a name that a model's own vectors have, and an option that there is not.

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
