"""Why a server gave no answer, and what follows from it: this question is too long, or the run ends.

In: an error of the openai client, or a response that holds no answer. Out: a ``ServerError`` of one line, in the
server's own words. What is worth asking again the client has asked again before.
"""

import re
from enum import StrEnum

import openai

from ..core.errors import ModelError, one_line
from .bounded import UnboundedAnswer
from .key import KEY_VARIABLE
from .said import Said, said


class FailureKind(StrEnum):
    """What a failure is about."""

    TOO_LONG = "too long"  # the question: a shorter one may be answered
    REFUSED = "refused"  # what was asked for, such as a parameter
    UNUSABLE = "unusable"  # the server, the key, the credit: the next question fares no better


class ServerError(ModelError):
    """A question that a server did not answer. Unless that is for its own words or length, the run ends."""

    def __init__(self, message: str, kind: FailureKind, said: Said | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.said = said or Said("", "", "")

    @property
    def is_of_content(self) -> bool:
        """Whether a filter refused the words of this question: others fare better."""
        return self.kind is FailureKind.REFUSED and bool(_OF_CONTENT.search(f"{self.said.code} {self.said.words}"))


_TOO_LONG = re.compile(
    r"context.{0,20}(length|size|window|limit)|maximum.{0,20}(context|input|sequence)|prompt is too long|"
    r"input.{0,20}too (long|large)|too many (input )?tokens|(exceed|longer).{0,40}(context|tokens|model length)|"
    r"exceed_context|`inputs`.{0,40}must (be|have)|request too large|input length|number of tokens exceeds|"
    r"exceeds? (the )?max(imum)?.{0,30}(token|length)",
    re.IGNORECASE | re.DOTALL,
)
_ANSWER_TOO_LONG = re.compile(r"max_(completion_)?tokens\W.{0,60}too (large|long|big|high)", re.IGNORECASE | re.DOTALL)
"""Of the bound of an answer, which a shorter question does not mend."""

_OF_CONTENT = re.compile(
    r"content.?filter|content management|data_inspection_failed|responsible.?ai|moderation|safety", re.IGNORECASE
)

_NO_CREDIT = re.compile(
    r"insufficient_quota|payment_required|billing|credit|exceeded your current quota", re.IGNORECASE
)


def failure_of(error: Exception, where: str, key: str, model: str = "") -> ServerError:
    """An error of the client as one line.

    Parameters
    ----------
    error : Exception
        What the client raised.
    where : str
        The server's address, for the message.
    key : str
        To be blotted out of the server's words.
    model : str
        The model that was asked for, for the message.
    """
    if isinstance(error, openai.APIStatusError):
        return status_failure(error.status_code, said(error.response.text, key), where, model)
    if isinstance(error, UnboundedAnswer):
        larger = "MB" in str(error)
        hint = "lower --max-new-tokens (embed: --batch-inputs)" if larger else "raise --timeout, lower --concurrency"
        return ServerError(f"{where} gives {error}: {hint}, or look at the server", FailureKind.UNUSABLE)
    cause = one_line(error.__cause__ or error, 120)
    return ServerError(f"cannot reach {where}: start the server, or mend --base-url ({cause})", FailureKind.UNUSABLE)


def status_failure(status: int, words: Said, where: str, model: str = "") -> ServerError:
    """A status and what came with it as one line.

    Examples
    --------
    >>> status_failure(402, Said("Insufficient credits", "", ""), "http://host/v1")
    ServerError('http://host/v1 says that there is no credit left; it says: Insufficient credits')
    """
    text = f"{words.code} {words.words}"
    message, kind = f"{where} refuses the request ({status})", FailureKind.REFUSED
    is_of_question = status in (200, 400, 422, 500) and not _ANSWER_TOO_LONG.search(text)
    if status == 413 or (is_of_question and _TOO_LONG.search(text)):
        message, kind = f"{where} finds the request too long", FailureKind.TOO_LONG
    elif status == 402 or (status in (403, 429) and _NO_CREDIT.search(text)):
        message, kind = f"{where} says that there is no credit left", FailureKind.UNUSABLE
    elif status == 401 or (status == 403 and not _OF_CONTENT.search(text)):
        message = f"{where} refuses the key: set ${KEY_VARIABLE} to one that it takes ({status})"
        kind = FailureKind.UNUSABLE
    elif status == 404:
        message = f"{where} has no model {model!r}: check --model and --base-url"
        kind = FailureKind.UNUSABLE
    elif status == 429:
        message, kind = f"{where} has too much to do: lower --concurrency, or try again later", FailureKind.UNUSABLE
    elif status >= 500 or status == 408:
        message, kind = f"{where} fails with status {status}: look at the server", FailureKind.UNUSABLE
    elif 300 <= status < 400:
        message = f"{where} sends the request elsewhere ({status}): set --base-url to the API's own address"
        kind = FailureKind.UNUSABLE
    return ServerError(with_words(message, words), kind, words)


def with_words(message: str, words: Said) -> str:
    """A message, and what the server says to it."""
    return f"{message}; it says: {words.words}" if words.words else message
