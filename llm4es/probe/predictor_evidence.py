"""What a predictor is worth, out of fold: metrics, calibration, lift; and the calibration itself.

In: what a probe of the same features and labels gave. Out: a calibration, rows for people. Knows no store.
"""

from typing import Any

import numpy as np

from ..core.tasks import Kind
from .calibration import Calibration, calibrated_out_of_fold
from .calibration_figures import brier, calibration_error
from .lift import SHARES, lift
from .predictions import Scored, scored
from .probe import ProbeResult


def evidence(
    result: ProbeResult, kind: Kind, metric: str, positive: str | None
) -> tuple[Calibration | None, list[dict[str, Any]]]:
    """How scores become probabilities, and what they are worth.

    Parameters
    ----------
    result : ProbeResult
        Of the features and labels that the predictor is fitted on.
    kind : Kind
        Of task.
    metric : str
        The one that the task is about.
    positive : str or None
        Of two classes the one that lift is about; None: there are not two.

    Returns
    -------
    calibration : Calibration or None
        Learnt of all out-of-fold scores; None: a regression.
    rows : list of dict
        ``measure``, ``value``, ``low`` and ``high`` (its 95 % interval, or None) and ``words``. Every figure is of
        entities that the scoring model was not fitted on, and calibrated ones of folds that the calibration was not
        learnt of.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es.features.feature_set import FeatureSet
    >>> from llm4es.options import ProbeOptions
    >>> from llm4es.probe import probe
    >>> ids = [f"u{i:02}" for i in range(40)]
    >>> features = FeatureSet("age", ids, np.arange(40.0)[:, None])
    >>> labels = pa.table({"entity_id": ids, "label": ["young"] * 20 + ["old"] * 20})
    >>> probed = probe(features, labels, "group", "binary", ProbeOptions(folds=4, repeats=1, bootstrap=50))
    >>> [row["measure"] for row in evidence(probed, Kind.BINARY, "roc_auc", "young")[1]][:3]
    ['roc_auc', 'brier', 'calibration error']
    """
    of = scored(result.predictions, kind is Kind.REGRESSION)
    shown = dict.fromkeys([metric, *(("r2", "mae") if kind is Kind.REGRESSION else ("roc_auc",))])
    found = {row["metric"]: row for row in result.probes.to_pylist()}
    of_whom = f"{len(of.truth)} labelled, each scored by models that were not fitted on it"
    rows = [
        _row(name, found[name]["value"], of_whom, found[name]["ci_low"], found[name]["ci_high"])
        for name in shown
        if name in found
    ]
    if kind is Kind.REGRESSION:
        return None, rows
    calibrated = calibrated_out_of_fold(of)
    shares = np.bincount(of.truth, minlength=len(of.classes)) / len(of.truth)
    alone = float(shares[0] * shares[1]) if len(shares) == 2 else float(1 - np.sum(shares**2))
    before = f"{brier(of.scores, of.truth):.4f} before calibration, {alone:.4f} if everybody had the classes' shares"
    rows.append(_row("brier", brier(calibrated, of.truth), before))
    error = f"{calibration_error(of.scores, of.truth):.4f} before calibration; mean gap of tenths of the entities"
    rows.append(_row("calibration error", calibration_error(calibrated, of.truth), error))
    classes = of.classes if positive is None else (positive,)
    rows += [row for name in classes for row in _lifts(of, calibrated, name, several=positive is None)]
    return Calibration.fit(of.scores, of.truth), rows


def _lifts(of: Scored, calibrated: Any, name: str, *, several: bool) -> list[dict[str, Any]]:
    """A row a share, of one class."""
    column = of.classes.index(name)
    positive = of.truth == column
    rows = []
    for share in SHARES:
        at_top = lift(calibrated[:, :, column], positive, of.folds, share)
        found, first = (f"{n:,.1f}".removesuffix(".0") for n in (at_top.positives, at_top.n))  # means over repeats
        words = f"{found} of the first {first} are {name}, of all {len(positive)} {positive.sum()}"
        rows.append(_row(f"lift at {share:.0%}".replace("%", " %") + f" of {name}" * several, at_top.lift, words))
    return rows


def _row(measure: str, value: float, words: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"measure": measure, "value": value, "low": low, "high": high, "words": words}
