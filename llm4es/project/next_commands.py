"""The commands that are worth typing after a run.

In: what was done, the store. Out: lines for a shell. Writes nothing.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.shell_words import shell_word
from ..core.sql import literal, where
from .context import Context
from .outcome import Outcome


def next_commands(
    context: Context, outcomes: Sequence[Outcome], compared: Iterable[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Three commands that go on from here, as a shell takes them.

    Parameters
    ----------
    context : Context
        Store and dataset.
    outcomes : sequence of Outcome
        Of a run.
    compared : iterable of mappings
        Rows of its comparison, the best of a task first; none: nothing was probed.

    Returns
    -------
    tuple of str
        What shows the pictures and scores everybody, where something was probed; else what looks at the vectors.

    Examples
    --------
    >>> for line in next_commands(context, [project.serialize()], [{"task": "loyal", "features": "counts"}]):
    ...     print(line)
    llm4es report shop --store ...
    llm4es predict shop --task loyal --features counts --store ...
    llm4es sql 'SELECT text FROM texts LIMIT 3' --store ...
    """
    store, rows = store_option(str(context.store.layout.root)), list(compared)
    commands = [
        *_of_what_was_probed(context.dataset, rows),
        *_of_vectors(context, outcomes, rows),
        ["sql", "SELECT text FROM texts LIMIT 3"],
        ["sql", "SELECT stage, rows_computed, seconds FROM runs ORDER BY version"],
        ["status"],
    ]
    return tuple(" ".join(map(shell_word, ["llm4es", *words, *store])) for words in commands[:3])


def _of_what_was_probed(dataset: str, compared: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    if not compared:
        return
    yield ["report", dataset]
    task = compared[0]["task"]
    can = [row["features"] for row in compared if row["task"] == task and not _only_compared(row["features"])]
    if can:
        yield ["predict", dataset, "--task", task, "--features", can[0]]


def _only_compared(features: str) -> bool:
    """Whether it is a choice made anew in every fold, or the majority: nothing that somebody is scored by."""
    return features == "majority" or features.startswith("best(")


def _of_vectors(
    context: Context, outcomes: Sequence[Outcome], compared: Sequence[Mapping[str, Any]]
) -> Iterator[list[str]]:
    """Neighbours of somebody, in the vectors that proved best, or the first ones."""
    made = [outcome for outcome in outcomes if outcome.stage == "embed" and outcome.config_id]
    if not made:
        return
    query = f"""SELECT entity_id, k FROM embeddings WHERE {where({"dataset": context.dataset})} AND config_id =
        {literal(made[0].config_id or "")} ORDER BY ALL LIMIT 20"""
    plain = [row for row in context.store.sql(query).fetchall() if row[0].isprintable() and row[0][:1] != "-"]
    best = [row for row in compared if row["model"] and "(" not in row["features"] and "+" not in row["features"]]
    for entity, k in plain[:1]:
        named = ["--features", best[0]["features"], "--task", best[0]["task"]] if best else ["--model", made[0].what]
        yield ["similar", context.dataset, entity, *named, *([] if best else ["--k", str(k)])]


def store_option(root: str) -> list[str]:
    """How the store is named, where another one would be meant without.

    Parameters
    ----------
    root : str
        Where the store is.

    Returns
    -------
    list of str
        Words of a command; none for the store that is meant without.

    Examples
    --------
    >>> store_option("/data/store")
    ['--store', '/data/store']
    """
    meant = os.environ.get("LLM4ES_STORE", "llm4es-store")
    same = meant == root or ("://" not in root and Path(meant).absolute() == Path(root).absolute())
    return [] if same else ["--store", root]
