"""An address to a server that can be asked.

In: an address. Out: a ``Server``. Imports the client only now: who asks no server need not have it.
"""

from typing import TYPE_CHECKING

from ..core.errors import ModelError

if TYPE_CHECKING:
    from .server import Server

TIMEOUT = 240.0
"""Seconds for one answer, where nothing else is said."""


def open_server(base_url: str = "", timeout: float = TIMEOUT, max_bytes: int = 16 << 20) -> "Server":
    """Make a client of a server.

    Parameters
    ----------
    base_url : str
        Its address, as ``server_address`` takes it.
    timeout : float
        Seconds for one answer, from the question to its last byte.
    max_bytes : int
        Bytes of an answer beyond which it is refused.

    Returns
    -------
    Server
        May be asked from several threads.

    Raises
    ------
    ModelError
        Where the client is not installed, or the key cannot be sent.
    OptionError
        For an address that is none.

    Examples
    --------
    >>> open_server("http://127.0.0.1:8000/v1").address.url
    'http://127.0.0.1:8000/v1'
    """
    require_client()
    from .server import Server

    return Server(base_url, timeout, max_bytes)


def require_client() -> None:
    """Raise ModelError where the client is not installed: before anything is imported that rests on it."""
    try:
        import openai  # noqa: F401
    except ImportError:
        raise ModelError("--engine openai needs the client: pip install 'llm4es[openai]'") from None
