"""Fitted estimators as bytes, and back, without pickle: skops writes arrays and named types, and runs no code.

In: a ``Fitted``. Out: bytes. Only types that this package itself fits are read; any other is refused by its name.
"""

from ..core.errors import ProbeError
from .predictor import Fitted

TRUSTED = (
    "llm4es.features.expressions.Combination",
    "llm4es.probe.chosen_logistic.ChosenLogistic",
    "llm4es.probe.kind_vectors.KnownWords",
    "llm4es.probe.scaling.Standard",
    "llm4es.probe.scaling.UnitLength",
    "llm4es.probe.scaling._dense",
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
"""What may be made again beside what skops itself knows of scikit-learn, NumPy and SciPy."""


def to_bytes(fitted: Fitted) -> bytes:
    """A fitted probe, to be kept.

    Parameters
    ----------
    fitted : Fitted
        As ``fit_on_all`` gave it.

    Returns
    -------
    bytes
        A zip of JSON and ``.npy`` files.
    """
    import skops.io

    return bytes(skops.io.dumps(fitted.tree()))


def from_bytes(content: bytes) -> Fitted:
    """The fitted probe that ``to_bytes`` wrote.

    Parameters
    ----------
    content : bytes
        As it wrote them.

    Returns
    -------
    Fitted
        It gives the same scores.

    Raises
    ------
    ProbeError
        For a type that is not among ``TRUSTED``: nothing of it is made.
    """
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED))
    if unknown:
        raise ProbeError(f"a kept predictor holds {unknown[0]}, which llm4es never writes: it is not read; --refit")
    return Fitted.of(skops.io.loads(content, trusted=list(TRUSTED)))
