"""Vectors of several versions of one model: what names show, and which is the newest.

In: a store, rows that stand for vectors. Out: the rows, with the name to show of their model. Knows no vectors.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..core.versions import Version, says_version, version_of, with_version
from .tuned_versions import tuned_names

if TYPE_CHECKING:
    from llm4es_store import Store


def with_versions(
    store: "Store", rows: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The rows, each with ``shown``, the name of its model for people, ``aliases``, other names, and ``is_newest``.

    The first version is ``mine`` while it is alone, and ``mine@v1`` beside others.

    Parameters
    ----------
    store : Store
        Whose tuned models are known.
    rows : sequence of dict
        Each with ``model``.
    beside : sequence of dict, default ()
        Others that are told apart from them.

    Returns
    -------
    list of dict
        As many rows, in their order.

    Examples
    --------
    >>> rows = with_versions(project.store, [{"model": "m"}, {"model": "m@v2"}])
    >>> [(row["shown"], row["aliases"], row["is_newest"]) for row in rows]
    [('m@v1', ('m@v1',), False), ('m@v2', ('m', 'm@v2'), True)]
    """
    models = {row["model"] for row in (*rows, *beside)}
    doubtful = any("/" in model and says_version(model) for model in models)
    tuned = tuned_names(store) if doubtful else set()
    versions = {model: version_in(model, tuned) for model in models}
    several = Counter(version.family for version in versions.values())
    newest: dict[str, int] = {}
    for row in rows:  # not of those beside them
        version = versions[row["model"]]
        newest[version.family] = max(version.number, newest.get(version.family, 0))
    return [row | _named(row["model"], versions[row["model"]], newest, several) for row in rows]


def _named(model: str, version: Version, newest: dict[str, int], several: Counter[str]) -> dict[str, Any]:
    is_newest = version.number == newest[version.family]
    explicit = with_version(version.family, version.number)
    aliases = (version.family, explicit) if is_newest else (explicit,)
    shown = explicit if several[version.family] > 1 else model
    return {"shown": shown, "aliases": aliases, "is_newest": is_newest}


def version_in(name: str, tuned: Collection[str]) -> Version:
    """The version that a name of the store stands for; a revision of a Hugging Face repository is none.

    Parameters
    ----------
    name : str
        As rows have it.
    tuned : collection of str
        What tuned models are called.

    Returns
    -------
    Version
        Family and number.

    Examples
    --------
    >>> version_in("org/m@v2", {"org/m@v2"}).number, version_in("org/m@v2", set()).number
    (2, 1)
    """
    version = version_of(name)
    if "/" in version.family and name.partition("+")[0].partition("#")[0] not in tuned:
        return Version(name, 1)
    return version


def versions_only(names: Iterable[str], tuned: Collection[str]) -> list[str]:
    """Those names that can be versions of a model, without revisions of repositories.

    Examples
    --------
    >>> versions_only(["m", "org/m@v2"], set())
    ['m']
    """
    return [name for name in names if version_in(name, tuned) == version_of(name)]
