"""The versions of a tuned model that a store has.

In: a store, a name. Out: versions. Trains nothing, writes nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.versions import version_of

if TYPE_CHECKING:
    from llm4es_store import Store


@dataclass(frozen=True)
class TunedVersion:
    """A version of a tuned model, as the store keeps it."""

    name: str
    """What tables call it."""

    number: int
    """From 1."""

    config_id: str
    """What it was made by."""

    content: str
    """Hash of the texts that it was made from."""

    run_id: str
    """The run that made it."""

    n_entities: int
    """Entities that it was trained on."""


def tuned_versions(store: "Store", family: str) -> list[TunedVersion]:
    """The versions of a tuned model, the newest first.

    Parameters
    ----------
    store : Store
        Whose models.
    family : str
        The name without a version.

    Returns
    -------
    list of TunedVersion
        None where it was never tuned.

    Examples
    --------
    >>> tuned_versions(project.store, "mine")
    []
    """
    rows = store.sql("SELECT model, config_id, source_hash, run_id, n_entities FROM models").fetchall()
    versions = [(version_of(name), name, rest) for name, *rest in rows]
    found = [TunedVersion(name, which.number, *rest) for which, name, rest in versions if which.family == family]
    return sorted(found, key=lambda version: -version.number)


def tuned_names(store: "Store") -> set[str]:
    """What tables call the tuned models of a store, each version by its own name.

    Parameters
    ----------
    store : Store
        Whose models.

    Returns
    -------
    set of str
        Names.

    Examples
    --------
    >>> tuned_names(project.store)
    set()
    """
    return {name for (name,) in store.sql("SELECT model FROM models").fetchall()}
