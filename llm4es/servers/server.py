"""A server that speaks the OpenAI protocol, ready to be asked.

In: a path and a body, as the protocol has them. Out: the JSON object that came back, or a ``ServerError``. The openai
client waits and asks again on 408, 409, 429, 5xx and lost connections. Knows no question.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from ..core.errors import ModelError, one_line
from .address import server_address
from .bounded import BoundedClient
from .failures import FailureKind, ServerError, failure_of, status_failure, with_words
from .key import read_key, read_word, without_key
from .said import Said, error_in, said

TRIES = 6
"""Times a request is sent again after 408, 429, 5xx or a lost connection, with growing pauses."""

_WEB_PAGE = "a web page: set --base-url to the API's own address, which often ends in /v1"
_NO_JSON = "what is no JSON: look at the server"

_DONE = "[DONE]"
"""The last piece of a stream that is whole."""

_ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that the connection is made by, in capitals or small letters."""

_HALVES = re.compile("[\ud800-\udfff]")


class Server:
    """One server, with its key. May be asked from several threads.

    Parameters
    ----------
    base_url, timeout, max_bytes
        As ``open_server`` takes them.
    """

    def __init__(self, base_url: str, timeout: float, max_bytes: int) -> None:
        self.address = server_address(base_url)
        self._key = read_key()
        client = _connection(timeout, max_bytes)
        try:
            self._client = openai.OpenAI(
                base_url=self.address.url,
                api_key=self._key,
                max_retries=TRIES,
                timeout=client.timeout,  # else 5 seconds, which are httpx's default, become the client's own: 600
                http_client=client,
                organization=read_word("OPENAI_ORG_ID"),
                project=read_word("OPENAI_PROJECT_ID"),
            )
        except httpx2.InvalidURL as error:
            raise failure_of(error, self.address.url, self._key) from error

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask, and ask again while that may help.

        Parameters
        ----------
        path : str
            Behind the address, such as '/chat/completions'.
        body : mapping
            What the protocol has there.

        Returns
        -------
        dict
            The JSON object that came back; of a stream, its pieces under 'stream', and under 'done' whether it said
            that it is whole. Nothing in it is checked but that it is no error.

        Raises
        ------
        ServerError
            Where no answer came: its ``kind`` says whether a shorter question would help.
        """
        model = str(body.get("model", ""))
        try:
            response = self._client.post(path, body=dict(body), cast_to=httpx2.Response)
        except (openai.OpenAIError, httpx2.InvalidURL, UnicodeError) as error:
            raise failure_of(error, self.address.url, self._key, model) from error
        text = without_key(_text(response), self._key)
        streamed = text.lstrip().startswith(("data:", "event:", ": "))
        if streamed or "text/event-stream" in response.headers.get("content-type", ""):
            pieces = _pieces(text)
            objects = [self._object(piece, model) for piece in pieces if piece != _DONE]
            return {"stream": objects, "done": _DONE in pieces}
        return self._object(text, model)

    def words(self, answer: Mapping[str, Any]) -> Said:
        """What an answer says in which nothing was found; of a stream, its last piece."""
        return said(json.dumps((answer.get("stream") or [answer])[-1]), self._key)

    def _object(self, text: str, model: str) -> dict[str, Any]:
        """A JSON object that is no error."""
        where = self.address.url
        try:
            answer = _loaded(text)
        except (ValueError, RecursionError) as error:
            what = f"{where} answers with {_WEB_PAGE if text.lstrip().startswith('<') else _NO_JSON}"
            raise ServerError(with_words(what, said(text, self._key)), FailureKind.UNUSABLE) from error
        if error_in(answer):
            raise status_failure(200, said(text, self._key), where, model)
        if not isinstance(answer, dict):
            raise ServerError(f"{where} answers with no JSON object: look at the server", FailureKind.UNUSABLE)
        return answer


def _connection(timeout: float, max_bytes: int) -> BoundedClient:
    """What questions go through, as the environment has it: proxies, and certificates that are trusted."""
    try:
        return BoundedClient(timeout, max_bytes)
    except (ImportError, ValueError, OSError) as error:
        named = ", ".join(f"${name}" for name in sorted(os.environ) if name.upper() in _ENVIRONMENT)
        cause = re.sub(r"//[^/\s']*@", "//", one_line(error, 160))
        raise ModelError(f"no connection can be made as the environment says: mend {named} ({cause})") from error


def _pieces(text: str) -> list[str]:
    """The JSON objects of a stream of server-sent events."""
    lines = (line.strip() for line in text.splitlines())
    data = (line.removeprefix("data:").strip() for line in lines if line.startswith("data:"))
    return [piece for piece in data if piece]


def _text(response: httpx2.Response) -> str:
    """The text of a body in the encoding that it has, or says that it has; a byte order mark is none of it."""
    body = response.content
    encoding: str = json.detect_encoding(body)
    if encoding == "utf-8":
        encoding = response.charset_encoding or encoding
    try:
        return body.decode(encoding).removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def _loaded(text: str) -> Any:
    """JSON, halves of surrogate pairs replaced: no text can hold them."""
    content = json.loads(text)
    if "\\ud" not in text.lower():
        return content
    return json.loads(_HALVES.sub("\N{REPLACEMENT CHARACTER}", json.dumps(content, ensure_ascii=False)))
