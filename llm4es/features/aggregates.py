"""Aggregates of an entity's events: the baseline that papers on event sequences have to beat.

In: events in any order, and which columns are amounts and which are categories. Out: one wide row an entity, computed
by DuckDB from the stream. The widths are those of pytorch-lifestream's ``AggFeatureSeqEncoder``; the amounts are the
true ones. Knows no labels and no scaling.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.errors import ProbeError
from ..core.hashing import canonical_json, text_hash
from ..core.sql import identifier
from .events_table import check_numbers, loaded
from .feature_set import FeatureSet
from .moments import add_codes, distinct, mean, moments, total_mean_deviation
from .widths import aggregates_width


@dataclass(frozen=True)
class Columns:
    """Which columns of the events are aggregated, and how finely."""

    numeric: tuple[str, ...] = ()
    """Columns whose sum, mean and standard deviation count."""

    categorical: Mapping[str, int] = field(default_factory=dict)
    """Column -> number of codes: 0 stands for nothing, 1 for the most frequent value, ..., the last for all rarer."""

    def width(self) -> int:
        """Columns of the result."""
        return aggregates_width(len(self.numeric), self.categorical)

    def __post_init__(self) -> None:
        for column, size in self.categorical.items():
            if size < 1:
                raise ProbeError(f"column '{column}' has {size} codes: give 1 or more")


def aggregates(
    events: Iterable[pa.RecordBatch], columns: Columns, codes: Mapping[str, Sequence[str | None]] | None = None
) -> FeatureSet:
    """Count and sum each entity's events, as pytorch-lifestream's ``AggFeatureSeqEncoder`` does.

    Per entity: events; sum, mean and standard deviation (ddof 1) of each amount; the same of each amount within each
    code, with a count in place of the sum; distinct codes of each category.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch, or pyarrow.Table
        ``entity_id`` and the columns named, one row an event, in any order.
    columns : Columns
        Which columns are amounts, and which are categories of how many codes.
    codes : mapping of str to sequence of str, optional
        Category -> the values that have a code of their own, the first code first. None: the most frequent ones.

    Returns
    -------
    FeatureSet
        'aggregates': an (N, ``columns.width()``) matrix of float64, entities sorted by id; 0 where there is nothing.

    Raises
    ------
    ProbeError
        Without events, for events without a column, or for an amount that is no finite number (its entity is named).

    Examples
    --------
    >>> events = pa.table({"entity_id": ["a", "a", "b"], "mcc": [7, 7, 5], "amount": [1.0, 3.0, 9.0]})
    >>> aggregates(events, Columns(numeric=("amount",))).matrix.round(2).tolist()  # events, sum, mean, deviation
    [[2.0, 4.0, 2.0, 1.41], [1.0, 9.0, 9.0, 0.0]]
    >>> aggregates(events, Columns(("amount",), {"mcc": 100})).width
    305
    """
    with loaded(events, (*columns.numeric, *columns.categorical)) as connection:
        for amount in columns.numeric:
            check_numbers(connection, amount)
        people = connection.sql("SELECT entity_id, count(*)::DOUBLE AS n FROM events GROUP BY ALL ORDER BY entity_id")
        table = people.to_arrow_table()
        row = {entity: i for i, entity in enumerate(table["entity_id"].to_pylist())}
        parts: list[NDArray[np.float64]] = [table["n"].to_numpy()[:, None]]  # (N, 1)
        for amount in columns.numeric:
            whole = moments(connection, amount, None, 1, row)[:, 0]  # (N, 3)
            total, _, deviation = total_mean_deviation(whole)
            parts.append(np.stack([total, mean(whole), deviation], axis=1))  # (N, 3)
        for category, size in columns.categorical.items():
            add_codes(connection, category, size, None if codes is None else codes[category])
            for amount in columns.numeric:
                by_code = moments(connection, amount, category, size, row)  # (N, S, 3)
                _, means, deviation = total_mean_deviation(by_code)
                parts += [by_code[..., 0], means, deviation]  # (N, S) each
        for category in columns.categorical:
            parts.append(distinct(connection, category, row))  # (N, 1)
    matrix = np.concatenate(parts, axis=1)  # (N, D)
    content = [list(columns.numeric), dict(columns.categorical), list(row), matrix.tolist()]
    return FeatureSet(
        name="aggregates",
        entity_ids=list(row),
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json(content)),
        columns=_named(columns, codes),
        learnt={} if codes is None else {"codes": codes},
    )


def _named(columns: Columns, codes: Mapping[str, Sequence[str | None]] | None) -> list[str]:
    """What each column is, in their order; a code whose value nobody has said is called by its number."""
    named = ["events", *(f"{amount} {what}" for amount in columns.numeric for what in ("sum", "mean", "deviation"))]
    for category, size in columns.categorical.items():
        values = ["nothing" if value is None else value for value in (codes or {}).get(category, ())]
        of_code = ["none", *values, *(f"code {code}" for code in range(len(values) + 1, size - 1)), "rarer"][:size]
        for amount in columns.numeric:
            named += [f"{amount} {what} {category} {of}" for what in ("n", "mean", "deviation") for of in of_code]
    return [*named, *(f"distinct {category}" for category in columns.categorical)]


def counts(events: Iterable[pa.RecordBatch], columns: Sequence[str]) -> FeatureSet:
    """How much history each entity has and not what: logarithms of events and of each column's distinct values.

    Parameters
    ----------
    events : iterable of pyarrow.RecordBatch, or pyarrow.Table
        ``entity_id`` and ``columns``, one row an event, in any order.
    columns : sequence of str
        Columns whose distinct values are counted; may be empty.

    Returns
    -------
    FeatureSet
        'counts': an (N, 1 + columns) matrix of ln(1 + count), float64, entities sorted by id.

    Raises
    ------
    ProbeError
        Without events, for events without a column, or for an event without an entity.

    Examples
    --------
    >>> features = counts(pa.table({"entity_id": ["a", "a", "b"], "mcc": [7, 5, 5]}), ["mcc"])
    >>> np.expm1(features.matrix).round().tolist()
    [[2.0, 2.0], [1.0, 1.0]]
    """
    with loaded(events, columns) as connection:
        distincts = "".join(f", count(DISTINCT {identifier(column)})" for column in columns)
        query = f"SELECT entity_id, count(*){distincts} FROM events GROUP BY entity_id ORDER BY entity_id"
        table = connection.sql(query).to_arrow_table()
    numbers = [np.log1p(table.column(i).to_numpy().astype(float)) for i in range(1, table.num_columns)]
    matrix = np.stack(numbers, axis=1)  # (N, 1 + columns)
    ids = table["entity_id"].to_pylist()
    return FeatureSet(
        name="counts",
        entity_ids=ids,
        matrix=matrix,
        model=None,
        k=None,
        seen=frozenset(),
        source_hash=text_hash(canonical_json([list(columns), ids, matrix.tolist()])),
        columns=("events", *(f"distinct {column}" for column in columns)),
    )
