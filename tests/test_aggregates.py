"""Aggregates against numbers worked out by hand, and the widths that papers give."""

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import ProbeError
from llm4es.features.aggregates import Columns, aggregates, counts
from llm4es.features.widths import aggregates_width, counts_width


def events() -> list[pa.RecordBatch]:
    table = pa.table(
        {
            "entity_id": ["u2", "u1", "u1", "u1", "u1"],
            "mcc": [5, 5, 5, 7, None],
            "amount": [10.0, 1.0, 3.0, -2.0, None],
        }
    )
    return list(table.to_batches(max_chunksize=2))


def test_by_hand() -> None:
    found = aggregates(events(), Columns(("amount",), {"mcc": 3}))
    assert list(found.entity_ids) == ["u1", "u2"]
    # codes: 5 is the most frequent (1), then 7 and null tie and share the last (2); 0 stands for nothing
    u1 = [4, 2, 2 / 3, np.std([1, 3, -2], ddof=1), 0, 2, 1, 0, 2, -2, 0, np.sqrt(2), 0, 2]
    u2 = [1, 10, 10, 0, 0, 1, 0, 0, 10, 0, 0, 0, 0, 1]
    assert found.matrix == pytest.approx(np.array([u1, u2]))
    assert found.width == Columns(("amount",), {"mcc": 3}).width() == aggregates_width(1, {"mcc": 3}) == 14


@pytest.mark.parametrize(
    ("sizes", "width"),
    [
        ({"mcc": 100, "channel_type": 4, "currency": 4, "trx_category": 10}, 362),  # Rosbank
        ({"mcc_code": 200, "tr_type": 100}, 906),  # Gender
        ({"small_group": 250}, 755),  # Age
    ],
)
def test_published_widths_on_data_of_those_cardinalities(sizes: dict[str, int], width: int) -> None:
    rng = np.random.default_rng(0)
    n = 3000
    columns = {name: rng.integers(0, size + 20, n) for name, size in sizes.items()}
    table = pa.table({"entity_id": [f"{i}" for i in rng.integers(0, 40, n)], **columns, "amount": rng.normal(size=n)})
    found = aggregates(table.to_batches(), Columns(("amount",), sizes))
    assert found.matrix.shape == (40, width)
    # every event falls into one code of each category, and none into code 0
    start = 4
    for size in sizes.values():
        by_code = found.matrix[:, start : start + size]
        assert by_code.sum(axis=1).tolist() == found.matrix[:, 0].tolist()
        assert not by_code[:, 0].any()
        start += 3 * size


def test_batching_does_not_matter() -> None:
    whole = pa.Table.from_batches(events()).combine_chunks().to_batches()
    columns = Columns(("amount",), {"mcc": 3})
    assert aggregates(whole, columns).source_hash == aggregates(events(), columns).source_hash
    assert aggregates(whole, Columns(("amount",))).width == 4


def test_counts_by_hand() -> None:
    found = counts(events(), ["mcc"])
    assert found.matrix == pytest.approx(np.log1p([[4, 2], [1, 1]]))
    assert (found.name, found.width) == ("counts", counts_width(1))


def test_amounts_that_are_no_numbers() -> None:
    for shown, amounts in (("much", ["1", "much"]), ("nan", [1.0, np.nan]), ("inf", [1.0, np.inf])):
        table = pa.table({"entity_id": ["u2", "u1"], "amount": amounts})
        with pytest.raises(ProbeError, match=f"events of entity 'u1' have '{shown}' as amount 'amount': give finite"):
            aggregates(table, Columns(("amount",)))
    written = pa.table({"entity_id": ["u1", "u1"], "amount": ["1.5", "2"]})  # numbers, as text
    assert aggregates(written, Columns(("amount",))).matrix[0, :3].tolist() == [2, 3.5, 1.75]
    with pytest.raises(ProbeError, match="column 'mcc' has 0 codes: give 1 or more"):
        Columns((), {"mcc": 0})


def test_missing_columns_and_events() -> None:
    with pytest.raises(ProbeError, match="events have no column 'city': choose one of entity_id, mcc, amount"):
        aggregates(events(), Columns(("city",)))
    with pytest.raises(ProbeError, match="there are no events to count"):
        counts([], [])
