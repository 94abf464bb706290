"""Where questions go: the address that was given, or the one in the environment, or OpenAI's own.

In: an option's value. Out: an address, and who said it. Reaches nothing.
"""

import os
import re
from dataclasses import dataclass

from ..core.addresses import checked_address

ADDRESS_VARIABLE = "OPENAI_BASE_URL"
"""Environment variable that every client of the protocol reads where no address is given."""

OPENAI = "https://api.openai.com/v1"
"""OpenAI's own address."""

_QUESTION = re.compile("/(chat/completions|completions|embeddings)/?$")


@dataclass(frozen=True)
class Address:
    """A server's address."""

    url: str
    """Without name, password, query: good to show."""

    said_by: str
    """The option or variable that names it; 'by default' for OpenAI's own."""

    def __str__(self) -> str:
        return f"{self.url} ({self.said_by})"


def server_address(base_url: str = "") -> Address:
    """The server that is meant.

    Parameters
    ----------
    base_url : str
        As ``--base-url`` gives it; '' leaves it to $OPENAI_BASE_URL, and without that to OpenAI.

    Returns
    -------
    Address
        Checked.

    Raises
    ------
    OptionError
        For an address that holds a secret, or is none.

    Examples
    --------
    >>> str(server_address("http://127.0.0.1:8000/v1"))
    'http://127.0.0.1:8000/v1 (--base-url)'
    """
    if base_url.strip():
        return Address(_root(checked_address(base_url, "--base-url")), "--base-url")
    of_environment = _root(checked_address(os.environ.get(ADDRESS_VARIABLE, ""), f"${ADDRESS_VARIABLE}"))
    return Address(of_environment, f"${ADDRESS_VARIABLE}") if of_environment else Address(OPENAI, "by default")


def _root(address: str) -> str:
    """An address without the path of a question, which documentation often shows with it."""
    return _QUESTION.sub("", address)
