"""What a task's probes are made from, as it is now: which of those in the store still hold, and why others do not.

In: a context, a task, a protocol. Out: the hash that a live probe bears; names of stale ones with a reason. Fits none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import Llm4esError
from ..core.limits import FRUGAL
from ..core.plan import Reason
from ..core.sql import where
from ..core.tasks import OF_NUMBERS, OWN_FOLDS, PRIMARY, Kind, plain_protocol
from ..features.result_hash import contents, hash_with
from .cohorts import made_for
from .context import Context
from .cutoffs import keys, two_times
from .feature_source import FeatureSource
from .feature_sources import all_feature_sources, named
from .new_items import under_protocol
from .selection import entities_sql
from .stale_words import NEWER, is_newer, older
from .task_labels import cohort_sql, labelled_sql, labels_of, labels_sql

LABELS, OTHERS, INPUTS = str(Reason.LABELS), str(Reason.ENTITIES), "texts, events, vectors or splits changed"
GONE, KIND = "not in the store any more", "the task's kind changed"
UNREAD = "vectors were made of texts that have changed"
"""Why a probe is stale."""


@dataclass(frozen=True)
class Evidence:
    """Labels, split and cohort of one task under one protocol."""

    context: Context
    task: str
    protocol: str
    labels: pa.Table
    """``entity_id`` and ``label``, in the order of the data's own file: the protocol 'ptls' depends on it."""
    splits: pa.Table | None
    """The recipe's split of the protocol's name; None for a protocol that makes its own folds."""
    unseen_only: bool = False
    """Whether entities that a model has met are left out."""
    earlier_labels: pa.Table | None = None
    """Where a probe learns at another time than it is scored at: the labels that it learns from."""

    @classmethod
    def of(cls, context: Context, task: str, protocol: str, *, unseen_only: bool = False) -> "Evidence":
        """Read from the store.

        Parameters
        ----------
        context : Context
            Dataset, store, how many entities.
        task, protocol : str
            Whose labels, and by which protocol they are probed.
        unseen_only : bool, default False
            Entities that a model has met are left out.

        Returns
        -------
        Evidence
            As it is now.

        Examples
        --------
        >>> Evidence.of(context, "loyal", "cv").labels.num_rows
        20
        """
        of = context.of_task(task)
        earlier = None if of.earlier is None else labels_of(of.earlier, task)
        return cls(of, task, protocol, labels_of(of, task), _split(of, protocol), unseen_only, earlier)

    @cached_property
    def cohort_sql(self) -> str:
        """SELECT of the entities that have a label and events."""
        return cohort_sql(self.context, self.task)

    @cached_property
    def cohort(self) -> list[str]:
        """Their ids, sorted as text."""
        rows = self.context.store.sql(f"{self.cohort_sql} ORDER BY entity_id", limits=FRUGAL).to_arrow_table()
        return list(rows["entity_id"].to_pylist())

    @cached_property
    def everybody(self) -> list[str]:
        """Whom folds are made of: the cohort, and those who were in it at the time that is learnt from."""
        if self.context.earlier is None:
            return self.cohort
        query = f"{self.cohort_sql} UNION {cohort_sql(self.context.earlier, self.task)} ORDER BY entity_id"
        return list(self.context.store.sql(query).to_arrow_table()["entity_id"].to_pylist())

    def missing(self, source: FeatureSource) -> int:
        """How many of the cohort lack the features."""
        if source.entities is None:
            return 0
        lacking = f"SELECT count(*) FROM ({self.cohort_sql}) WHERE entity_id NOT IN ({source.entities})"
        return int(self.context.store.sql(lacking).fetchall()[0][0])

    @cached_property
    def labelled_sql(self) -> str:
        """SELECT of the entities that have a label: no others' vectors need be read."""
        return labelled_sql(self.context, self.task)

    @cached_property
    def earlier_labelled_sql(self) -> str | None:
        """The same at the time that is learnt from; None: there is one time."""
        return None if self.context.earlier is None else labelled_sql(self.context.earlier, self.task)

    def unlabelled(self, source: FeatureSource) -> int:
        """How many have the features and no label."""
        if source.entities not in self._unlabelled:
            rows = (
                f"SELECT count(*) FROM ({source.entities or self._known}) WHERE entity_id NOT IN ({self.labelled_sql})"
            )
            self._unlabelled[source.entities] = int(self.context.store.sql(rows).fetchall()[0][0])
        return self._unlabelled[source.entities]

    @cached_property
    def _unlabelled(self) -> dict[str | None, int]:
        """SELECT of entities, None: everybody -> how many have no label."""
        return {}

    @cached_property
    def _known(self) -> str:
        """SELECT of everybody."""
        of = self.context
        return entities_sql(of.dataset, of.cutoff.config_id, of.max_entities)

    def missing_parts(self, source: FeatureSource) -> dict[str, int]:
        """How many of the cohort lack each feature set of a combination; nothing of what combines none."""
        return {} if source.how is None else {leaf.name: self.missing(leaf) for leaf in source.leaves}

    def expected(self, source: FeatureSource) -> str:
        """The ``source_hash`` of a probe of these features that is made now."""
        apart = self.protocol in OWN_FOLDS and (self.earlier_labels is not None or self.missing(source))
        unseen = sorted(source.seen.beyond & set(self.cohort)) if self.unseen_only else None
        content = source.source_hash
        if source.chooses and (metric := self.metric) is not None:
            content += f" by {metric}"
        return hash_with(content, self._shared, self.everybody if apart else None, unseen)

    @property
    def metric(self) -> str | None:
        """The task's own metric, where it is not the usual one of its kind."""
        spec = self.context.recipe.tasks.get(self.task)
        return None if spec is None or spec.metric in (None, PRIMARY[spec.kind]) else spec.metric

    @cached_property
    def _shared(self) -> str:
        earlier = "" if self.earlier_labels is None else f",{contents(self.earlier_labels)}"
        return contents(self.labels, self.splits) + earlier

    def stale(self, probes: pa.Table, sources: Mapping[str, FeatureSource]) -> dict[str, str]:
        """Of some rows of ``probes``, the features that are no longer what was probed.

        Parameters
        ----------
        probes : pyarrow.Table
            Rows of this task and protocol, of one configuration.
        sources : mapping of str to FeatureSource
            Name -> what can be probed now.

        Returns
        -------
        dict of str to str
            Features -> why.
        """
        found: dict[str, str] = {}
        changed: set[str] | None = None
        other_kind = self._of_other_kind(probes)
        pairs = set(zip(*(probes[column].to_pylist() for column in ("features", "source_hash", "n")), strict=True))
        probed = {name for name, _, _ in pairs}
        for name, content, n in sorted(pairs):
            try:
                source = named(name, sources)
            except Llm4esError:
                found[name] = GONE
                continue
            if name in other_kind:
                found[name] = KIND
                continue
            if self.expected(source) == content:
                continue
            if name != source.name and is_newer(source, name):
                found[name] = older(source, self._made_of(content, sources)) if source.name in probed else NEWER
                continue
            changed = self._relabelled(probes) if changed is None else changed
            if name in changed:
                found[name] = LABELS
            elif source.n_stale and self.missing(source):
                found[name] = UNREAD
            elif self.protocol == "cv" and n != len(self.cohort) - self.missing(source):
                found[name] = OTHERS
            else:
                found[name] = INPUTS if self.protocol == "cv" else f"labels, {INPUTS}"  # not everybody was scored
        return found

    def _made_of(self, content: str, sources: Mapping[str, FeatureSource]) -> Iterable[FeatureSource]:
        """The older versions that a probe of such content was made of."""
        return (each for each in sources.values() if not each.is_newest and self.expected(each) == content)

    def otherwise(self, made: str, sources: Mapping[str, FeatureSource]) -> dict[Reason, list[str]]:
        """Features whose probes of a configuration were made from other labels, or of more or fewer entities."""
        chosen = where({"dataset": self.context.dataset, "task": self.task, "config_id": made})
        query = f"SELECT features, source_hash, n, metric, config_id FROM probes WHERE {chosen}"
        probes = self.context.store.sql(query).to_arrow_table()
        why = self.stale(probes, sources) if len(probes) else {}
        told = (Reason.LABELS, Reason.ENTITIES)
        return {reason: [name for name in why if why[name] == reason] for reason in told}

    def _of_other_kind(self, probes: pa.Table) -> set[str]:
        """Features that were probed for classes where the task is about numbers now, or the reverse."""
        spec = self.context.recipe.tasks.get(self.task)
        if spec is None:
            return set()
        numbers = pc.is_in(
            pc.list_element(pc.split_pattern(probes["metric"], " ", max_splits=1), 0), pa.array(OF_NUMBERS)
        )
        wrong = probes.filter(pc.invert(numbers) if spec.kind is Kind.REGRESSION else numbers)
        return set(wrong["features"].to_pylist())

    def _relabelled(self, probes: pa.Table) -> set[str]:
        """Features of which somebody was scored under another label than now."""
        chosen = where(
            {"dataset": self.context.dataset, "task": self.task, "config_id": probes["config_id"][0].as_py()}
        )
        same = "coalesce(TRY_CAST(label AS DOUBLE) = TRY_CAST(y_true AS DOUBLE), label = y_true, false)"
        query = f"""SELECT DISTINCT features
            FROM (SELECT DISTINCT features, entity_id, y_true FROM predictions WHERE {chosen})
            LEFT JOIN ({labels_sql(self.context, self.task)}) USING (entity_id) WHERE NOT {same}"""
        return {features for (features,) in self.context.store.sql(query).fetchall()}


def _split(context: Context, protocol: str) -> pa.Table | None:
    if protocol in OWN_FOLDS:
        return None
    chosen = where({"dataset": context.dataset, "name": protocol})
    rows = context.store.sql(f"SELECT entity_id, split, name FROM splits WHERE {chosen} ORDER BY entity_id")
    found = rows.to_arrow_table()
    return found if len(found) else None


def only_live(context: Context, probes: pa.Table) -> pa.Table:
    """Rows of ``probes``, of any tasks and configurations, without those that no longer hold.

    Parameters
    ----------
    context : Context
        Recipe and store.
    probes : pyarrow.Table
        Rows of the view.

    Returns
    -------
    pyarrow.Table
        In the same order.

    Examples
    --------
    >>> probed = context.store.sql("SELECT * FROM probes").to_arrow_table()
    >>> only_live(context, probed).num_rows == probed.num_rows
    True
    """
    columns = ("task", "protocol", "config_id")
    kept, ends = pa.array([True] * len(probes), pa.bool_()), keys(context.store, context.dataset)
    for group in dict.fromkeys(zip(*(probes[column].to_pylist() for column in columns), strict=True)):
        mine = reduce(pc.and_, (pc.equal(probes[c], value) for c, value in zip(columns, group, strict=True)))
        rows = probes.filter(mine)
        n, unseen_only = made_for(context, rows["run_id"][0].as_py())
        of = under_protocol(context.at(*two_times(ends.get(group[2], ""))), group[1])
        cohort = of.of_task(group[0]).with_(max_entities=n)
        sources = {source.name: source for source in all_feature_sources(cohort)}
        evidence = Evidence.of(cohort, group[0], plain_protocol(group[1]), unseen_only=unseen_only)
        stale = pa.array(sorted(evidence.stale(rows, sources)), pa.string())
        gone = pc.and_(mine, pc.is_in(probes["features"], stale))
        kept = pc.and_(kept, pc.invert(gone))
    return probes.filter(kept)
