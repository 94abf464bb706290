"""Versions of models that have a newer one beside them, and which of them nothing needs: what ``gc --models`` drops.

In: a store. Out: names, and rows dropped. Older versions of the store keep the rows, and the weights, for as long as
``gc`` lets them.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ..core.errors import StoreError
from ..core.sql import where
from ..core.version import __version__
from ..core.versions import Version, version_of, with_version
from .space_versions import version_in
from .tuned_versions import tuned_names

if TYPE_CHECKING:
    from llm4es_store import Store

TABLES = ("embeddings", "layers", "event_vectors", "event_fits", "canaries", "models", "exposures")
"""Where rows of a model stand; whom it has seen goes last, so that its vectors are never there without."""


def drop_old_versions(store: "Store", *, dry_run: bool) -> list[dict[str, Any]]:
    """Drop the vectors, the maps and the row of every version that is not the newest of its model and not needed.

    Needed is a version that a kept model was tuned from, that kept vectors are aligned to, and whose newest version has
    no vectors yet where it has some.

    Parameters
    ----------
    store : Store
        Whose versions.
    dry_run : bool
        Count only.

    Returns
    -------
    list of dict
        ``what``, the version, and ``rows``, how many were, or would be, dropped.

    Raises
    ------
    StoreError
        While anybody writes: a version may just be in use.

    Examples
    --------
    >>> drop_old_versions(project.store, dry_run=True)
    []
    """
    from llm4es_store.recovery import mark_killed_runs

    mark_killed_runs(store)
    if busy := sorted({row["run_id"] for row in store.not_ended().values()}):
        raise StoreError(f"--models: run {busy[0]} is writing: wait for its end")
    old = _dropped(store)
    found = {space: version for space, version in _spaces(store).items() if version in old}
    counts = dict.fromkeys(map(_shown, found.values()), 0)
    tables = [table for table in TABLES if store.table(table) is not None]
    for table in tables:
        for space, version in found.items():
            query = f"SELECT count(*) FROM {table} WHERE {where({'model': space})}"
            counts[_shown(version)] += store.sql(query).fetchall()[0][0]
    if found and not dry_run:
        with store.run("gc", "", {"models": sorted(counts)}, __version__) as run:
            for table in tables:
                for space in found:
                    run.delete(table, {"model": space}, "true")
    return [{"what": name, "rows": n} for name, n in sorted(counts.items())]


def _shown(version: Version) -> str:
    return f"model {with_version(version.family, version.number)}"


def _spaces(store: "Store") -> dict[str, Version]:
    """What rows call a model, or its vectors -> the version of the model, however it was loaded."""
    names = {name for (name,) in store.sql("SELECT model FROM models UNION SELECT model FROM embeddings").fetchall()}
    tuned = tuned_names(store)
    return {name: _model(name, tuned) for name in names}


def _model(name: str, tuned: Collection[str]) -> Version:
    if "#" in name:  # other weights than those of the name: a model of its own
        return Version(name, 1)
    version = version_in(name, tuned)
    return Version(version.family.partition("+")[0], version.number)


def _dropped(store: "Store") -> set[Version]:
    """The versions that go."""
    spaces = _spaces(store)
    newest: dict[str, int] = {}
    for version in spaces.values():
        newest[version.family] = max(version.number, newest.get(version.family, 0))
    old = {version for version in spaces.values() if version.number < newest[version.family]}
    while needed := old & set(_needed(store, spaces, old, newest)):
        old -= needed
    return old


def _needed(
    store: "Store", spaces: dict[str, Version], old: Collection[Version], newest: dict[str, int]
) -> Iterator[Version]:
    """What the versions that stay need."""
    for model, base in store.sql("SELECT model, base FROM models").fetchall():
        if spaces[model] not in old and base in spaces:
            yield spaces[base]
    rows = store.sql("SELECT DISTINCT dataset, model, aligned_to FROM embeddings").fetchall()
    there = {(dataset, spaces[model]) for dataset, model, _ in rows}
    for dataset, version in there:
        if (dataset, Version(version.family, newest[version.family])) not in there:
            yield version
    for _, model, target in rows:
        if target is not None and spaces[model] not in old:
            yield version_of(target)
