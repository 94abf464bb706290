"""``llm4es optimize``: fewer, larger files."""

from ..call import Call
from ..signature import with_options


@with_options(shared=("format",))
def optimize(call: Call) -> None:
    """Compact the store's small files; no row and no version changes.

    Example:

        llm4es optimize --store llm4es-store
    """
    from llm4es.core.version import __version__
    from llm4es.project.result import Result
    from llm4es_store.maintenance import optimize as compact

    call.show(Result(compact(call.opened(), __version__)))
