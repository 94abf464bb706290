"""Servers that speak the OpenAI protocol, for whoever asks one: rewriting, or vectors.

In: an address and a key from the environment, questions. Out: answers as plain dicts, or errors of one line in the
server's own words. Knows neither prompts nor vectors. ``server`` and ``failures`` are imported when one is opened.
"""

from .address import Address, server_address
from .at_once import at_once
from .key import key_remark
from .open_server import open_server, require_client

__all__ = ["Address", "at_once", "key_remark", "open_server", "require_client", "server_address"]
