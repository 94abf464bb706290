"""``llm4es optimize``: fewer, larger files."""

from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption
from ..screen import show


def optimize(
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compact the store's small files; no row and no version changes.

    Example:

        llm4es optimize --store llm4es-store
    """
    from llm4es.core.version import __version__
    from llm4es.project.result import Result
    from llm4es_store import Store
    from llm4es_store.maintenance import optimize as compact

    show(Result(compact(Store(store), __version__)), format_)
