"""Event vectors of new items: counts of the kinds of events of each half, of which every fold makes its own vectors.

In: a stored embedding of events, and the record of what made it; how items are halved. Out: feature sets with every
side of a repeat. What was learnt for the stored vectors (rarity, whitening, alignment) was learnt of all items, so it
is not used: a fold learns the same of its training part. Loads no model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..core.errors import Llm4esError, ProbeError
from ..core.sql import where
from ..embed.prompts import Asked, Combine, PromptSet
from ..features.event_reading import EventReading
from ..options import EmbedOptions
from ..options.new_items import ItemHalves
from ..options.weights import weight_factors
from .context import Context
from .event_pooling import ROWS
from .event_request import event_text, layer_groups
from .event_texts import DistinctEvents, EventText, events_sql, kinds_of
from .feature_source import FeatureSource
from .item_halves import HalvedHistories
from .selection import entities_sql

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..features.feature_set import FeatureSet

# N entities and sides, E kinds, D width


@dataclass(frozen=True)
class EventHalves:
    """One embedding of events, as a probe of new items reads it."""

    context: Context
    """Store and dataset."""

    source: FeatureSource
    """Of the stored vectors."""

    config: Mapping[str, Any]
    """What they were asked for, as the record of their run has it."""

    how: ItemHalves
    """Of the first repeat."""

    _kept: "dict[tuple[str, ...], NDArray[np.float32]]" = field(default_factory=dict)

    @property
    def lacking(self) -> str:
        """Why it cannot be halved; '' where it can."""
        made = {name: value for name, value in self.config["events"].items() if name != "config_id"}
        try:
            if self._text.fingerprint == made:
                return ""
        except Llm4esError:  # a field, or the item, that it names is gone from the recipe
            pass
        return (
            "the recipe's fields, or what texts show of them, have changed since: "
            f"`llm4es embed {self.context.dataset} --history events` reads the events as they are"
        )

    def of_repeat(self, repeat: int) -> "FeatureSet":
        """Counts of kinds with an entity's rows of every side, and the kinds' vectors beside them.

        Parameters
        ----------
        repeat : int
            Which; each has its own halves.

        Returns
        -------
        FeatureSet
            (N, E) events of each kind, or (N, 2 E) with what they weigh by themselves.

        Raises
        ------
        ProbeError
            Where vectors of events are not in the store any more.
        """
        from scipy import sparse

        from ..features.event_counts import event_blocks
        from ..features.feature_set import Block, FeatureSet, Preprocess
        from ..features.kinds import Kinds

        context, reading, text = self.context, self._reading, self._text
        config = context.cutoff.config_id
        everybody = entities_sql(context.dataset, config, context.max_entities)
        how = replace(self.how, seed=self.how.seed + repeat)
        histories = HalvedHistories(context.store, context.dataset, config, how, everybody)
        entities = self.source.entities or everybody
        kinds = kinds_of(histories, text, entities)
        weighs = reading.needs_amount or reading.half_life is not None
        columns = {"amount": str(context.recipe.amount)} if reading.needs_amount else {}
        columns |= {} if reading.half_life is None else {"event_time": "event_time"}
        ids: list[str] = []
        blocks = []
        with context.store.connect() as connection:
            connection.register("kinds", kinds.shown)
            # in one order: sums of floats then come in one too, and equal events give equal probes
            query = f"SELECT * FROM ({events_sql(histories, text, entities, columns)}) ORDER BY ALL"
            rows = connection.sql(query).to_arrow_table()
            for read in (EventReading(), reading) if weighs else (EventReading(),):
                made = list(event_blocks(rows.to_batches(ROWS), len(kinds), read))
                ids = [entity for some, _ in made for entity in some.to_pylist()]
                blocks.append(sparse.vstack([counts for _, counts in made], format="csr"))  # (N, E)
        matrix = sparse.hstack(blocks, format="csr")
        return FeatureSet(
            name=self.source.name,
            entity_ids=ids,
            matrix=matrix,
            model=self.config["model_name"],
            k=self.source.k,
            seen=self.source.seen.everybody,
            blocks=(
                Block(matrix.shape[1], Preprocess.STANDARD, Kinds(self._vectors(kinds), kinds.item_codes, reading)),
            ),
        )

    @property
    def _options(self) -> Mapping[str, Any]:
        options: Mapping[str, Any] = self.config["options"]
        return options

    @property
    def _reading(self) -> EventReading:
        asked = self._options
        weights = weight_factors(asked.get("weights", EmbedOptions.weights))
        return EventReading(weights, asked.get("whiten"), asked.get("remove_components"), asked.get("align"))

    @property
    def _text(self) -> EventText:
        """What is read of an event, by the recipe as it is."""
        return event_text(self.context, self._options.get("by", ()), self._prompts, self._reading.align)

    @property
    def _prompts(self) -> PromptSet | None:
        asked = self.config["events"].get("prompt")
        if asked is None:
            return None
        templates = tuple(asked["templates"])
        names = tuple(map(str, range(len(templates))))
        return PromptSet("kept", Asked.EVENTS, names, templates, Combine(asked.get("combine", Combine.JOIN)))

    def _vectors(self, kinds: DistinctEvents) -> "NDArray[np.float32]":
        """(E, D) vectors of kinds; the same array for the same kinds, in whatever repeat."""
        key = tuple(kinds.keys)
        if key not in self._kept:
            self._kept.clear()
            self._kept[key] = self._read(kinds)
        return self._kept[key]

    def _read(self, kinds: DistinctEvents) -> "NDArray[np.float32]":
        from .event_vectors import event_matrix

        store, asked = self.context.store, self._options
        scope = {"model": self.config["model_name"], "config_id": self.config["events"]["config_id"]}
        ((n_layers,),) = store.sql(f"SELECT max(layer) FROM event_vectors WHERE {where(scope)}").fetchall()
        groups = [[0]]
        if n_layers:
            groups = layer_groups(n_layers, self.source.k or n_layers, asked.get("groups"), scope["model"])
        parts = [event_matrix(store, scope, hashes, groups) for hashes in kinds.hashes]
        gone = sum(int((~part.any(axis=1)).sum()) if part.shape[1] else len(part) for part in parts)
        if gone:
            raise ProbeError(
                f"{gone:,} events have no vectors of {self.source.name} in the store: run `llm4es embed "
                f"{self.context.dataset}` with the same settings first"
            )
        return parts[0] if len(parts) == 1 or self._prompts is None else self._prompts.combined(parts)
