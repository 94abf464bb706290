"""Whom the maker of vectors has met before: by what it read, not by what the data are called.

In: a store, a dataset, names of models. Out: entity ids. Knows no vectors.

Somebody was seen whose id is in the exposures of this dataset; of whom the model read the very text, under whatever
name; and whose id is in the exposures of another dataset that was read from the same raw files, or that holds the same
events of theirs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ..core.schemas import EVENT_KEYS, KEPT_BY
from ..core.sql import identifier, literal
from ..core.tables import events_view

if TYPE_CHECKING:
    from llm4es_store import Store

TRAIN, VALIDATION, DECLARED = "train", "validation", "declared"
"""What somebody was for a model: trained on, or one of those whose loss ended its training; or ``import`` says so."""

_NO_FIELDS = {*EVENT_KEYS.names, *(column.name for column in KEPT_BY), "source_hash"}


@dataclass(frozen=True)
class Seen:
    """Whom the models behind some features have met.

    Examples
    --------
    >>> both = Seen(frozenset("ab"), frozenset("c")) | Seen(frozenset("c"))
    >>> sorted(both.train), sorted(both.validation), sorted(both.everybody)
    (['a', 'b', 'c'], [], ['a', 'b', 'c'])
    """

    train: frozenset[str] = frozenset()
    """Trained on, or declared."""
    validation: frozenset[str] = frozenset()
    """Only looked at to end the training."""
    beyond: frozenset[str] = frozenset()
    """Those that the dataset's name alone would not have told."""
    declared: frozenset[str] = frozenset()
    """Those of whom only ``import --seen`` says it."""

    @property
    def everybody(self) -> frozenset[str]:
        """Both."""
        return self.train | self.validation

    def __or__(self, other: "Seen") -> "Seen":
        train = self.train | other.train
        validation, declared = (self.validation | other.validation) - train, self.declared | other.declared
        return Seen(train, validation, self.beyond | other.beyond, declared)


NOBODY = Seen()


def seen_by(store: "Store", dataset: str, models: Iterable[str]) -> Seen:
    """Whom models have met among the entities of a dataset.

    Parameters
    ----------
    store : Store
        Which knows what was read.
    dataset : str
        Whose entities.
    models : iterable of str
        A model and those that it was made from.

    Returns
    -------
    Seen
        Ids.

    Examples
    --------
    >>> seen_by(project.store, "shop", ["model"]).everybody
    frozenset()
    """
    names = ", ".join(map(literal, models))
    met = f"""SELECT dataset, entity_id, text_hashes, coalesce(role, '{TRAIN}') AS role
        FROM exposures WHERE model IN ({names})"""
    datasets = [name for (name,) in store.sql(f"SELECT DISTINCT dataset FROM ({met})").fetchall()]
    if not datasets:
        return NOBODY
    of_dataset = f"dataset = {literal(dataset)}"
    by_name = f"SELECT entity_id, role, true AS by_name FROM ({met}) WHERE {of_dataset}"
    by_text = f"""SELECT texts.entity_id, read.role, false FROM texts
        JOIN (SELECT DISTINCT unnest(text_hashes) AS text_hash, role FROM ({met})) AS read USING (text_hash)
        WHERE texts.{of_dataset}"""
    parts = [by_name, by_text]
    for other in datasets:
        if other != dataset:
            ids = f"SELECT entity_id, role, false FROM ({met}) WHERE dataset = {literal(other)}"
            parts += [f"{ids} AND entity_id IN ({same})" for same in _same_people(store, dataset, other)]
    train: set[str] = set()
    validation: set[str] = set()
    declared: set[str] = set()
    named: set[str] = set()
    kinds = {TRAIN: train, VALIDATION: validation, DECLARED: declared}
    for entity, role, is_named in store.sql(" UNION ".join(parts)).fetchall():
        kinds[role].add(entity)
        if is_named and role == TRAIN:
            named.add(entity)
    beyond, declared_only = (validation | declared | train) - named, declared - train
    train |= declared
    return Seen(frozenset(train), frozenset(validation - train), frozenset(beyond), frozenset(declared_only))


def _same_people(store: "Store", dataset: str, other: str) -> list[str]:
    """SELECTs of the ids that stand for the same people in two datasets."""
    if _files(store, dataset) & _files(store, other):
        return [f"SELECT DISTINCT entity_id FROM texts WHERE dataset = {literal(dataset)}"]
    views = [events_view(dataset), events_view(other)]
    if not set(views) <= set(store.views()):
        return []
    columns = [store.sql(f"SELECT * FROM {identifier(view)} LIMIT 0").columns for view in views]
    shared = sorted(set(columns[0]) & set(columns[1]) - _NO_FIELDS)
    if not shared:  # days alone are those of many
        return []
    values = ", ".join(f"coalesce({identifier(c)}::VARCHAR, chr(30))" for c in ("event_time", *shared))
    mine, theirs = (
        f"""SELECT entity_id, position, count(*) OVER (PARTITION BY entity_id) AS n,
            concat_ws(chr(31), {values}) AS said
        FROM {identifier(view)} WHERE entity_id IN (SELECT entity_id FROM exposures WHERE dataset = {literal(other)})"""
        for view in views
    )
    # One may have grown since: all of the shorter history is in the longer.
    return [
        f"""SELECT mine.entity_id FROM ({mine}) AS mine JOIN ({theirs}) AS theirs USING (entity_id, said)
        GROUP BY mine.entity_id HAVING count(DISTINCT mine.position) = any_value(mine.n)
        OR count(DISTINCT theirs.position) = any_value(theirs.n)"""
    ]


def _files(store: "Store", dataset: str) -> set[str]:
    """Hashes of the raw files that a dataset's events were ever read from, and of all its files together."""
    query = f"""SELECT DISTINCT unnest(coalesce((config->'$.events_files')::VARCHAR[], []) || [config->>'$.source'])
        FROM runs WHERE stage = 'serialize' AND dataset = {literal(dataset)}"""
    return {digest for (digest,) in store.sql(query).fetchall() if digest is not None}


def with_seen(predictions: pa.Table, seen: Mapping[str, Seen]) -> pa.Table:
    """Predictions that say who was seen as it is known now.

    Parameters
    ----------
    predictions : pyarrow.Table
        Columns ``features``, ``entity_id`` and ``seen``.
    seen : mapping of str to Seen
        Features -> whom their makers have met.

    Returns
    -------
    pyarrow.Table
        The same rows.

    Examples
    --------
    >>> rows = pa.table({"features": ["m", "m", "tfidf"], "entity_id": ["a", "b", "a"], "seen": [False] * 3})
    >>> with_seen(rows, {"m": Seen(frozenset("a")), "tfidf": Seen()})["seen"].to_pylist()
    [True, False, False]
    """
    marked = pa.chunked_array([[False] * len(predictions)], pa.bool_())
    for name, met in seen.items():
        if met.everybody:
            ids = pa.array(sorted(met.everybody), pa.string())
            mine = pc.and_(pc.equal(predictions["features"], name), pc.is_in(predictions["entity_id"], ids))
            marked = pc.or_(marked, mine)
    return predictions.set_column(predictions.schema.get_field_index("seen"), "seen", marked)


def in_words(predictions: pa.Table, seen: Mapping[str, Seen]) -> list[str]:
    """Who of the scored was seen: a line a number, naming the features.

    Parameters
    ----------
    predictions : pyarrow.Table
        Columns ``features`` and ``entity_id``.
    seen : mapping of str to Seen
        Features -> whom their makers have met.

    Returns
    -------
    list of str
        Sentences; none where nobody was seen.

    Examples
    --------
    >>> rows = pa.table({"features": ["m", "m"], "entity_id": ["a", "b"]})
    >>> in_words(rows, {"m": Seen(frozenset("a"))})
    ['1 of 2 scored entities were seen in tuning: compare with --unseen-only (m)']
    """
    from ..probe.leakage import met_before  # heavy

    lines: dict[tuple[int, int, int, bool], list[str]] = {}
    for name, met in seen.items():
        if met.everybody:
            scored = pc.unique(predictions.filter(pc.equal(predictions["features"], name))["entity_id"]).to_pylist()
            n, steering = (sum(e in ids for e in scored) for ids in (met.everybody, met.validation))
            lines.setdefault((n, steering, len(scored), bool(met.declared)), []).append(name)
    return [
        f"{met_before(*numbers)} ({', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''})"
        for numbers, names in lines.items()
        if numbers[0]
    ]
