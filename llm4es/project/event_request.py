"""What ``embed --history events`` was asked for: which events, what is read of them, what becomes of their vectors.

In: a context, a model, options. Out: names of settings, and the parts that do the work. Reads the store, computes
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError
from ..core.hashing import config_id
from ..core.sql import identifier
from ..embed.prompts import Asked, PromptSet
from ..features.event_counts import unweighable_amounts
from ..features.event_reading import EventReading
from ..models.devices import number_format
from ..models.ref import ModelRef, effective_k
from ..models.sentence_modules import read_modules
from ..options import EmbedOptions, LoadOptions, Pooling, StoreAs
from ..options.weights import weight_factors
from ..serialize.event_lines import event_fields
from .bins import fitted
from .context import Context
from .distinct_counts import DISTINCT_SHARE
from .event_fits import EventFits
from .event_pooling import EventPooling
from .event_texts import DistinctEvents, EventText
from .event_vectors import EventVectors
from .given_prompts import given_prompts
from .histories import Histories
from .selection import RAW, entities_sql, preset
from .spaces import Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


DISTINCT_EVENTS = 10_000
"""Events that have to be read, where nearly all are distinct, from which it is asked first."""


@dataclass(frozen=True)
class EventRequest:
    """What one call of ``embed --history events`` asks for, and the names of its settings."""

    context: Context
    ref: ModelRef
    load: LoadOptions
    options: EmbedOptions
    space: Space

    @cached_property
    def raw_config(self) -> str:
        """Configuration of the raw texts that the vectors stand beside."""
        return self.context.cutoff.config_id

    @cached_property
    def entities(self) -> str:
        """SELECT of the entities that are wanted."""
        return entities_sql(self.context.dataset, self.raw_config, self.context.max_entities)

    @cached_property
    def histories(self) -> Histories:
        """Their events, before their cut-offs."""
        return Histories(self.context.store, self.context.dataset, self.raw_config)

    @cached_property
    def text(self) -> EventText:
        """What is read of an event. Raises OptionError for a field that the stored events do not have."""
        asked = given_prompts(self.options.prompt, Asked.EVENTS) if self.options.prompt else None
        text = event_text(self.context, self.options.by, asked, self.options.align)
        known = self.context.store.sql(f"SELECT * FROM {self.histories.view} LIMIT 0").columns
        for field in text.told_apart:
            if field.name not in known:
                raise OptionError(
                    f"the events of {self.context.dataset!r} in the store have no field {field.name!r}: run "
                    f"`llm4es serialize {self.context.dataset}` first"
                )
        return text

    @cached_property
    def reading(self) -> EventReading:
        """How event vectors become users' vectors."""
        options = self.options
        return EventReading(weight_factors(options.weights), options.whiten, options.remove_components, options.align)

    @cached_property
    def depths(self) -> list[int]:
        """The k of the rows, each once."""
        return [0] if self.options.answers else sorted(effective_k(self.options.k, self.ref.n_layers))

    @cached_property
    def vectors(self) -> EventVectors:
        """The vectors of events that this reading is made of."""
        options, pooled = self.options, self.options.pooling is Pooling.MODEL
        config: dict[str, Any] = {
            "model": self.space.fingerprint,
            "pooling": options.pooling.value,
            "context": "" if pooled else self.text.context,
            "max_length": options.max_length,
        }
        if pooled:
            config |= {"modules": read_modules(self.ref.folder, self.ref.name, self.ref.dim).fingerprint}
        if options.answers:
            config |= {"answers": list(options.answers)}
        if options.store_as is not StoreAs.FLOAT32:
            config |= {"store_as": options.store_as.value}
        first = self.ref.n_layers if pooled else 0 if options.answers else 1
        name, before = self.space.name, str(config["context"])
        return EventVectors(self.ref, self.load, options, name, before, config, first, options.answers)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that changes an entity's vector but where its history ends."""
        settings: dict[str, Any] = {
            "model": self.space.fingerprint,
            "options": self.options.fingerprint(),
            "events": {**self.text.fingerprint, "config_id": self.vectors.scope["config_id"]},
        }
        some, split = self.context.max_entities, self.context.recipe.splits.fingerprint
        if self.reading.learns:  # what was learnt of some is not of all, nor of those who train in another split
            settings |= ({} if some is None else {"learnt_of": some}) | ({"train": split} if split else {})
        return settings

    @cached_property
    def config(self) -> dict[str, Any]:
        """All that changes an entity's vector."""
        return {**self.settings, "texts": ((RAW, self.raw_config),)}

    @cached_property
    def fits(self) -> EventFits:
        """What is learnt of train entities."""
        return EventFits(
            self.context, self.reading, self.space.name, config_id(self.settings), self.text, self.histories,
            self.entities,
        )  # fmt: skip

    @property
    def words(self) -> str:
        """The reading, as names show it."""
        by = f"by {'/'.join(self.options.by)}" if self.options.by else ""
        groups = f"{self.options.groups} groups" if self.options.groups else ""
        asked = self.text.prompts.name if self.text.prompts else ""
        answers = self.options.shown_answers
        some = f"of {self.context.max_entities}" if "learnt_of" in self.settings else ""
        return ", ".join(word for word in ("events", asked, answers, by, *self.reading.words, groups, some) if word)

    def groups(self, k: int) -> list[list[int]]:
        """The layers whose means stand side by side in the vectors of one k."""
        if self.options.answers:
            return [[0]]
        return layer_groups(self.ref.n_layers, k, self.options.groups, self.ref.name)

    def matrix(self, kinds: DistinctEvents, k: int) -> "NDArray[np.float32]":
        """The vectors of kinds of one k, (E, D); of several prompts side by side or averaged, as these say."""
        parts = [self.vectors.matrix(self.context.store, hashes, self.groups(k)) for hashes in kinds.hashes]
        prompts = self.text.prompts
        return parts[0] if prompts is None or len(parts) == 1 else prompts.combined(parts)

    def check_distinct(self, kinds: DistinctEvents, n_lacking: int) -> None:
        """Raise OptionError where reading each distinct event once spares nothing, and nobody said to do so."""
        share = len(kinds) / max(kinds.n_events, 1)
        if self.options.all_distinct or share <= DISTINCT_SHARE or n_lacking <= DISTINCT_EVENTS:
            return
        raise OptionError(
            f"{share:.0%} of {kinds.n_events:,} events are distinct: reading each once reads nearly all of them; give "
            "fewer fields by --by, bins = 5 to a number in its [[fields]], or --all-distinct to read them all"
        )

    def check(self) -> None:
        """Raise OptionError or DataError, before anything is dropped or read, for what cannot be made of the events."""
        for k in self.depths:
            self.groups(k)
        self._check_weights()

    def _check_weights(self) -> None:
        """Raise OptionError or DataError where events cannot be weighed as asked."""
        weights, recipe = self.options.weights, self.context.recipe
        if self.reading.half_life is not None and recipe.events.time is None:
            raise OptionError(f"--weights {weights} needs the time of events: the recipe has no events.time")
        if not self.reading.needs_amount:
            return
        if recipe.amount is None:
            raise OptionError(f'--weights {weights} needs an amount: name its field in the recipe (amount = "price")')
        rows = self.histories.sql([recipe.amount], self.entities)
        amount = f"{identifier(recipe.amount)}::DOUBLE"
        ((events, missing, negative),) = self.context.store.sql(
            f"""SELECT count(*), count(*) FILTER (NOT coalesce(isfinite({amount}), false)),
            count(*) FILTER ({amount} < 0) FROM ({rows})"""
        ).fetchall()
        if missing or negative:
            raise unweighable_amounts(missing, negative, events)

    @property
    def pooling(self) -> EventPooling:
        """What makes rows of ``embeddings``."""
        vectors, options = self.vectors, self.options
        return EventPooling(
            self.context,
            self.histories,
            self.text,
            self.reading,
            {
                "dataset": self.context.dataset,
                "model": vectors.space,
                "pooling": options.pooling.value,
                "texts": RAW,
                "max_length": options.max_length,
                "history": options.history.value,
                "load_in": self.load.load_in.value,
                "dtype": number_format(self.load),
                "fingerprint": self.space.fingerprint,
                "reading": self.words,
            },
        )


def layer_groups(n_layers: int, k: int, n: int | None, model: str) -> list[list[int]]:
    """The layers whose means stand side by side in a vector.

    Parameters
    ----------
    n_layers : int
        Of the model.
    k : int
        Last layers averaged, where there are no groups.
    n : int or None
        Groups of neighbouring layers; None: the last k alone.
    model : str
        Its name, for the message.

    Returns
    -------
    list of list of int
        Layers from 1.

    Raises
    ------
    OptionError
        For more groups than layers.

    Examples
    --------
    >>> layer_groups(4, 1, None, "m"), layer_groups(4, 4, 2, "m")
    ([[4]], [[1, 2], [3, 4]])
    """
    layers = range(1, n_layers + 1)
    if n is None:
        return [list(layers[-k:])]
    if n > len(layers):
        raise OptionError(f"--groups {n} is above the {len(layers)} layers of {model}: give fewer")
    ends = [round(at * len(layers) / n) for at in range(n + 1)]
    return [list(layers[start:end]) for start, end in pairwise(ends)]


def event_text(context: Context, by: Sequence[str], prompts: PromptSet | None, align: int | None) -> EventText:
    """What is read of an event, by the recipe as it is and the edges of bins that the store keeps.

    Parameters
    ----------
    context : Context
        Recipe and store.
    by : sequence of str
        Fields by name; none: those of the recipe's texts that say no time.
    prompts : PromptSet or None
        What is asked about it.
    align : int or None
        Factors that its item has; None: nobody asks for the item.

    Returns
    -------
    EventText
        With the item where that is asked for.

    Raises
    ------
    OptionError
        For a name that is no field's, and where the recipe names no item to align to.

    Examples
    --------
    >>> event_text(context, ("product",), None, None).context
    'Product\\n'
    """
    recipe = fitted(context.store, context.recipe)
    line = event_fields(recipe, preset(context.store, context.dataset), by)
    text = EventText(line) if prompts is None else EventText.asked(recipe, line, prompts)
    if align is None:
        return text
    item = next((field for field in recipe.fields if field.name == recipe.item), None)
    if item is None:
        raise OptionError(
            f"--align {align} needs an item in the recipe: name the field that says what an event is about "
            '(item = "product"), or leave --align out'
        )
    return replace(text, item=item)
