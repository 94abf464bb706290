"""Items made before they are needed.

In: an iterator. Out: its items in their order, made by a thread that is at most some items ahead. Knows nothing of
them.
"""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def prefetch(items: Iterator[Item], at_most: int = 2) -> Generator[Item, None, None]:
    """The items, made while earlier ones are in use. What making them raises is raised where they are asked for."""
    waiting: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(at_most)
    closed = threading.Event()

    def put(last: bool, item: Item | BaseException | None) -> bool:
        while not closed.is_set():
            try:
                waiting.put((last, item), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(False, item):
                    return
            put(True, None)
        except BaseException as error:  # it belongs to whoever asks for the next item
            put(True, error)

    worker = threading.Thread(target=work, name="prefetch", daemon=True)
    worker.start()
    try:
        while True:
            last, item = waiting.get()
            if isinstance(item, BaseException):
                raise item
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        worker.join()
