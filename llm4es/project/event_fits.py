"""What is learnt of train entities' events, once: how rare kinds are, whitening, alignment. Kept in ``event_fits``.

In: a dataset's events, the kinds' vectors, a reading. Out: an ``EventSpace``, found or fitted. Knows no model. Under
the same settings it is never learnt again, wherever histories end, so that tomorrow's vectors lie in today's space.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import DataError
from ..core.schemas import EVENT_FITS
from ..core.sql import Scope, where
from ..core.times import shown
from ..features.event_reading import EventReading
from .context import Context
from .event_texts import DistinctEvents, EventText, events_sql
from .histories import Histories

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from llm4es_store import Run

    from ..features.event_space import EventSpace

FIT_ENTITIES = 100_000
"""Train entities that are learnt from at most: more change nothing that can be seen, and would not fit in memory."""

_ROW = pa.schema([field for field in EVENT_FITS if field.name not in ("dataset", "model")])

# N train entities, E kinds, D width


@dataclass(frozen=True)
class EventFits:
    """The fits of one reading of a dataset, one a k."""

    context: Context
    """Store and dataset."""

    reading: EventReading
    """What is learnt."""

    model: str
    """What tables call the model."""

    config_id: str
    """Name of the settings, wherever the histories end."""

    text: EventText
    """What is read of an event."""

    histories: Histories
    """Whose events."""

    entities: str
    """SELECT of the entities that vectors are made of."""

    def scope(self, k: int) -> Scope:
        """The row of one k."""
        return {"dataset": self.context.dataset, "model": self.model, "k": k, "config_id": self.config_id}

    def lacking(self, depths: Sequence[int]) -> list[int]:
        """The k of which nothing was learnt yet; none where there is nothing to learn."""
        if not self.reading.learns:
            return []
        of_it = {"dataset": self.context.dataset, "model": self.model, "config_id": self.config_id}
        there = self.context.store.sql(f"SELECT k FROM event_fits WHERE {where(of_it)}").fetchall()
        return [k for k in depths if (k,) not in there]

    @property
    def train(self) -> str:
        """SELECT of the train entities that are learnt from."""
        dataset, split = self.context.dataset, self.context.recipe.splits.default
        of_split = where({"dataset": dataset, "name": split, "split": "train"})
        train = f"SELECT entity_id FROM splits WHERE {of_split}"
        return f"""SELECT entity_id FROM ({self.entities}) WHERE entity_id IN ({train})
            ORDER BY md5('learnt ' || entity_id) LIMIT {FIT_ENTITIES}"""

    def learn(self, run: "Run", k: int, kinds: DistinctEvents, vectors: "NDArray[np.float32]") -> None:
        """Learn for one k, and keep it; where another process has kept one since, that one stays.

        Parameters
        ----------
        run : Run
            Open; it writes what is learnt.
        k : int
            Which.
        kinds : DistinctEvents
            Those of the train entities among them.
        vectors : numpy.ndarray of float32, (E, D)
            Of the kinds.

        Raises
        ------
        DataError
            Where there are no train entities to learn from.
        OptionError
            Where the reading asks for more than the data have: whitening wider than the kinds.
        """
        from ..features.event_space import EventSpace

        fitted = EventSpace.fit(self._counts(kinds), vectors, kinds.item_codes, self.reading, kinds.keys)
        rows = pa.Table.from_pylist([self._row(fitted) | {"k": k, "newest_event": self._newest()}], schema=_ROW)
        run.append("event_fits", self.scope(k), rows, ("k",))

    def space(self, k: int) -> "EventSpace | None":
        """What was learnt for one k.

        Parameters
        ----------
        k : int
            Which.

        Returns
        -------
        EventSpace or None
            None: the reading learns nothing.
        """
        if not self.reading.learns:
            return None
        from safetensors.numpy import load

        from ..features.event_space import EventSpace

        query = f"SELECT arrays FROM event_fits WHERE {where(self.scope(k))}"
        ((arrays,),) = self.context.store.sql(query).fetchall()
        return EventSpace.from_arrays(load(arrays), self.reading)

    def say_learnt_later(self) -> None:
        """Warn where what was learnt knows of events behind these histories: it stays, so that both compare."""
        if not self.reading.learns:
            return
        of_it = where({"dataset": self.context.dataset, "model": self.model, "config_id": self.config_id})
        ends = f"SELECT max(coalesce(as_of, 'infinity'::TIMESTAMPTZ)) FROM ({self.histories.cutoffs})"
        query = f"SELECT max(newest_event) FROM event_fits WHERE {of_it} AND newest_event >= ({ends})"
        ((newest,),) = self.context.store.sql(query).fetchall()
        if newest is not None:
            self.context.observer.warn(
                f"{', '.join(self.reading.words)}: learnt of train entities' events up to {shown(newest)}, which is "
                "later than these histories end; no label was read. Embed the earlier time first, in another store, "
                "where nothing later may be known"
            )

    def _newest(self) -> "datetime | None":
        """The time of the latest event of the train entities; None where events have no times."""
        query = f"SELECT max(event_time) FROM ({self.histories.sql(['event_time'], self.train)})"
        ((newest,),) = self.context.store.sql(query).fetchall()
        return newest  # type: ignore[no-any-return]  # a TIMESTAMPTZ

    def _counts(self, kinds: DistinctEvents) -> Any:
        """(N, E) how many events of each kind each train entity has."""
        from scipy import sparse

        from ..features.event_counts import event_blocks

        with self.context.store.connect() as connection:
            connection.register("kinds", kinds.shown)
            stream = connection.sql(events_sql(self.histories, self.text, self.train)).to_arrow_reader(1 << 16)
            blocks = [_counted(counts) for _, counts in event_blocks(stream, len(kinds), EventReading())]
        if not blocks:
            raise self._nobody_trains()
        return sparse.vstack(blocks, format="csr")

    def _nobody_trains(self) -> DataError:
        """Why there is nobody to learn from, and what to do."""
        dataset, split = self.context.dataset, self.context.recipe.splits.default
        known = f"SELECT 1 FROM splits WHERE {where({'dataset': dataset, 'name': split})} LIMIT 1"
        is_there = self.context.store.sql(known).fetchall()
        remedy = (
            "take more entities" if is_there else f"the recipe names it anew: run `llm4es serialize {dataset}` first"
        )
        return DataError(
            f"--weights and maps of events are learnt from train entities, and none of {dataset!r} is in split "
            f"{split!r} and has events: {remedy}"
        )

    def _row(self, space: "EventSpace") -> dict[str, Any]:
        from safetensors.numpy import save

        arrays = save({name: _whole(array) for name, array in space.arrays().items()})
        reading = json.dumps(self.reading.as_dict())
        digest = hashlib.sha256(arrays).hexdigest()
        return {"fit_hash": digest, "n_entities": space.n_entities, "reading": reading, "arrays": arrays}


def _counted(counts: Any) -> Any:
    """A block with one number a cell."""
    counts.sum_duplicates()
    return counts


def _whole(array: "NDArray[Any]") -> "NDArray[Any]":
    """An array in one piece, as safetensors writes it."""
    import numpy as np

    return np.ascontiguousarray(array)
