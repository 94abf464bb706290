"""Addresses of servers as users give them: what must not stand in one is refused before it is kept or shown.

In: an address, and the option or variable that it was given in. Out: the address without white space around it, or
one line that repeats no secret. Reaches nothing.
"""

from urllib.parse import urlsplit

from .errors import OptionError


def checked_address(address: str, given_in: str) -> str:
    """An address that holds no name, password, query or fragment; '' stays ''.

    Parameters
    ----------
    address : str
        As it was given.
    given_in : str
        Option or variable, for the message.

    Returns
    -------
    str
        The address.

    Raises
    ------
    OptionError
        One line that does not repeat what may be secret.

    Examples
    --------
    >>> checked_address(" http://127.0.0.1:8000/v1 ", "--base-url")
    'http://127.0.0.1:8000/v1'
    >>> checked_address("https://host/v1?api_key=k", "--base-url")
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --base-url has a query ('?...'), which may hold a key: give the address without \
it, and the key in $OPENAI_API_KEY
    """
    address = address.strip()
    if "@" in address:
        raise OptionError(f"{given_in} holds a name or password: give the key in $OPENAI_API_KEY instead")
    if "?" in address or "#" in address:
        what = "a query ('?...')" if "?" in address else "a fragment ('#...')"
        raise OptionError(
            f"{given_in} has {what}, which may hold a key: give the address without it, and the key in $OPENAI_API_KEY"
        )
    if not address:
        return address
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        usable = False
    if not usable or not address.isprintable() or " " in address:
        raise OptionError(f"{given_in} {address!r} is no server's address: give one such as http://127.0.0.1:8000/v1")
    return address
