"""The key of a server: read from the environment, and blotted out of whatever is shown.

In: $OPENAI_API_KEY, texts. Out: the key, texts without it. The key goes nowhere but into requests.
"""

import os
import re

from ..core.errors import ModelError

KEY_VARIABLE = "OPENAI_API_KEY"
"""Environment variable of the key; local servers take any."""

SECRET = 12
"""Characters of a key that no text holds by chance."""

NO_KEY = "none"
"""What is sent where there is none: the client insists on something."""

_KEYLIKE = re.compile(r"(?i)\b(?:sk|pk|gsk|hf|xai|key|rk)[-_][\w*.-]{6,}|\S*\*{3,}\S*|\bBearer\s+\S+|\bAIza[\w-]{10,}")
"""What looks like a key, or like one that a server has starred in part."""


def read_key() -> str:
    """The key, without line ends, spaces and quotation marks around it, as a file often leaves them.

    Returns
    -------
    str
        'none' where there is none.

    Raises
    ------
    ModelError
        For a key that no request can carry: white space inside it, or signs beyond ASCII.
    """
    key = _bare(os.environ.get(KEY_VARIABLE, ""))
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(
            f"the key in ${KEY_VARIABLE} holds white space or signs that no key has: set it anew, alone on one line"
        )
    return key or NO_KEY


def read_word(variable: str) -> str | None:
    """What the client sends of a variable besides the key.

    Parameters
    ----------
    variable : str
        Its name.

    Returns
    -------
    str or None
        Without white space around it; None where it is not set.

    Raises
    ------
    ModelError
        For what no request can carry.
    """
    word = os.environ.get(variable, "").strip()
    if not (word.isascii() and word.isprintable()):
        raise ModelError(f"${variable} holds signs that no request can carry: set it anew, on one line")
    return word or None


def _bare(key: str) -> str:
    key = key.strip()
    return key[1:-1].strip() if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'" else key


def key_remark() -> str:
    """What is to be said of the key before it is sent; '' where nothing is.

    Returns
    -------
    str
        A sentence without the key.
    """
    given = os.environ.get(KEY_VARIABLE, "")
    if given == _bare(given):
        return ""
    return f"the key in ${KEY_VARIABLE} has a line end, spaces or quotation marks around it, which are left out"


def without_key(text: str, key: str) -> str:
    """An answer without the key, where that is long enough to be a secret: what is answered may be stored.

    Examples
    --------
    >>> without_key('{"model": "m of sk-0123456789"}', "sk-0123456789")
    '{"model": "m of [key]"}'
    """
    return text.replace(key, "[key]") if len(key) >= SECRET else text


def blotted(text: str, key: str) -> str:
    """A text without the key, nor anything that looks like one.

    Examples
    --------
    >>> blotted("wrong key secret123, was sk-abc***xyz", "secret123")
    'wrong key [key], was [key]'
    """
    if key != NO_KEY and len(key) > 3:
        text = text.replace(key, "[key]")
    return _KEYLIKE.sub("[key]", text)
