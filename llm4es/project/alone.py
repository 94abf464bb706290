"""One process of this machine at a time: what two would do twice, the second finds done.

In: a store, what is worked on. Out: a lock that is held meanwhile. Writes nothing to the store.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..core.cache_folder import cache_dir
from ..core.hashing import text_hash
from .observer import Observer

if TYPE_CHECKING:
    from llm4es_store import Store


@contextmanager
def alone(store: "Store", what: str, observer: Observer) -> Iterator[None]:
    """Wait until no other process of this machine works on the same thing in the same store.

    The system lets go of the lock when a process dies, however it dies.

    Parameters
    ----------
    store : Store
        Which one.
    what : str
        What is worked on: a model's name.
    observer : Observer
        Hears of a wait.

    Examples
    --------
    >>> from llm4es.project.observer import Null
    >>> with alone(project.store, "mine", Null()):
    ...     pass
    """
    from filelock import FileLock, Timeout

    folder = cache_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{text_hash(f'{store.layout.root} {what}')[:16]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        observer.say(f"finetune: another process is tuning {what}: waiting for its end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
