"""Portions of input: what belongs together stays together, and what comes back is given to another."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from llm4es.project.executor import TableRows
from llm4es.project.portions import MOST_ROWS, Portion, Portions


def batches(ids: list[str], size: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(ids), size):
        yield pa.record_batch(
            {"entity_id": ids[start : start + size], "n": list(range(start, start + size))[: len(ids) - start]}
        )


@pytest.mark.parametrize("size", [1, 2, 3, 64, 500])
@pytest.mark.parametrize("variants", [1, 3, 100])
def test_rows_of_an_entity_are_never_parted(size: int, variants: int) -> None:
    ids = [f"e{i}" for i in range(300) for _ in range(variants)]
    portions = Portions(batches(ids, size), 2)
    seen: list[str] = []
    numbers: list[int] = []
    sizes = []
    while (portion := portions.take()) is not None:
        names = list(dict.fromkeys(portion.rows["entity_id"].to_pylist()))
        assert not set(names) & set(seen)
        seen += names
        numbers += portion.rows["n"].to_pylist()
        sizes.append(len(portion.rows))
        portions.finished()
    assert numbers == list(range(len(ids)))
    assert not portions.unfinished
    assert max(sizes) <= MOST_ROWS + variants
    assert sizes[-1] <= max(8, variants)  # small ones at the end, so that nobody works alone for long


def test_what_comes_back_is_taken_by_another() -> None:
    portions = Portions(batches(["a", "b"], 1), 2)
    first = portions.take()
    assert first is not None
    second = portions.take()
    taken: list[Portion | None] = []
    waiting = threading.Thread(target=lambda: taken.append(portions.take()))
    waiting.start()  # nothing is left, but the first is not done
    portions.back(first)
    waiting.join(10)
    assert taken == [first] != [second]
    portions.finished()
    portions.finished()
    assert portions.take() is None
    assert not portions.unfinished


def test_what_was_told_of_a_portion_is_not_told_again() -> None:
    def made(*ids: str) -> TableRows:
        return TableRows("t", pa.table({"entity_id": ids, "k": [1] * len(ids)}), ("entity_id", "k"))

    portion = Portion(pa.record_batch({"entity_id": ["a", "b", "c"]}))
    note = TableRows("notes", pa.table({"x": [1]}))
    assert portion.not_told([made("a"), note]) == [made("a"), note]
    assert portion.advanced(1) == 1
    portion.again()
    assert portion.not_told([made("a")]) == []
    assert portion.not_told([made("b"), note]) == [made("b"), note]
    assert (portion.advanced(1), portion.advanced(1)) == (0, 1)
    portion.again()  # killed once more
    assert portion.not_told([made("c", "b", "a")]) == [made("c")]
    assert portion.advanced(3) == 1
