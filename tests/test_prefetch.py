import threading
import time
from collections.abc import Iterator

import pytest

from llm4es.core.prefetch import prefetch


def test_items_come_in_their_order() -> None:
    assert list(prefetch(iter(range(50)))) == list(range(50))
    assert list(prefetch(iter([]))) == []


def test_no_more_than_asked_is_made_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    out = prefetch(items(), at_most=2)
    assert next(out) == 0
    time.sleep(0.2)
    assert 2 <= len(made) <= 4  # the one in hand, two that wait, one that finds no room
    out.close()
    assert "prefetch" not in {thread.name for thread in threading.enumerate()}


def test_an_error_comes_where_its_item_would() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    out = prefetch(items())
    assert next(out) == 1
    with pytest.raises(OSError, match="gone"):
        next(out)
