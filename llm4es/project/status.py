"""The store at a glance: what is in it, whether that is made of the files as they are, and what mends it.

In: a store. Out: rows. Writes nothing, loads no model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import Llm4esError, one_line
from ..core.sql import where
from ..core.tables import events_table, events_view
from ..core.times import shown
from ..models.built_in import BUILT_IN
from ..recipes import locate
from .context import Context
from .evidence import only_live
from .feature_sources import all_feature_sources
from .kept_recipes import find_recipe
from .observer import Observer
from .past_runs import list_runs
from .recorded import last_run
from .result import Result

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..recipes import Recipe

LAST_RUNS = 3
"""Of the record that are shown."""

AS_THEY_ARE = "up to date"
"""What is made of files, texts and labels as they are now."""

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
        ``what``, ``name``, ``rows``, ``state``, and ``mend``, the command that puts right what is stale; a row a thing.

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


Row = tuple[str, str, int | None, str, str]


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
            mend = "" if state in ("", AS_THEY_ARE) else f"llm4es serialize {self.name}"
            yield "entities", self.name, n_entities, state, mend
            yield "events", self.name, n_events, "", ""
        for table, column in (("texts", "variant"), ("labels", "task")):
            of = where({"dataset": self.name})
            query = f"SELECT {column}, count(*) FROM {table} WHERE {of} GROUP BY 1 ORDER BY 1"
            for value, n in self.store.sql(query).fetchall():
                yield table, f"{self.name} {value}", n, "", ""
        if recipe is None:
            yield "vectors", self.name, None, why, ""
        else:
            yield from self._made_of_it(recipe)

    def _beside_its_files(self, recipe: "Recipe | None") -> str:
        """What it is beside its raw files; '' where these are not to be looked at: fetched, or nobody knows where."""
        kept, run = self.store.recipe(self.name), last_run(self.store, "serialize", self.name)
        if recipe is None or kept is None or run is None:
            return ""
        if run.status != "done":
            return f"the last serialize: {run.status}"
        if kept["folder"] is None:
            return ""
        try:
            found = locate(recipe, Path(kept["folder"]), allow_outside=True)
            return AS_THEY_ARE if found.fingerprint == run.config.get("source") else "files have changed"
        except (Llm4esError, OSError) as error:
            return one_line(error)

    def _made_of_it(self, recipe: "Recipe") -> Iterator[Row]:
        """Vectors and probes, and which of them are made of what is no more."""
        context = Context(dataset=self.name, store=self.store, given_recipe=recipe, observer=self.observer)
        for source in all_feature_sources(context):
            if source.n_live is not None and source.embedded:
                stale = f"{source.n_stale} of texts that have changed" if source.n_stale else AS_THEY_ARE
                mend = self._embed_again(source.name, source.model) if source.n_stale else ""
                yield "vectors", f"{self.name} {source.name}", source.n_live, stale, mend
        query = f"SELECT * FROM probes WHERE {where({'dataset': self.name})}"
        probes = self.store.sql(query).to_arrow_table()
        there, live = _features(probes), _features(only_live(context, probes))
        for task in sorted({task for task, *_ in there}):
            all_, kept = ({row for row in rows if row[0] == task} for rows in (there, live))
            stale = f"{len(all_ - kept)} of what is no more" if all_ - kept else AS_THEY_ARE
            yield (
                "probes",
                f"{self.name} {task}",
                len(kept),
                stale,
                f"llm4es probe {self.name} --task {task}" if all_ - kept else "",
            )

    def _embed_again(self, name: str, model: str) -> str:
        """The command that makes vectors anew; '' where options or a folder would be wanted that the name lacks."""
        known = model in {*BUILT_IN, *(row[0] for row in self.store.sql("SELECT model FROM models").fetchall())}
        k = name.removeprefix(f"{model}@")
        return f"llm4es embed {self.name} --model {model} --k {k}" if known and k.isdigit() else ""


def _features(probes: pa.Table) -> set[tuple[Any, ...]]:
    """What was probed: task, features, and how."""
    return set(zip(*(probes[column].to_pylist() for column in ("task", "features", "config_id")), strict=True))


def _models(store: "Store") -> Iterator[Row]:
    query = "SELECT model, base, dataset, steps FROM models ORDER BY model"
    for model, base, dataset, steps in store.sql(query).fetchall():
        yield "model", model, None, f"{base} tuned on {dataset}, {steps} steps", ""


def _runs(store: "Store") -> Iterator[Row]:
    for run in list_runs(store, LAST_RUNS):
        when = f"{run['status']} {shown(run['started_at'].replace(microsecond=0))}"
        done = run["status"] in ("done", "running")
        yield (
            "run",
            f"{run['stage']} {run['dataset']}",
            run["rows_computed"],
            when,
            "" if done or run["stage"] != "serialize" else f"llm4es serialize {run['dataset']}",  # others took options
        )
