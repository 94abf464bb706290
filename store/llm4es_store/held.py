"""A store that stays as it is: for whoever reads it in parts, while others write.

In: a store. Out: the same, for reading. Knows no stage.
"""

from collections.abc import Mapping

from .store import Store
from .time_travel import At
from .views import View


class HeldStore(Store):
    """A store as it is when this is made: what is written from then on does not show.

    Parameters
    ----------
    store : Store
        Whose tables; nothing of it is copied.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es_store import Store
    >>> store = Store("example-held", create=True)
    >>> held = HeldStore(store)
    >>> with store.run("serialize", "shop", {}, "0.1") as run:
    ...     run.replace("splits", {"dataset": "shop"}, pa.table({"entity_id": ["c1"]}))
    1
    >>> [each.sql("SELECT count(*) FROM splits").fetchall() for each in (store, held)]
    [[(1,)], [(0,)]]
    """

    def __init__(self, store: Store) -> None:
        self.__dict__.update(store.__dict__)
        self._live = None
        self._held: dict[bool, Mapping[str, View]] = {each: store.views(sandboxed=each) for each in (False, True)}

    def views(self, at: At | None = None, *, sandboxed: bool = False) -> dict[str, View]:
        """As of a store; now is when this was made."""
        return dict(self._held[sandboxed]) if at is None else super().views(at, sandboxed=sandboxed)
