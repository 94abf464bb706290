"""The store at a glance: what is in it, whether that is made of the files as they are, and what mends it.

In: a store. Out: rows. Writes nothing, loads no model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import Llm4esError, one_line
from ..core.sql import where
from ..core.tables import events_table, events_view
from ..core.times import shown
from ..recipes import locate
from .again import line, told
from .context import Context
from .kept_recipes import find_recipe
from .mends import AS_THEY_ARE, Row, cuts
from .observer import Observer
from .probe_mends import probe_mends
from .recorded import last_run
from .result import Result
from .serialize_again import serialize_again

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..recipes import Recipe

LAST_RUNS = 3
"""Of the record that are shown."""

CHANGED, _LAST = "files have changed", "the last serialize: "
"""What serializing mends; files that are gone it does not."""

_SCHEMA = pa.schema(
    [("what", pa.string()), ("name", pa.string()), ("rows", pa.int64()), ("state", pa.string()), ("mend", pa.string())]
)


def status(store: "Store", observer: Observer) -> Result:
    """Look at everything that a store holds.

    Parameters
    ----------
    store : Store
        Which.
    observer : Observer
        Who hears of it.

    Returns
    -------
    Result
        ``what``, ``name``, ``rows``, ``state``, and ``mend``: the commands that put right what is
        stale, or in one line what is missing for them; a row a thing.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> [(row["name"], row["rows"]) for row in status(project.store, Null()) if row["what"] == "labels"]
    [('shop loyal', 20)]
    """
    rows = [_of_store(store)]
    for dataset in store.datasets():
        rows += _Dataset(store, dataset, observer).rows()
    rows += [*_models(store), *_runs(store)]
    return Result(pa.Table.from_pylist([dict(zip(_SCHEMA.names, row, strict=True)) for row in rows], _SCHEMA))


def _of_store(store: "Store") -> Row:
    root = str(store.layout.root)
    ((version,),) = store.sql("SELECT coalesce(max(version), 0) FROM runs").fetchall()
    size = "" if "://" in root else f", {_megabytes(Path(root)):,.1f} MB"
    return "store", root, None, f"version {version}{size}", ""


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


@dataclass(frozen=True)
class _Dataset:
    """One dataset of the store."""

    store: "Store"
    name: str
    observer: Observer

    def rows(self) -> Iterator[Row]:
        """What there is of it."""
        try:
            recipe, why = find_recipe(self.store, self.name, self.observer), ""
        except Llm4esError as error:  # imported and never serialized, or made before recipes were kept
            recipe, why = None, one_line(error)
        if self.store.table(events_table(self.name)) is not None:
            counted = f"SELECT count(DISTINCT entity_id), count(*) FROM {events_view(self.name)}"
            ((n_entities, n_events),) = self.store.sql(counted).fetchall()
            state = self._beside_its_files(recipe)
            mend = self._serialized_again(recipe) if state == CHANGED or state.startswith(_LAST) else ""
            yield "entities", self.name, n_entities, state, mend
            yield "events", self.name, n_events, "", ""
        for table, column in (("texts", "variant"), ("labels", "task")):
            of = where({"dataset": self.name})
            query = f"SELECT {column}, count(*) FROM {table} WHERE {of} GROUP BY 1 ORDER BY 1"
            for value, n in self.store.sql(query).fetchall():
                yield table, f"{self.name} {value}", n, "", ""
        try:
            found = () if recipe is None else list(self._made_of_it(self._context(recipe)))
        except Llm4esError as error:
            found, why = (), one_line(error)
        yield from found
        if why:
            yield "vectors", self.name, None, why, ""
        scored = f"SELECT task, features, count(*) FROM scores WHERE {where({'dataset': self.name})}"
        for task, features, n in self.store.sql(f"{scored} GROUP BY ALL ORDER BY ALL").fetchall():
            yield "scores", f"{self.name} {task} by {features}", n, "", ""

    def _beside_its_files(self, recipe: "Recipe | None") -> str:
        """What it is beside its raw files; '' where these are not to be looked at: fetched, or nobody knows where."""
        kept, run = self.store.recipe(self.name), last_run(self.store, "serialize", self.name)
        if recipe is None or kept is None or run is None:
            return ""
        if run.status != "done":
            return f"{_LAST}{run.status}"
        if kept["folder"] is None:
            return ""
        try:
            found = locate(recipe, Path(kept["folder"]), allow_outside=True)
            return AS_THEY_ARE if found.fingerprint == run.config.get("source") else CHANGED
        except (Llm4esError, OSError) as error:
            return one_line(error)

    def _serialized_again(self, recipe: "Recipe | None") -> str:
        if recipe is None:
            return ""
        root = str(self.store.layout.root)
        return told(lambda: [line(serialize_again(self._context(recipe)), root)])

    def _context(self, recipe: "Recipe") -> Context:
        return Context(dataset=self.name, store=self.store, given_recipe=recipe, observer=self.observer)

    def _made_of_it(self, context: Context) -> Iterator[Row]:
        """Vectors and probes, and which of them are made of what is no more."""
        of_each = cuts(context)
        rows = dict.fromkeys(row for mends in of_each for row in mends.vectors())  # imported ones stand beside any text
        yield from rows
        yield from probe_mends(context, of_each)


def _models(store: "Store") -> Iterator[Row]:
    query = "SELECT model, base, dataset, steps FROM models ORDER BY model"
    for model, base, dataset, steps in store.sql(query).fetchall():
        yield "model", model, None, f"{base} tuned on {dataset}, {steps} steps", ""


def _runs(store: "Store") -> Iterator[Row]:
    query = "SELECT stage, dataset, rows_computed, status, started_at, message FROM runs"
    for stage, dataset, n, how, began, message in store.sql(
        f"{query} ORDER BY version DESC LIMIT {LAST_RUNS}"
    ).fetchall():
        state = f"{how} {shown(began.replace(microsecond=0))}"
        yield "run", f"{stage} {dataset}", n, f"{state}: {message}" if message and how != "done" else state, ""
