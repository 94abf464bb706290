"""Predictors: what was fitted once on labelled entities, as the store keeps it, and whether it still fits the features.

In: a context, a row of ``predictors``. Out: a ``Predictor``. Fits nothing and scores nobody.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError, StoreError
from ..core.hashing import config_id
from ..core.sql import Scope, where
from .context import Context
from .feature_source import FeatureSource
from .feature_sources import READ_ANEW, named

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Predictor:
    """One row of ``predictors``."""

    row: Mapping[str, Any]
    """Its columns."""

    @property
    def version(self) -> int:
        """1, 2, ... of its features."""
        return int(self.row["model_version"])

    @property
    def name(self) -> str:
        """For people: ``v1``."""
        return f"v{self.version}"

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """Features that it reads -> ``space``, and what their ``columns`` stand for."""
        found: dict[str, dict[str, Any]] = json.loads(self.row["inputs"])
        return found

    @property
    def classes(self) -> list[str]:
        """In the order of scores; none: a regression."""
        return list(self.row["classes"])

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """What it is worth."""
        rows: list[dict[str, Any]] = json.loads(self.row["evidence"])
        return rows

    def scores_at(self, cutoff: str) -> str:
        """The configuration of its scores of histories that end so."""
        return scores_config(self.row["config_id"], self.version, cutoff)


def scores_config(predictor: str, version: int, cutoff: str) -> str:
    """The configuration of scores: a predictor's, its version, and where the histories end."""
    return config_id({"predictor": predictor, "model_version": version, "as_of": cutoff})


def scope_of(context: Context, task: str, features: str, made: str) -> Scope:
    """The predictors of one configuration."""
    return {"dataset": context.dataset, "task": task, "features": features, "config_id": made}


def newest(context: Context, scope: Scope, version: int | None = None) -> Predictor | None:
    """The newest predictor of a configuration, or that of one version; None where there is none.

    Parameters
    ----------
    context : Context
        Store.
    scope : mapping
        As of ``scope_of``.
    version : int, optional
        Which; None: the newest.

    Returns
    -------
    Predictor or None
        As the store has it.
    """
    chosen = where(scope if version is None else {**scope, "model_version": version})
    query = f"SELECT * FROM predictors WHERE {chosen} ORDER BY model_version DESC LIMIT 1"
    rows = context.store.sql(query).to_arrow_table().to_pylist()
    return Predictor(rows[0]) if rows else None


def kept(context: Context, scope: Scope, version: int) -> Predictor:
    """The predictor of one version, which is there."""
    found = newest(context, scope, version)
    if found is None:
        raise StoreError(f"predictor v{version} of {scope['task']} is gone: somebody dropped it; run predict again")
    return found


def next_version(context: Context, task: str, features: str) -> int:
    """The number that a new fit of these features gets."""
    chosen = where({"dataset": context.dataset, "task": task, "features": features})
    ((last,),) = context.store.sql(f"SELECT max(model_version) FROM predictors WHERE {chosen}").fetchall()
    return int(last or 0) + 1


def check_readable(sources: Sequence[FeatureSource]) -> None:
    """Raise OptionError for features that cannot be read of everybody, or that were made of what is no more.

    Parameters
    ----------
    sources : sequence of FeatureSource
        That are made of no others.
    """
    for source in sources:
        if source.lacking:
            raise OptionError(f"--features {source.name!r}: {source.lacking}")
        if source.part is None:
            source.read("false", {})
        if source.n_stale:
            raise OptionError(
                f"--features {source.name!r}: vectors of {source.n_stale} entities were made of texts that have "
                f"changed or vanished: {READ_ANEW} makes them anew, then predict"
            )


def read_by(predictor: Predictor, found: Mapping[str, FeatureSource]) -> dict[str, FeatureSource]:
    """The features that a predictor reads, as they are now.

    Parameters
    ----------
    predictor : Predictor
        Whose.
    found : mapping of str to FeatureSource
        Name -> what there is.

    Returns
    -------
    dict of str to FeatureSource
        By the predictor's names.

    Raises
    ------
    OptionError
        For features that are not there, are stale, or mean something else than when it was fitted.
    """
    sources = {name: named(name, found) for name in predictor.inputs}
    check_readable([origin for source in sources.values() for origin in source.origins])
    for name, source in sources.items():
        if space_of(source) != predictor.inputs[name]["space"]:
            raise OptionError(
                f"--features {name!r} are not what {predictor.name} of {predictor.row['task']} was fitted on: their "
                f"model, settings or fit are others now; --refit fits v{predictor.version + 1} on them"
            )
    return sources


def space_of(source: FeatureSource) -> list[str]:
    """What each part of the numbers means, from left to right."""
    return [origin.space for origin in source.origins]


def labels_changed(predictor: Predictor, labels: "pa.Table") -> dict[str, int]:
    """How the labels differ from those that a predictor was fitted on.

    Parameters
    ----------
    predictor : Predictor
        Which has them.
    labels : pyarrow.Table
        ``entity_id`` and ``label`` of whoever could be fitted on now.

    Returns
    -------
    dict of str to int
        ``others``, ``new`` and ``gone`` -> entities; none of what there is none of.
    """
    then = dict(zip(predictor.row["entity_ids"], predictor.row["labels"], strict=True))
    now = dict(zip(labels["entity_id"].to_pylist(), labels["label"].to_pylist(), strict=True))
    counts = {
        "others": sum(1 for entity, label in then.items() if entity in now and now[entity] != label),
        "new": len(now.keys() - then.keys()),
        "gone": len(then.keys() - now.keys()),
    }
    return {word: n for word, n in counts.items() if n}
