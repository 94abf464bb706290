"""The pictures that a project itself draws.

In: a project's context. Out: matplotlib axes. matplotlib is loaded in the call alone.
"""

from typing import TYPE_CHECKING

from ..options.results import Projection
from .results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class DrawnResults(Results):
    """The half of a project that reads, with its pictures.

    Examples
    --------
    >>> project.plot_map("loyal", features="counts").get_title()
    'counts: loyal'
    """

    def plot_map(
        self,
        task: str | None = None,
        *,
        features: str = "",
        projection: Projection = Projection.PCA,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw the map of users: vectors in two dimensions, coloured by label.

        Parameters
        ----------
        task : str, optional
            Whose labels are the colours; None: the recipe's first.
        features : str, default ''
            Whose vectors, by the name that ``compare`` shows; '': the best that were probed.
        projection : Projection, default Projection.PCA
            How vectors become two dimensions: 'pca' or 'umap'.
        ax : matplotlib.axes.Axes, optional
            Where it is drawn; None: a figure of its own.

        Returns
        -------
        matplotlib.axes.Axes
            The drawing; of more than 2,000 users a sample.

        Raises
        ------
        OptionError
            Where matplotlib and jinja2 are not installed, where no vectors of a model were probed, and for a task or
            features that there are not.

        Examples
        --------
        >>> project.plot_map("loyal", features="model@1 [64 tokens]").get_title()
        'model@1 [64 tokens]: loyal'
        """
        from .map_of_users import map_of_users
        from .plots import drawn_on

        with drawn_on(ax, 4.2) as axes:
            return map_of_users(self._reading(), task, features, projection, axes)
