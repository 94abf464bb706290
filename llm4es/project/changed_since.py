"""Whose features have changed since a version of the store: by their contents, not by who has written them.

In: a context, feature sources, a version. Out: ids. Writes nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError, StoreError
from ..core.limits import LEAN
from .context import Context
from .feature_source import FeatureSource


class Changed(NamedTuple):
    """What an export of changes is about."""

    version: int
    """The store's version since which."""

    entities: pa.Array
    """Who has other features than then, or had none; sorted."""

    gone: list[str]
    """Who had them then and has none now; sorted."""


def version_of(context: Context, since: str) -> int:
    """The version that a number, a time or a run's id stands for.

    Parameters
    ----------
    context : Context
        Store.
    since : str
        ``12``, ``2026-11-20``, or a ``run_id``: the version that the run ended with.

    Returns
    -------
    int
        A version of the store.

    Raises
    ------
    OptionError
        For what is none of them.

    Examples
    --------
    >>> version_of(context, "1")
    1
    """
    from llm4es_store.time_travel import state_at

    record = context.store.record()
    runs = dict(zip(record["run_id"].to_pylist(), record["version"].to_pylist(), strict=True))
    if since in runs:
        return int(runs[since])
    try:
        return state_at(record, since)[0]
    except StoreError as error:
        raise OptionError(f"{error}, or the id of a run".replace("--at", "--since")) from error


def changed_since(context: Context, sources: Sequence[FeatureSource], since: str) -> Changed:
    """Compare each entity's content with what it was.

    Parameters
    ----------
    context : Context
        Store.
    sources : sequence of FeatureSource
        What is exported.
    since : str
        As ``version_of`` takes it.

    Returns
    -------
    Changed
        Who.

    Raises
    ------
    OptionError
        For a version that is not there, or whose files ``gc`` has dropped.

    Examples
    --------
    >>> from llm4es.project.feature_sources import feature_sources
    >>> version = str(context.store.record()["version"][-1].as_py())
    >>> len(changed_since(context, feature_sources(context, ["counts"]), version).entities)
    0
    >>> len(changed_since(context, feature_sources(context, ["counts"]), "1").entities)  # the store was empty then
    20
    """
    version = version_of(context, since)
    changed, gone = list[pa.Table](), list[pa.Table]()
    with context.store.connect(limits=LEAN) as connection:
        for origin in {origin.name: origin for source in sources for origin in source.origins}.values():
            if origin.hashes is None:
                raise OptionError(
                    f"--features {origin.name!r} are learnt inside folds and have no rows: leave them out"
                )
            query = f"SELECT entity_id, hash(source_hash) AS content FROM ({origin.hashes()})"
            connection.register("these", context.store.sql(query).to_arrow_table())
            connection.register("those", rows_then(context, query, version))
            other = "SELECT entity_id FROM these ANTI JOIN those USING (entity_id, content)"
            lost = "SELECT entity_id FROM those ANTI JOIN these USING (entity_id)"
            changed.append(connection.sql(other).to_arrow_table())
            gone.append(connection.sql(lost).to_arrow_table())
    return Changed(version, _sorted(changed), _sorted(gone).to_pylist())


def _sorted(parts: Sequence[pa.Table]) -> pa.Array:
    """All ids, each once."""
    ids = pc.unique(pa.concat_tables(parts)["entity_id"])
    return ids.take(pc.sort_indices(ids))


def rows_then(context: Context, query: str, version: int) -> pa.Table:
    """The rows of a query as they were; none where there were no events yet.

    Parameters
    ----------
    context : Context
        Store.
    query : str
        SQL of now.
    version : int
        Of the store.

    Returns
    -------
    pyarrow.Table
        The query's columns.

    Raises
    ------
    OptionError
        Where the files of that version are gone.
    """
    from llm4es_store.sql import fetch

    events = context.store.events_view(context.dataset)
    if events not in context.store.views(version):
        return context.store.sql(query).to_arrow_table().slice(0, 0)
    try:
        return fetch(context.store.sql(query, version))
    except StoreError as error:
        raise OptionError(
            f"--since {version}: what the store was then cannot be read any more ({error}): `llm4es gc` drops old "
            "versions; give a later one, or export everything"
        ) from error
