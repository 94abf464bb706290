"""Features and labels to metrics and per-entity predictions.

In: a feature set, labels, options. Out: rows of ``probes`` and of ``predictions``, and what was left out and why.
Every number comes from entities that the scoring model was not fitted on. The folds depend on the labelled entities
and the seed alone, so feature sets of the same entities are scored by the same folds and can be compared in pairs.
Knows no store; says of each entity whether a model in the features' lineage has seen it, and judges nothing.

Letters: N entities, M entities learnt from at an earlier time, D columns, C classes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ..core.errors import ProbeError, did_you_mean
from ..core.schemas import PREDICTIONS, PROBES
from ..core.tasks import NEW_ITEMS, OWN_FOLDS, PRIMARY, Kind, left_out_of
from ..features.halves import HalvedFeatures
from ..features.result_hash import contents, result_hash
from ..options import ProbeOptions
from .cohort import as_text, everybody
from .combined_scores import Choices, CombinedScores, chosen_in_words
from .common_folds import fits_of
from .fold_work import Features, FoldWork, aligned, beside, hash_of
from .made_before import MadeBefore, take_over
from .metric_rows import metric_row, rows_over_fits
from .metrics import Floats, metrics_for
from .new_items import RepeatWork, works_of_halves
from .out_of_time import Earlier, fits_of_two_times, folded_of
from .predictions import Scored, columns, gather
from .protocols import Fit, Protocol, fewer
from .protocols import protocol as protocol_named


@dataclass(frozen=True)
class ProbeResult:
    """What one probe of one feature set gave."""

    probes: pa.Table
    """One row a metric: PROBES without what the keeper adds."""

    predictions: pa.Table
    """One row an entity and repeat: PREDICTIONS without what the keeper adds."""

    n_without_label: int
    """Entities that have features and no label: not used."""

    n_without_features: int
    """Entities that have a label and no features: not used."""

    n_seen: int
    """Scored entities that a model in the lineage was trained on."""

    n_not_learnt: int = 0
    """Of new items: labelled entities without an event of the items learnt from, in the repeat with the most of them;
    nothing is learnt of them there."""


def probe(
    features: Features | HalvedFeatures,
    labels: pa.Table,
    task: str,
    kind: Kind | str,
    options: ProbeOptions | None = None,
    dataset: str = "",
    splits: pa.Table | None = None,
    entities: Collection[str] | None = None,
    made_from: str | None = None,
    positive: str | None = None,
    earlier: Earlier | None = None,
    metric: str | None = None,
    before: MadeBefore | None = None,
) -> ProbeResult:
    """Fit small models on features and labels, and score entities that they were not fitted on.

    Parameters
    ----------
    features : FeatureSet, CombinedFeatures or HalvedFeatures
        (N, D) numbers, a row an entity; or several such whose probes are combined, for the entities that all have. For
        the protocol 'new-items' those of each repeat, with an entity's rows of both halves of the items.
    labels : pyarrow.Table
        ``entity_id`` and ``label``, one row an entity, in the order of the data's own file (protocol 'ptls' depends on
        it). Labels may be text, numbers or yes and no; a null one is left out.
    task : str
        The task's name, for tables and messages.
    kind : Kind, or its name
        'binary', 'multiclass' or 'regression'.
    options : ProbeOptions, default None
        Protocol, probe, folds, resamples and seed; None takes the defaults: logistic regression, 3 x 5 folds.
    dataset : str, default ""
        The dataset's name, for the tables.
    splits : pyarrow.Table, default None
        ``entity_id, split, name``: read where ``options.protocol`` is one of its names.
    entities : collection of str, default None
        Everybody whose history is known: folds are made of those of them that have a label, then those who lack the
        features are dropped and counted. None: those who have the features.
    made_from : str, default None
        ``source_hash`` of the rows; None: the hash of the features' own, the labels and what else was read.
    positive : str, default None
        Of two classes, the one that average precision is about; None: the second in sorted order.
    earlier : Earlier, default None
        Features and labels of an earlier time, which are learnt from instead; ``features`` and ``labels`` are scored.
    metric : str, default None
        By which ``best(...)`` chooses; None: the primary one of the kind.
    before : MadeBefore, default None
        What other probes of the same labels, protocol and options have scored already, and who hears of progress.

    Returns
    -------
    ProbeResult
        ``probes`` has a row a metric with its 95 % interval, ``predictions`` a row an entity and repeat.

    Raises
    ------
    ProbeError
        For labels without a column, two labels of an entity, no entity with both, one class only, too few of a class
        for the folds, a regression's label that is no number, NaN in a vector, two rows of an entity in a split, or a
        kind, protocol or probe that there is none of.

    Examples
    --------
    >>> ids = [f"u{i:02}" for i in range(40)]
    >>> from llm4es.features.feature_set import FeatureSet
    >>> features = FeatureSet("age", ids, np.arange(40.0)[:, None])  # (40, 1)
    >>> labels = pa.table({"entity_id": ids, "label": ["young"] * 20 + ["old"] * 20})
    >>> result = probe(features, labels, "group", "binary", ProbeOptions(folds=4, repeats=1, bootstrap=50))
    >>> result.probes.select(["metric", "value", "n"]).to_pylist()[0]
    {'metric': 'roc_auc', 'value': 1.0, 'n': 40}
    >>> result.predictions.num_rows
    40
    """
    options = options or ProbeOptions()
    of_kind = Kind(_choose(kind, list(Kind), "kind of task"))
    protocol, name = named(options, splits)
    labels = as_text(labels)
    own_folds, content = options.protocol in OWN_FOLDS, features.source_hash
    if isinstance(features, HalvedFeatures):
        who = labels, entities or (), task, of_kind
        features, cohort, whole, works = works_of_halves(features, protocol, *who, options)
    elif options.protocol == NEW_ITEMS:
        raise ProbeError(f"--protocol {NEW_ITEMS} reads features of each half of the items: give HalvedFeatures")
    else:
        cohort, x = aligned(features, labels, task, of_kind)  # x: (N, D) each
        if earlier is None:
            whole = everybody(cohort, labels, entities, task, of_kind) if entities is not None and own_folds else cohort
            learnt, learnt_x = cohort, x
            made = fits_of(protocol, cohort, whole, options, features.name)
        else:
            past = as_text(earlier.labels)
            learnt, learnt_x = aligned(earlier.features, past, task, of_kind)  # learnt_x: (M, D) each
            whole = folded_of(learnt, cohort, (past, labels), (entities or ()) if own_folds else (), task, of_kind)
            made = fits_of_two_times(protocol, learnt, cohort, whole, options, features.name)
            content += earlier.features.source_hash + contents(earlier.labels)
        works = [RepeatWork(learnt, beside(features, learnt_x, x), made)]
    before, classes = before or MadeBefore(), np.unique(cohort.y)  # (C,)
    fits, scores, choices = list[Fit](), list[list[Floats]](), Choices()
    for place, each in enumerate(works):
        own = each.fits
        if options.train_size is not None:
            own = [fewer(fit, each.learnt, options.train_size, options.seed) for fit in own]
        cohorts = f"{hash_of([each.learnt, cohort])} {place}"  # the same rows are other events in another repeat
        work = FoldWork(each.numbers, each.learnt.y, classes, of_kind, name, options.seed, cohorts)
        combined = CombinedScores(
            work, metric or PRIMARY[of_kind], positive, before.known, options.workers, before.advance
        )
        take_over(before.kept, combined, features, cohort, own, options)
        found, chosen = combined.of(features, own)
        fits, scores, choices = [*fits, *own], [*scores, *found], [*choices, *chosen]
    scored = gather(cohort, fits, [score[0] for score in scores], features.seen)
    scored = replace(scored, left_out=left_out_of(options.named_protocol))
    if options.unseen_only:
        scored = _unseen(scored)

    size = "" if options.train_size is None else f"@{options.train_size}"
    made_from = made_from or result_hash(
        content, labels, None if own_folds else splits, None if whole is cohort else whole.entity_ids
    )
    same: dict[str, Any] = {"dataset": dataset, "task": task, "features": features.name}
    same |= {"model": features.model, "k": features.k, "protocol": options.named_protocol + size, "probe": name}
    same |= {"seed": options.seed, "source_hash": made_from}
    same |= {"n": len(scored.truth), "n_seen": int(scored.seen.sum()), "chosen": chosen_in_words(features, choices)}
    judged = scored.with_positive(positive)
    rows = [metric_row(judged, metric, options) for metric in metrics_for(of_kind)]
    if fits[0].validation is not None:
        rows += [row for m in metrics_for(of_kind) for row in rows_over_fits(m, cohort, fits, scores, judged, positive)]
    return ProbeResult(
        probes=pa.Table.from_pylist([same | row for row in rows], schema=PROBES),
        predictions=_predictions(scored, same),
        n_without_label=len(features.entity_ids) - len(cohort.entity_ids),
        n_without_features=labels.num_rows - labels["label"].null_count - len(cohort.entity_ids),
        n_seen=int(scored.seen.sum()),
        n_not_learnt=max(len(whole.y) - len(each.learnt.y) for each in works) if options.protocol == NEW_ITEMS else 0,
    )


def _predictions(scored: Scored, same: dict[str, Any]) -> pa.Table:
    """One row an entity and repeat; ``same`` stands in all of them."""
    kept = columns(scored)
    n = len(kept["entity_id"])
    arrays = [kept[f.name] if f.name in kept else pa.array([same[f.name]] * n, f.type) for f in PREDICTIONS]
    return pa.Table.from_arrays(arrays, schema=PREDICTIONS)


def named(options: ProbeOptions, splits: pa.Table | None) -> tuple[Protocol, str]:
    """The protocol and the estimator that the options name. Raises ProbeError for one that there is not."""
    protocol = protocol_named(options.protocol, splits)
    return protocol, protocol.probe or check_probe(options.probe)


def check_probe(name: str) -> str:
    """The name of a probe. Raises ProbeError for one that there is not."""
    from .estimators import ESTIMATORS  # heavy

    return _choose(name, list(ESTIMATORS), "--probe")


def _choose(value: str, known: Sequence[str], what: str) -> str:
    """``value`` where it is known."""
    if value not in known:
        raise ProbeError(f"{what} '{value}' is unknown: choose one of {', '.join(known)}{did_you_mean(value, known)}")
    return value


def _unseen(scored: Scored) -> Scored:
    """The scored entities that no model in the lineage was trained on."""
    kept = scored.only(~scored.seen)
    if len(kept.truth) == 0 or (kept.classes and len(np.unique(kept.truth)) < len(kept.classes)):
        seen = int(scored.seen.sum())
        raise ProbeError(
            f"{seen} of {len(scored.truth)} scored entities were seen in tuning, and the rest cannot "
            "carry the task: leave out --unseen-only, or choose a split that fine-tuning left alone"
        )
    return kept
