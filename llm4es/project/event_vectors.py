"""The vectors of events in the store: the job that reads those that lack, and means of their layers.

In: what is read of events, a space, options. Out: a ``Job``, matrices. What a vector depends on is here, whoever's
event it is: users, datasets and weightings share it. Knows no users.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.hashing import config_id
from ..core.phases import importing
from ..core.sql import Scope, where
from ..models.devices import number_format
from ..models.placement import as_found_here
from ..models.ref import ModelRef
from ..models.wrong_before import wrong_before
from ..options import EmbedOptions, LoadOptions, Pooling
from .canaries import UNCOMPILED, keep_canaries, say_uncompiled
from .context import Context
from .embed_executor import CHARACTERS, executor_for
from .executor import Executor, Increment, TableRows, Work
from .first_look import first_look
from .incremental import Job
from .observer import Advance, as_increments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llm4es_store import Run, Store

KEY = ("event_hash", "layer")

ANSWERS = "answers"
"""No table: under this name whoever reads events tells which answers are of several tokens."""

CUT = "cut"
"""No table: under this name whoever reads events tells how many were longer than a window."""

# E events, G groups of layers, D width


@dataclass(frozen=True)
class EventVectors:
    """The vectors of events that one model makes in one way: where they are, and how they are made."""

    ref: ModelRef
    """What reads."""

    load: LoadOptions
    """How it is loaded."""

    options: EmbedOptions
    """Pooling, tokens a window, and how vectors are kept."""

    space: str
    """What tables call the model."""

    context: str
    """What is read before each event and not pooled."""

    config: Mapping[str, Any]
    """All that changes a vector, as plain values; no dataset is among them."""

    first: int
    """The layer that every event has: 1; the last one where a model's own pooling gives no other; 0 of answers."""

    answers: tuple[str, ...] = ()
    """Words whose log probabilities are kept in place of states."""

    @property
    def scope(self) -> Scope:
        """Their rows of ``event_vectors``."""
        return {"model": self.space, "config_id": config_id(self.config)}

    def job(self, context: Context, to_read: pa.Table, cut: "list[int] | None" = None) -> Job:
        """What reads those of some events that are not there yet.

        Parameters
        ----------
        context : Context
            Store and dataset.
        to_read : pyarrow.Table
            ``event_hash``, ``event_text`` and ``source_hash``, each text once.
        cut : list of int, optional
            Takes how many of them were longer than a window, and lost their beginnings.

        Returns
        -------
        Job
            Of the table ``event_vectors``; whoever carries it out counts other rows than these.
        """
        wrong = wrong_before(self.ref.folder, self.options.max_length, number_format(self.load))
        return Job(
            stage="embed",
            what=f"{self.space}, events",
            config_id=str(self.scope["config_id"]),
            record={},
            table="event_vectors",
            scope=self.scope,
            key=("event_hash",),
            wanted=to_read,
            row_filter=f"layer = {self.first}",
            # workers take portions of whole entities, and the longest first leaves the short ones for the end
            inputs="SELECT event_hash AS entity_id, event_hash, event_text FROM todo ORDER BY event_hash",
            batch_rows=512,
            unit="events",
            counted=False,
            stand_ins={"layer": self.first, "fingerprint": self.config["model"]},
            setup=partial(_set_up, replace(self, load=as_found_here(self.load)), context.dataset),
            executor=partial(self._executor, context),
            committers={
                "canaries": partial(keep_canaries, context, self.ref, self.load, wrong),
                UNCOMPILED: partial(say_uncompiled, context, set()),
                ANSWERS: partial(_say_answers, context, set()),
                CUT: partial(_count_cut, [] if cut is None else cut),
            },
        )

    def _executor(self, context: Context, todo: pa.Table) -> Executor:
        beside = len(self.context)  # it is read with each of them
        return executor_for(
            context, self.ref, self.load, len(todo),
            lambda: (pc.sum(pc.binary_length(todo["event_text"])).as_py() + beside * len(todo)) // CHARACTERS,
        )  # fmt: skip

    def matrix(self, store: "Store", hashes: Sequence[str], groups: Sequence[Sequence[int]]) -> "NDArray[np.float32]":
        """``event_matrix`` of these vectors."""
        return event_matrix(store, self.scope, hashes, groups)

    def n_tokens(self, store: "Store", hashes: Sequence[str]) -> "NDArray[np.int64]":
        """(E,) tokens that the model read for each event.

        Parameters
        ----------
        store : Store
            Where they are.
        hashes : sequence of str, (E,)
            Which events.

        Returns
        -------
        numpy.ndarray of int64, (E,)
            In the order of ``hashes``.
        """
        import numpy as np

        with store.connect() as connection:
            connection.register(
                "wanted", pa.table({"event_hash": pa.array(hashes, pa.string()), "event": np.arange(len(hashes))})
            )
            rows = connection.sql(
                f"""SELECT coalesce(n_tokens, 0)::BIGINT AS n_tokens
                FROM wanted LEFT JOIN (FROM event_vectors WHERE {where(self.scope)} AND layer = {self.first})
                USING (event_hash) ORDER BY event"""
            ).to_arrow_table()
        return np.asarray(rows["n_tokens"].to_numpy(), np.int64)


def event_matrix(
    store: "Store", scope: Scope, hashes: Sequence[str], groups: Sequence[Sequence[int]]
) -> "NDArray[np.float32]":
    """Vectors of events: of each group of layers the mean, one beside the other.

    Parameters
    ----------
    store : Store
        Where they are.
    scope : mapping
        Columns of ``event_vectors`` with the values that their rows have.
    hashes : sequence of str, (E,)
        Which events, in any order.
    groups : sequence of sequence of int
        G groups of layers.

    Returns
    -------
    numpy.ndarray of float32, (E, G * D)
        In the order of ``hashes``; zeros for an event that is not there.
    """
    import numpy as np

    place = {layer: at for at, layers in enumerate(groups) for layer in layers}
    total: NDArray[np.float32] | None = None  # (G, E, D)
    with store.connect() as connection:
        connection.register("wanted", _numbered(hashes))
        rows = connection.sql(
            f"""SELECT event, layer, vector FROM event_vectors JOIN wanted USING (event_hash)
            WHERE {where(scope)} AND layer IN ({", ".join(map(str, place))})"""
        ).to_arrow_reader(1 << 14)
        for batch in rows:
            layers, events = batch["layer"].to_numpy(), batch["event"].to_numpy()
            vectors = np.asarray(batch["vector"].flatten(), np.float32).reshape(len(batch), -1)
            if total is None:
                total = np.zeros((len(groups), len(hashes), vectors.shape[1]), np.float32)
            for layer in np.unique(layers):
                of_layer = layers == layer
                total[place[layer], events[of_layer]] += vectors[of_layer]  # an event once a layer
    if total is None:
        return np.zeros((len(hashes), 0), np.float32)
    sizes = np.array([len(layers) for layers in groups], np.float32)
    return np.ascontiguousarray(np.moveaxis(total / sizes[:, None, None], 0, 1)).reshape(len(hashes), -1)


def _numbered(hashes: Sequence[str]) -> pa.Table:
    """Hashes with their places."""
    return pa.table({"event_hash": pa.array(hashes, pa.string()), "event": pa.array(range(len(hashes)), pa.int64())})


def _say_answers(context: Context, said: set[str], _run: "Run", rows: pa.Table) -> None:
    """Say once which answers are of several tokens, however many processes tell it."""
    for told in {*rows["told"].to_pylist()} - said:
        context.observer.say(f"embed: --answers {told}")
        said.add(told)


def _count_cut(cut: list[int], _run: "Run", rows: pa.Table) -> None:
    """Take down how many events were cut."""
    cut += rows["n_events"].to_pylist()


def _set_up(of: EventVectors, dataset: str) -> Work:
    """The model in memory, and the pure stage around it."""
    with importing("torch"):
        from ..embed.answers import told_answers
        from ..embed.compiled import compile_layers
        from ..embed.events import read_events
        from ..embed.smaller_vectors import smaller
        from ..models import load_model

    options, answers = of.options, of.answers
    model = load_model(of.ref, of.load, of.space)
    why = compile_layers(model, options) if options.compile else ""
    now, sized = first_look(model, options, begin_alike=options.pooling is not Pooling.MODEL)
    first = [TableRows("canaries", pa.Table.from_batches([now]))]  # told once, however many portions are read here
    first += [TableRows(UNCOMPILED, pa.table({"why": [why]}))] if why else []
    if answers and (told := told_answers(model.tokenizer, answers)):
        first += [TableRows(ANSWERS, pa.table({"told": [told]}))]

    def work(batches: Iterable[pa.RecordBatch], advance: Advance) -> Iterator[Increment]:
        while first:
            yield [first.pop()]
        of_dataset = (batch.append_column("dataset", pa.repeat(dataset, len(batch))) for batch in batches)
        so_far = as_increments(advance)
        cut: list[str] = []
        how: dict[str, Any] = {"ordered": False, "on_cut": cut.append}
        for rows in read_events(of_dataset, model, sized, of.context, answers, so_far, **how):
            yield [TableRows("event_vectors", smaller(rows, options.store_as), KEY)]
        if cut:
            yield [TableRows(CUT, pa.table({"n_events": [len(cut)]}))]

    return work
