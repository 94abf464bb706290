"""What a project does once it is known what features are worth: steps that `run` does not take.

In: a project's context, a step's options as keyword arguments. Out: results; what is computed is in the store.
"""

from typing import TYPE_CHECKING, Any

from ..options import PredictOptions
from .documented import takes
from .results import Results

if TYPE_CHECKING:
    from .scores import Scoring


class StepsAfter(Results):
    """The steps of ``Project`` after ``probe``.

    Examples
    --------
    >>> project.predict("loyal", features="counts", dry_run=True).computed
    20
    """

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
