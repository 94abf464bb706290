"""Passes: which windows share one, when rows come out, and what happens where memory is short."""

import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import ModelError
from llm4es.embed import embed, embed_layers
from llm4es.embed.batches import batch_tokens_within, passes
from llm4es.options import EmbedOptions, History

from . import tiny
from .test_embed import run
from .tiny import NORM, texts


def test_rows_do_not_depend_on_batching() -> None:
    many = texts(*[(f"e{i}", "9\n" + "\n".join("5 6" for _ in range(1 + 7 * i % 5))) for i in range(20)])
    found = [run(many, batch_tokens=budget, k=(1, 2)) for budget in (1, 16, 4096)]
    assert found[0] == found[1] == found[2]
    assert [row["entity_id"] for row in found[0]] == [f"e{i}" for i in range(20) for _ in range(2)]


def test_windows_run_longest_first_within_the_budget() -> None:
    model = tiny.counting()
    run(
        texts(("a", "1"), ("b", "1 2 3 4"), ("c", "1 2 3"), ("d", "1 2"), ("e", "1 2 3 4")), model=model, batch_tokens=8
    )
    assert model.network.model.seen[-3:] == [(2, 4), (2, 3), (1, 1)]
    assert [list(found) for found in passes([5, 4, 2, 2, 2], 4)] == [[0], [1], [2, 3], [4]]


def test_progress_counts_entities_finished() -> None:
    seen: list[int] = []
    many = texts(*[(f"e{i}", "1 2 3 4") for i in range(5)])
    list(embed([many], tiny.counting(), EmbedOptions(max_length=8, batch_tokens=8), seen.append))
    assert seen == [2, 4, 5]
    seen.clear()
    list(embed([many], tiny.counting(), EmbedOptions(max_length=8, batch_tokens=1), seen.append))
    assert seen == [1, 2, 3, 4, 5]


def test_rows_come_out_while_there_is_more_to_do() -> None:
    model = tiny.counting()
    many = texts(*[(f"e{i}", "1 2 3 4") for i in range(100)])
    out = embed([many], model, EmbedOptions(k=(1,), max_length=8, batch_tokens=4))
    assert len(next(out)) == 8
    assert len(model.network.model.seen) < 100
    assert sum(len(batch) for batch in out) == 92


def test_out_of_memory_halves_the_batch() -> None:
    model = tiny.counting()
    run(texts(("a", "1")), model=model, max_length=20)  # the first use tries pieces of the greatest length
    model.network.model.most_tokens = 16
    many = texts(*[(f"e{i}", f"{i + 10} 2 3 4") for i in range(7)])
    found = run(many, model=model)
    assert [row["vector"][0] for row in found] == pytest.approx([NORM * (i + 19) / 4 for i in range(7)])
    assert model.network.model.seen[-2:] == [(3, 4), (4, 4)]


def test_out_of_memory_on_one_window() -> None:
    model = tiny.counting()
    run(texts(("a", "1")), model=model, max_length=20)  # the first use tries pieces of the greatest length
    model.network.model.most_tokens = 16
    message = r"out of memory on one window of 17 tokens \(text 'raw' of entity 'a'\): lower --max-length"
    with pytest.raises(ModelError, match=message):
        run(texts(("a", "1 " * 17)), model=model, max_length=20)


def test_another_error_is_not_taken_for_lack_of_memory() -> None:
    model = tiny.counting()
    run(texts(("a", "1 2")), model=model)
    model.network.model.layers[0].forward = None
    with pytest.raises(TypeError):
        run(texts(("a", "1 2")), model=model)


def test_what_texts_raise_comes_out() -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield texts(("a", "1"))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(embed(broken(), tiny.counting(), EmbedOptions(max_length=8)))


def test_texts_are_read_ahead_and_let_go() -> None:
    def endless() -> Iterator[pa.RecordBatch]:
        for i in count():
            yield texts((f"e{i}", "1 2 3 4"))

    out = embed(endless(), tiny.counting(), EmbedOptions(max_length=8, batch_tokens=1))
    next(out)
    before = {thread.name for thread in threading.enumerate()}
    out.close()  # type: ignore[attr-defined]
    assert "prefetch" in before
    assert "prefetch" not in {thread.name for thread in threading.enumerate()}


UNEVEN = texts(*[(f"e{i}", "9\n" + "\n".join("5 6" for _ in range(1 + 7 * i % 5))) for i in range(20)])


@pytest.mark.parametrize("history", [History.NEWEST, History.FULL])
def test_rows_in_any_order_are_the_same_rows(history: History) -> None:
    options = EmbedOptions(k=(1, 2), max_length=6, batch_tokens=16, history=history)
    kept, free = (
        tiny.rows(list(embed([UNEVEN], tiny.counting(), options, ordered=ordered))) for ordered in (True, False)
    )
    assert free != kept
    assert sorted(free, key=_key) == sorted(kept, key=_key)


def _key(row: dict[str, Any]) -> tuple[str, int]:
    return row["entity_id"], row["k"]


def test_the_same_windows_share_a_pass_in_any_order() -> None:
    seen = []
    for ordered in (True, False):
        model = tiny.counting()
        list(embed([UNEVEN], model, EmbedOptions(max_length=6, batch_tokens=16), ordered=ordered))
        seen.append(model.network.model.seen)
    assert sorted(seen[0]) == sorted(seen[1])
    assert seen[0] != seen[1]


def test_in_no_order_rows_come_out_after_each_pass() -> None:
    model = tiny.counting()
    many = texts(*[(f"e{i}", "1 2 3 4") for i in range(16)])
    out = embed([many], model, EmbedOptions(k=(1,), max_length=8, batch_tokens=8), ordered=False)
    assert [len(batch) for batch in out] == [2] * 8


def test_in_no_order_an_entity_comes_out_once_its_last_window_is_read() -> None:
    """Three entities of two full windows and a rest each: with a pass a window, one is finished every two passes."""
    model = tiny.counting()
    rest = "9\n" + "\n".join(f"{i} 2 3" for i in range(1, 6))  # two events a window of seven, and one left
    many = texts(*[(name, rest) for name in "abc"])
    options = EmbedOptions(k=(1,), max_length=7, batch_tokens=7, history=History.FULL)
    finished: list[tuple[int, int]] = []
    before = len(model.network.model.seen)
    for rows, layers in embed_layers([many], model, options, ordered=False):
        assert rows.column("entity_id")[0] == layers.column("entity_id")[0]
        finished.append((len(model.network.model.seen), len(rows)))
    looks = finished[-1][0] - 9 - before  # whether the network takes pieces is tried first
    assert [(passes_made - looks - before, rows) for passes_made, rows in finished] == [(5, 1), (7, 1), (9, 1)]


@pytest.mark.parametrize(
    ("speed", "max_length", "expected"),
    [(5000.0, 512, 4096), (410.0, 512, 4096), (409.0, 512, 2048), (100.0, 512, 512), (0.1, 512, 512), (0.1, 600, 1024)],
)
def test_a_pass_takes_no_longer_than_so_many_seconds(speed: float, max_length: int, expected: int) -> None:
    assert batch_tokens_within(10, speed, EmbedOptions(max_length=max_length)) == expected


def test_a_pass_smaller_than_a_window_stays() -> None:
    assert batch_tokens_within(10, 0.1, EmbedOptions(max_length=512, batch_tokens=100)) == 100
