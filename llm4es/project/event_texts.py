"""What a model reads of an event, and the distinct ones among the events of some entities.

In: the fields of an event, what is asked about it; a store's events. Out: ``DistinctEvents``, and SQL that says of
which kind an event is. Knows no model and no vectors. A *kind* is one distinct event text; where several things are
asked about an event, a kind has a text for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError, nearest
from ..core.hashing import text_hash
from ..core.sql import identifier
from ..embed.prompts import EVENT, FIELDS, PromptSet, event_texts, prompt_fields
from ..serialize.event_lines import event_lines, header_of, shown_sql
from .histories import Histories

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..recipes import FieldSpec, Recipe

_SHOWN = "shown_{0}".format
"""Column of what a text shows of a field, by the field's place."""

_BETWEEN = "\n\x1f\n"
"""Stands between the texts of a kind where kinds are told apart."""

# E kinds, P texts of each (one, or one a prompt)


@dataclass(frozen=True)
class EventText:
    """What is read of an event: a line behind the names of its fields, or what is asked about it."""

    line: "tuple[FieldSpec, ...]"
    """The fields of its line."""

    prompts: PromptSet | None = None
    """What is asked; None: the line itself is read."""

    others: "tuple[FieldSpec, ...]" = ()
    """Fields that prompts name and the line does not have."""

    item: "FieldSpec | None" = None
    """What an event is about: kinds of two items are two, though they read the same; None: nobody asks."""

    @classmethod
    def asked(cls, recipe: "Recipe", line: "tuple[FieldSpec, ...]", prompts: PromptSet) -> "EventText":
        """What prompts show of an event; the line's fields only where they show the line.

        Raises
        ------
        OptionError
            A prompt names what is no field.
        """
        known = {field.name.lower(): field for field in recipe.fields}
        names = dict.fromkeys(name for template in prompts.templates for name in prompt_fields(template))
        for name in names:
            if name.lower() not in known:
                raise OptionError(
                    f"--prompt {prompts.name}: {{{name}}} is no field of {recipe.name!r}: "
                    f"{nearest(name, [*known, EVENT])}"
                )
        shows_line = any(f"{{{word}}}" in template for template in prompts.templates for word in (EVENT, FIELDS))
        shown = line if shows_line else ()
        return cls(shown, prompts, tuple(known[n.lower()] for n in names if known[n.lower()] not in shown))

    @property
    def fields(self) -> "tuple[FieldSpec, ...]":
        """All that its texts show."""
        return (*self.line, *self.others)

    @property
    def told_apart(self) -> "tuple[FieldSpec, ...]":
        """What tells kinds apart: all that is shown, and the item."""
        return self.fields if self.item is None or self.item in self.fields else (*self.fields, self.item)

    @property
    def context(self) -> str:
        """What is read before each event and not pooled."""
        return header_of(self.line) if self.prompts is None else ""

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What the texts depend on besides the events, as plain values."""
        beside = {"paraphrase", "in_text"}
        fields = [field.model_dump(mode="json", by_alias=True, exclude=beside) for field in self.fields]
        item = {} if self.item is None else {"item": self.item.name}
        return {"fields": fields} | item | ({} if self.prompts is None else {"prompt": self.prompts.fingerprint})

    def texts(self, columns: Sequence[pa.Array]) -> list[pa.Array]:
        """P arrays of texts from the fields' columns: the lines, or what is asked in each prompt."""
        columns, n = columns[: len(self.fields)], len(self.line)
        lines = event_lines(columns[:n], self.line) if n else None
        if self.prompts is None or (lines is None and not self.others):
            return [] if lines is None else [lines]
        values = {
            field.name: event_lines([column], [field]) for field, column in zip(self.fields, columns, strict=True)
        }
        header = header_of(self.line) if n else ""
        return [event_texts(template, values, lines, header) for template in self.prompts.templates]


@dataclass(frozen=True)
class DistinctEvents:
    """The distinct events of some entities."""

    shown: pa.Table
    """A row a combination of what the texts show, with ``kind``, its code: some combinations read the same."""

    texts: tuple[pa.Array, ...]
    """P of (E,): what is read of each kind."""

    n_events: int
    """Events that are of one of them."""

    items: pa.Array | None = None
    """(E,) each kind's item as text, '' where it has none; None: nobody asked."""

    def __len__(self) -> int:
        return len(self.texts[0])

    @cached_property
    def hashes(self) -> tuple[list[str], ...]:
        """P of (E,): ``event_hash`` of what is read of each kind."""
        return tuple([text_hash(text) for text in texts.to_pylist()] for texts in self.texts)

    @cached_property
    def keys(self) -> list[str]:
        """(E,) one hash a kind."""
        parts = [*self.hashes, *([] if self.items is None else [self.items.to_pylist()])]
        return parts[0] if len(parts) == 1 else [text_hash("\n".join(each)) for each in zip(*parts, strict=True)]

    @property
    def item_codes(self) -> "NDArray[np.int64] | None":
        """(E,) a number an item, -1 where there is none."""
        import numpy as np

        if self.items is None:
            return None
        known = pc.array_sort_indices(self.items.unique())
        names = self.items.unique().take(known)
        found = pc.index_in(self.items, value_set=names.filter(pc.not_equal(names, "")))
        return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)

    def to_read(self) -> pa.Table:
        """``event_hash``, ``event_text`` and ``source_hash`` of everything that is read of them, each text once."""
        hashes = pa.array(chain.from_iterable(self.hashes), pa.string())
        each = pa.table({"event_hash": hashes, "event_text": pa.concat_arrays(self.texts), "source_hash": hashes})
        return each.group_by(each.column_names, use_threads=False).aggregate([])


def kinds_of(histories: Histories, text: EventText, entities: str, todo: pa.Table | None = None) -> DistinctEvents:
    """The distinct events of some entities.

    Parameters
    ----------
    histories : Histories
        Whose events, and how far.
    text : EventText
        What is read of one.
    entities : str
        SELECT of the entities' ids.
    todo : pyarrow.Table, optional
        What ``entities`` calls ``todo``.

    Returns
    -------
    DistinctEvents
        In the order of what is read of them.

    Examples
    --------
    >>> from llm4es.serialize.event_lines import event_fields
    >>> histories = Histories(project.store, "shop", context.cutoff.config_id)
    >>> text = EventText(event_fields(context.recipe, by=["product"]))
    >>> kinds = kinds_of(histories, text, histories.ids)
    >>> kinds.texts[0].to_pylist(), kinds.n_events
    (['bread', 'milk', 'rice', 'salt', 'tea'], 90)
    """
    names = [field.name for field in text.told_apart]
    rows = f"SELECT {_shown(text)} FROM ({histories.sql(names, entities)})"
    with histories.store.connect() as connection:
        if todo is not None:
            connection.register("todo", todo)
        found = connection.sql(f"SELECT *, count(*) AS n FROM ({rows}) GROUP BY ALL").to_arrow_table()
    columns = [found[_SHOWN(at)].combine_chunks() for at in range(len(names))]
    texts = text.texts(columns)
    item = None if text.item is None else pc.fill_null(columns[names.index(text.item.name)].cast(pa.string()), "")
    together = pc.binary_join_element_wise(*texts, *([] if item is None else [item]), _BETWEEN)
    encoded = together.dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary)  # the same kinds have the same order, whoever has them
    codes = pc.sort_indices(order).cast(pa.int32()).take(encoded.indices)  # (rows,)
    first = pc.index_in(pa.array(range(len(order)), pa.int32()), value_set=codes)  # (E,) a row of each kind
    return DistinctEvents(
        shown=found.drop_columns(["n"]).append_column("kind", codes),
        texts=tuple(each.take(first) for each in texts),
        n_events=pc.sum(found["n"]).as_py() or 0,
        items=None if item is None else item.take(first),
    )


def events_sql(histories: Histories, text: EventText, entities: str, columns: Mapping[str, str] | None = None) -> str:
    """SELECT of the events of some entities with the code of their kind, sorted by entity.

    Parameters
    ----------
    histories : Histories
        Whose events, and how far.
    text : EventText
        What is read of one.
    entities : str
        SELECT of the entities' ids.
    columns : mapping of str to str, optional
        Name -> column of the events that is wanted besides.

    Returns
    -------
    str
        SQL for a connection that knows ``DistinctEvents.shown`` by the name ``kinds``: ``entity_id``, ``kind`` (null:
        an event that came since the kinds were found), and the columns.
    """
    columns = columns or {}
    names = [*(field.name for field in text.told_apart), *columns.values()]
    more = "".join(f", {identifier(column)} AS {identifier(name)}" for name, column in columns.items())
    same = " AND ".join(f"kinds.{_SHOWN(at)} IS NOT DISTINCT FROM e.{_SHOWN(at)}" for at in range(len(text.told_apart)))
    chosen = "".join(f", e.{identifier(name)}" for name in columns)
    return f"""SELECT e.entity_id, kinds.kind{chosen}
        FROM (SELECT entity_id, {_shown(text)}{more} FROM ({histories.sql(names, entities)})) e
        LEFT JOIN kinds ON {same} ORDER BY e.entity_id"""


def _shown(text: EventText) -> str:
    """What the texts show of each field, as columns."""
    return ", ".join(f"{shown_sql(field)} AS {_SHOWN(at)}" for at, field in enumerate(text.told_apart))
