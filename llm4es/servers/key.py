"""The key of a server: read from the environment, and blotted out of whatever is shown.

In: $OPENAI_API_KEY, texts. Out: the key, texts without it. The key goes nowhere but into requests.
"""

import os
import re

from ..core.errors import ModelError

KEY_VARIABLE = "OPENAI_API_KEY"
"""Environment variable of the key; local servers take any."""

NO_KEY = "none"
"""What is sent where there is none: the client insists on something."""

_KEYLIKE = re.compile(r"(?i)\b(?:sk|pk|gsk|hf|xai|key|rk)[-_][\w*.-]{6,}|\S*\*{3,}\S*|\bBearer\s+\S+|\bAIza[\w-]{10,}")
"""What looks like a key, or like one that a server has starred in part."""


def read_key() -> str:
    """The key, without line ends and spaces around it, as a file often leaves them.

    Returns
    -------
    str
        'none' where there is none.

    Raises
    ------
    ModelError
        For a key that no request can carry: white space inside it, or signs beyond ASCII.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(
            f"the key in ${KEY_VARIABLE} holds white space or signs that no key has: set it anew, on one line"
        )
    return key or NO_KEY


def key_remark() -> str:
    """What is to be said of the key before it is sent; '' where nothing is.

    Returns
    -------
    str
        A sentence without the key.
    """
    given = os.environ.get(KEY_VARIABLE, "")
    if given == given.strip():
        return ""
    return f"the key in ${KEY_VARIABLE} has a line end or spaces around it, which are left out"


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
