"""Names for a shell to complete: those of this program, and those of the store at hand.

In: what is named, where the store is. Out: names. Quick and silent: loads no torch, reads a store of this
machine alone, and of one that is missing, damaged or slow to answer gives none.
"""

import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..core.shipped import shipped_names, shipped_text
from ..core.tasks import BASELINE_NAMES
from ..options.completes import Completes

PATIENCE = 1.0
"""Seconds for the store's answer: somebody waits at the keyboard."""

_OF_STORE = {
    Completes.DATASETS: "SELECT dataset AS name FROM splits UNION SELECT dataset FROM embeddings",
    Completes.MODELS: "SELECT model AS name FROM models UNION SELECT model FROM embeddings",
    Completes.TASKS: "SELECT task AS name, dataset FROM labels",
    Completes.FEATURES: """SELECT features AS name, dataset FROM probes WHERE NOT contains(features, '(')
        UNION SELECT CASE WHEN k > 0 THEN format('{}@{}', model, k) ELSE model END, dataset FROM embeddings""",
}


def names_here(what: Completes, store: str, dataset: str | None = None) -> list[str]:
    """The names that a value may have.

    Parameters
    ----------
    what : Completes
        What it names.
    store : str
        Path of the store; nothing is asked of one behind a URI.
    dataset : str, optional
        Name of a recipe or dataset whose tasks and features are meant; of one that is unknown, those of every dataset.

    Returns
    -------
    list of str
        Built-in names first, then the store's, each in order.

    Examples
    --------
    >>> names_here(Completes.TASKS, "nowhere", "movielens-100k")
    ['gender', 'age_bucket']
    >>> names_here(Completes.PROMPTS, "nowhere")
    ['meta', 'one-word']
    """
    of_store = Completes.DATASETS if what is Completes.RECIPES else what
    return list(dict.fromkeys([*_BUILT_IN[what](dataset), *_stored(of_store, store, dataset)]))


def _stored(what: Completes, store: str, dataset: str | None) -> list[str]:
    """The store's own names, in order; none where it cannot be asked."""
    if what not in _OF_STORE or "://" in store or not Path(store).is_dir():
        return []
    with suppress(Exception):  # nobody has asked for an error at the keyboard
        from llm4es_store import Store
        from llm4es_store.sql import deadline

        connection = Store(store).connect()
        with deadline(connection, PATIENCE):
            rows = connection.execute(f"SELECT DISTINCT * FROM ({_OF_STORE[what]}) ORDER BY ALL").fetchall()
        own = [row for row in rows if len(row) > 1 and row[1] == dataset]
        return [row[0] for row in own or rows]
    return []


def _tasks(recipe: str | None) -> list[str]:
    """The tasks of a built-in recipe."""
    if recipe not in shipped_names("recipes"):
        return []
    return list(tomllib.loads(shipped_text("recipes", recipe)).get("tasks", {}))


def _models(_: str | None) -> list[str]:
    from ..models.built_in import builtin_models

    return [model.name for model in builtin_models()]


def _rewritings(_: str | None) -> list[str]:
    from ..serialize.formats import TextFormat

    return [*TextFormat, *shipped_names("enrich/prompts")]


_BUILT_IN: dict[Completes, Callable[[str | None], list[str]]] = {
    Completes.RECIPES: lambda _: shipped_names("recipes"),
    Completes.DATASETS: lambda _: [],
    Completes.MODELS: _models,
    Completes.TASKS: _tasks,
    Completes.FEATURES: lambda _: list(BASELINE_NAMES),
    Completes.PROMPTS: lambda _: shipped_names("embed/prompts"),
    Completes.REWRITINGS: _rewritings,
}
