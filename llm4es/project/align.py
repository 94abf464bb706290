"""``embed --align-to``: vectors of one version turned into the space of another, so that what was learnt there holds.

In: a context, the job that makes a version's own vectors, a target. Out: rows of ``embeddings`` beside them. The map is
fitted once (``event_fits``), on train entities that have vectors of the same texts in both spaces, and never again:
tomorrow's entities are turned by the same one. Loads no model.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import DataError, OptionError
from ..core.hashing import canonical_json, config_id, text_hash
from ..core.plan import Plan
from ..core.schemas import EVENT_FITS
from ..core.sql import Scope, where
from ..embed.smaller_vectors import smaller
from ..options import StoreAs
from .align_target import ALIGNED, Target, target_of
from .context import Context
from .executor import Increment, Local, TableRows
from .incremental import Job, incremental
from .observer import Advance
from .outcome import Outcome
from .selection import WHOM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llm4es_store import Run

FIT_ENTITIES = 50_000
"""Common train entities that a map is fitted on at most, chosen by a hash of their ids."""

_ROW = pa.schema([field for field in EVENT_FITS if field.name not in ("dataset", "model")])

# N entities, D width


@dataclass(frozen=True)
class Alignment:
    """Vectors of a job, turned into another space."""

    context: Context
    plain: Job
    """What makes the vectors that are turned."""
    target: Target
    store_as: StoreAs

    @classmethod
    def of(cls, context: Context, plain: Job, typed: str, store_as: StoreAs) -> "Alignment":
        """What is to be done, checked before anything is: raises OptionError for what cannot be aligned.

        Parameters
        ----------
        context : Context
            Dataset, store, recipe.
        plain : Job
            Of the vectors that are turned.
        typed : str
            The target as the option had it.
        store_as : StoreAs
            How vectors are kept.
        """
        depths = sorted(set(plain.wanted["k"].unique().to_pylist()))
        target = target_of(context, typed, str(plain.scope["model"]), plain.record, depths)
        made = cls(context, plain, target, store_as)
        for k in made._lacking(depths):
            made._check_entities(k)
        return made

    def outcome(self, plain: Outcome) -> Outcome:
        """Turn what is not turned yet; ``plain`` is what became of the vectors themselves."""
        self.context.observer.say(repr(plain))
        return incremental(self.context, self._job)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that changes the map, wherever histories end."""
        names = ("model", "options", "modules", "prompt", "events", "learnt_of")
        ours = {name: self.plain.record[name] for name in names if name in self.plain.record}
        some = {} if self.context.max_entities is None else {"learnt_of": self.context.max_entities}
        return {**ours, **some, ALIGNED: self._fingerprint_of_target}

    @cached_property
    def _fingerprint_of_target(self) -> str:
        chosen = where({"dataset": self.target.dataset, "model": self.target.model, "config_id": self.target.config_id})
        ((found,),) = self.context.store.sql(f"SELECT fingerprint FROM embeddings WHERE {chosen} LIMIT 1").fetchall()
        return str(found)

    @property
    def _job(self) -> Job:
        plain, made = self.plain, config_id({**self.settings, "texts": self.plain.record["texts"]})
        names = ("model_name", "revision", "k", "texts", WHOM)
        kept = {name: plain.record[name] for name in names if name in plain.record}
        aligned = {"model": self.target.model, "config_id": self.target.config_id}
        return Job(
            stage="embed",
            what=f"{plain.what} aligned to {self.target.shown}",
            config_id=made,
            record={**kept, **self.settings, "config_id": made, "target": aligned},
            table="embeddings",
            scope={"dataset": plain.scope["dataset"], "model": plain.scope["model"], "config_id": made},
            key=("entity_id", "k"),
            wanted=plain.wanted,
            rows_in=plain.rows_in,
            related_scope=plain.scope,
            complete=plain.complete,
            inputs=f"SELECT embeddings.* FROM embeddings SEMI JOIN todo USING (entity_id, k, source_hash) "
            f"WHERE {where(plain.scope)} ORDER BY k, entity_id",
            batch_rows=4096,
            unit="vectors",
            setup=lambda: self._turned,
            prepare=self._prepare,
            executor=lambda todo: Local(1),
            finish=lambda run: self._said(),
        )

    def _scope(self, k: int) -> Scope:
        """The map's row."""
        return {"dataset": self.target.dataset, "model": self.plain.scope["model"], "k": k} | {
            "config_id": config_id(self.settings)
        }

    def _kept(self, k: int) -> Mapping[str, Any] | None:
        """The map of one k; None: it is not fitted yet."""
        rows = self.context.store.sql(f"SELECT * FROM event_fits WHERE {where(self._scope(k))}").to_arrow_table()
        return rows.to_pylist()[0] if len(rows) else None

    def _lacking(self, depths: Iterable[int]) -> list[int]:
        return [k for k in depths if self._kept(k) is None]

    def _prepare(self, run: "Run", plan: Plan) -> pa.Table:
        """Fit what was not fitted yet."""
        run.reads(["splits"])
        for k in self._lacking(sorted(set(plan.todo["k"].unique().to_pylist()))):
            self._fit(run, k)
        return plan.todo

    # -- the map -------------------------------------------------------------------------------------------------------

    def _common(self, k: int, columns: str, others: str) -> str:
        """SELECT over the wanted entities that have vectors of the same content in the other space."""
        split = where({"dataset": self.target.dataset, "name": self.context.recipe.splits.default})
        theirs = where(self.target.scope(k))
        return f"""SELECT {columns} FROM wanted
            JOIN (SELECT entity_id, source_hash, vector AS theirs, dim FROM embeddings WHERE {theirs})
            USING (entity_id, source_hash) {others}
            LEFT JOIN (SELECT entity_id, split = 'train' AS is_train FROM splits WHERE {split}) USING (entity_id)
            WHERE wanted.k = {k}"""

    def _rows(self, sql: str) -> pa.Table:
        with self.context.store.connect() as connection:
            connection.register("wanted", self.plain.wanted)
            return connection.sql(sql).to_arrow_table()

    def _check_entities(self, k: int) -> None:
        """Raise where too few train entities are in both spaces: each entity's vector will be there by then."""
        found = self._rows(self._common(k, "count(*) FILTER (is_train) AS n, max(dim) AS dim", "")).to_pylist()[0]
        n, dim = found["n"], found["dim"] or 0
        if n < max(dim, 1):
            raise OptionError(
                f"--align-to {self.target.typed}: {n} train entities have vectors of their present texts in "
                f"{self.target.shown} (k {k}), and a map of {dim} dimensions needs as many at least: embed more of them"
                f" with {self.target.shown} first"
            )

    def _fit(self, run: "Run", k: int) -> None:
        import numpy as np
        from safetensors.numpy import save

        from ..features.orthogonal_map import fit_map

        mine = f"""JOIN (SELECT entity_id, source_hash, vector AS mine FROM embeddings
            WHERE {where({**self.plain.scope, "k": k})}) USING (entity_id, source_hash)"""
        columns = "entity_id, mine, theirs, coalesce(is_train, false) AS is_train"
        query = f"""FROM ({self._common(k, columns, mine)})
            QUALIFY row_number() OVER (PARTITION BY is_train ORDER BY md5('aligned ' || entity_id)) <= {FIT_ENTITIES}
            ORDER BY entity_id"""
        rows = self._rows(query)
        train = np.asarray(rows["is_train"].combine_chunks().to_numpy(zero_copy_only=False))
        mine_, theirs = _matrix(rows, "mine"), _matrix(rows, "theirs")  # (N, D)
        try:
            matrix, errors = fit_map(mine_[train], theirs[train], mine_[~train], theirs[~train])
        except DataError as error:
            raise OptionError(f"--align-to {self.target.typed} (k {k}): {error}") from error
        arrays = save({"map": np.ascontiguousarray(matrix)})
        row = {"fit_hash": hashlib.sha256(arrays).hexdigest(), "n_entities": int(train.sum()), "arrays": arrays}
        reading = json.dumps({"aligned to": self.target.shown, **errors.as_dict()})
        kept = pa.Table.from_pylist([row | {"k": k, "reading": reading}], schema=_ROW)
        run.append("event_fits", self._scope(k), kept, ("k",))

    def _turned(self, batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        """Rows of ``embeddings``, turned by the map of their k."""
        maps: dict[int, tuple[NDArray[np.float32], str]] = {}
        for batch in batches:
            for k in batch["k"].unique().to_pylist():
                if k not in maps:
                    maps[k] = self._map(k)
                rows = pa.Table.from_batches([batch]).filter(pa.compute.equal(batch["k"], k))
                yield [TableRows("embeddings", smaller(self._moved(rows, *maps[k]), self.store_as), ("entity_id", "k"))]
            advance(len(batch))

    def _map(self, k: int) -> "tuple[NDArray[np.float32], str]":
        """The map of one k, and the fingerprint of the space that it makes."""
        from safetensors.numpy import load

        kept = self._kept(k)
        if kept is None:
            raise OptionError(f"--align-to {self.target.typed}: the map of k {k} is gone; run it again")
        parts = {"model": self.plain.record["model"], "to": self._fingerprint_of_target, "map": kept["fit_hash"]}
        return load(kept["arrays"])["map"], text_hash(canonical_json(parts))

    def _moved(self, rows: pa.Table, matrix: "NDArray[np.float32]", fingerprint: str) -> pa.RecordBatch:
        vectors = _matrix(rows, "vector") @ matrix  # (N, D)
        offsets = pa.array(range(0, vectors.size + 1, vectors.shape[1]), pa.int32())
        turned = pa.ListArray.from_arrays(offsets, pa.array(vectors.reshape(-1)))
        changed = {"vector": turned, "stored_as": pa.nulls(len(rows), pa.string())}
        changed |= {"stored_cosine": pa.nulls(len(rows), pa.float32())}
        changed |= {"fingerprint": pa.array([fingerprint] * len(rows))}
        changed |= {"aligned_to": pa.array([self.target.shown] * len(rows))}
        kept = rows.drop_columns(["config_id", "run_id"])
        for name, column in changed.items():
            kept = kept.set_column(kept.schema.get_field_index(name), name, column)
        return kept.combine_chunks().to_batches()[0]

    def _said(self) -> str:
        """How good the maps are, a clause a k."""
        told = []
        for k in sorted(set(self.plain.wanted["k"].unique().to_pylist())):
            if (kept := self._kept(k)) is not None:
                told.append(f"k {k}: {in_words(kept)}")
        return "; ".join(told)


def in_words(kept: Mapping[str, Any]) -> str:
    """The errors of a kept map.

    Examples
    --------
    >>> errors = {"residual": 0.1, "spread": 0.25, "n_held_out": 0, "residual_held_out": None, "spread_held_out": None}
    >>> in_words({"n_entities": 40, "reading": json.dumps(errors)})
    'relative residual 0.100 (0.250 of what entities differ by) on the 40 train entities it was fitted on'
    """
    errors = json.loads(kept["reading"])
    fitted = _error(errors["residual"], errors["spread"])
    told = f"relative residual {fitted} on the {kept['n_entities']:,} train entities it was fitted on"
    if errors["n_held_out"]:
        held = _error(errors["residual_held_out"], errors["spread_held_out"])
        told += f", {held} on {errors['n_held_out']:,} others"
    return told


def _error(residual: float | None, spread: float | None) -> str:
    of_spread = "" if spread is None else f" ({spread:.3f} of what entities differ by)"
    return f"{residual or 0:.3f}{of_spread}"


def _matrix(rows: pa.Table, column: str) -> "NDArray[np.float32]":
    """(N, D) of a column of vectors."""
    import numpy as np

    lists = rows[column].combine_chunks()
    return np.asarray(lists.flatten(), np.float32).reshape(len(lists), -1)
