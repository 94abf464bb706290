"""The connection that the openai client sends through: answers are bounded in bytes and time, and go nowhere else.

In: requests of the client. Out: responses that are read to their end, as the client takes them; what it should not ask
again is marked so. Follows no redirect: questions go to the address that was said, and to no other.
"""

import json
import re
import time
from typing import Any

import httpx2
import openai

from .said import error_in

STALL = 60.0
"""Seconds between two pieces of an answer that has begun."""

CONNECT = 10.0
"""Seconds until a server takes a connection."""

NOT_AGAIN = {"x-should-retry": "false"}
"""The header by which the openai client is told not to ask again."""


class UnboundedAnswer(openai.OpenAIError):
    """An answer that is too long or takes too long, and would be the next time."""


class BoundedClient(httpx2.Client):
    """An HTTP client for ``openai.OpenAI(http_client=...)``."""

    def __init__(self, timeout: float, max_bytes: int) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        patience = httpx2.Timeout(timeout, connect=min(CONNECT, timeout))
        super().__init__(timeout=patience, limits=limits, follow_redirects=False)
        self._seconds, self._max_bytes = timeout, max_bytes

    def __del__(self) -> None:
        if hasattr(self, "_seconds") and not self.is_closed:  # what could not be made has nothing to close
            self.close()

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """A response whose body is read."""
        deadline = time.monotonic() + self._seconds
        options["stream"] = True
        request.headers["accept-encoding"] = "identity"
        try:
            response = super().send(request, **options)
        except httpx2.ReadTimeout as error:
            raise UnboundedAnswer(f"no answer within {self._seconds:g} seconds") from error
        try:
            body = self._read(response, deadline)
        finally:
            response.close()
        status, again = response.status_code, {}
        if status == 200:
            status = _status_within(body)
        if status == 429 and b"insufficient_quota" in body:
            again = NOT_AGAIN  # more patience buys no credit
        if status == 501:
            again = NOT_AGAIN  # what a server has not it will not have, such as llama.cpp vectors without --embedding
        if status == 500 and b"too large to process" in body:
            again = NOT_AGAIN  # llama.cpp's way to say that a text is too long: it is no shorter the next time
        kept = {name: value for name, value in response.headers.items() if name not in _OF_THE_BODY}
        return httpx2.Response(status, headers=kept | again, content=body, request=request)

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        """The body, whole."""
        patience = response.request.extensions.get("timeout")
        if isinstance(patience, dict):
            patience["read"] = min(STALL, self._seconds)  # it has begun: a server that works does not stop in it
        pieces, size = [], 0
        try:
            for piece in response.iter_bytes():
                size += len(piece)
                if size > self._max_bytes:
                    raise UnboundedAnswer(f"an answer of more than {self._max_bytes >> 20} MB")
                if time.monotonic() > deadline:
                    raise UnboundedAnswer(f"an answer that is not whole within {self._seconds:g} seconds")
                pieces.append(piece)
        except httpx2.ReadTimeout as error:
            raise UnboundedAnswer(f"an answer that stops in the middle, after {size} bytes") from error
        return b"".join(pieces)


_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that no longer hold for a body that was read."""


def _status_within(body: bytes) -> int:
    """The status that an error says of itself where it came with status 200, as routers of other servers send it."""
    if b'"error"' not in body:
        return 200
    try:
        error = error_in(json.loads(body))
    except (ValueError, RecursionError):
        return 200
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if re.fullmatch("[45][0-9]{2}", code) else 200
