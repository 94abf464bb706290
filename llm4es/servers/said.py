"""The words in which a server says what is wrong, as one line that may be shown.

In: the body of a response. Out: its message, bounded, without secrets and without signs that move a cursor; and what
it says in code. Judges nothing.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from ..core.errors import one_line
from ..core.printable import printable
from .key import blotted

AT_MOST = 300
"""Characters of a server's words that are shown."""

_TAGS = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]{0,1000}>", re.DOTALL | re.IGNORECASE)

_MESSAGES = ("message", "detail", "msg", "error", "error_description", "error_msg", "errors", "title")
"""Where servers put the message of an error, the likeliest first."""

_PACKED = ("{", "[{", "data:", "event:", ": ")
"""How bodies begin that are written for programs: one that cannot be read is no message, and may hold events."""


@dataclass(frozen=True)
class Said:
    """What a server said."""

    words: str
    """Its message, for people; '' where it said nothing."""

    code: str
    """Its code and type, for programs, such as 'context_length_exceeded'."""

    parameter: str
    """The parameter that it names; '' where it names none."""


def said(body: str, key: str) -> Said:
    """What stands in a body: the message of an error as the protocol has it, or as other servers write it.

    Examples
    --------
    >>> said('{"error": {"message": "No credit.", "code": "payment_required"}}', "none")
    Said(words='No credit.', code='payment_required', parameter='')
    >>> said("<html><h1>Log in</h1></html>", "none").words
    'Log in'
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = "" if body.lstrip().startswith(_PACKED) else _TAGS.sub(" ", body[:100_000])
    error = error_in(content) or content
    inner = error if isinstance(error, dict) else {}
    code = " ".join(str(inner[name]) for name in ("code", "type") if inner.get(name))
    parameter = inner.get("param")
    words = printable(blotted(one_line(_message(error), 20 * AT_MOST) if _message(error) else "", key))
    return Said(one_line(words, AT_MOST) if words else "", code, parameter if isinstance(parameter, str) else "")


def error_in(answer: Any) -> Any:
    """The error in an answer, which may have come as a good one; None where there is none.

    Examples
    --------
    >>> error_in({"choices": [{"error": {"message": "upstream died", "code": 502}}]})
    {'message': 'upstream died', 'code': 502}
    >>> error_in({"choices": [{"message": {"content": "tea"}}], "error": {"code": 0, "message": ""}}) is None
    True
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    choices = answer.get("choices")
    inner = [choice.get("error") for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    for error in (answer.get("error"), *inner):
        if any(error.values()) if isinstance(error, dict) else error:
            return answer if error is True else error
    return answer if answer.get("object") == "error" or (answer.get("errors") and not choices) else None


def _message(error: Any) -> str:
    """The message of an error, wherever it stands."""
    if isinstance(error, str):
        return error.strip()
    if isinstance(error, list):
        return "; ".join(filter(None, map(_message, error[:3])))
    if not isinstance(error, dict):
        return ""
    found = next((error[name] for name in _MESSAGES if error.get(name)), "")
    detail = error.get("metadata")
    raw = detail.get("raw") if isinstance(detail, dict) else None  # what a router was told by the server behind it
    return _message(found) + (f" ({raw})" if isinstance(raw, str) and raw else "")
