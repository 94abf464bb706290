"""A server that speaks the OpenAI protocol, ready to be asked.

In: a path and a body, as the protocol has them. Out: the JSON object that came back, or a ``ServerError``. The openai
client waits and asks again on 408, 409, 429, 5xx and lost connections. Knows no question.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from .address import server_address
from .bounded import BoundedClient
from .failures import FailureKind, ServerError, failure_of, status_failure, with_words
from .key import read_key
from .said import said

TRIES = 6
"""Times a request is sent again after 408, 429, 5xx or a lost connection, with growing pauses."""

_WEB_PAGE = "a web page: set --base-url to the API's own address, which often ends in /v1"
_NO_JSON = "what is no JSON: look at the server"

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
        self._client = openai.OpenAI(
            base_url=self.address.url,
            api_key=self._key,
            max_retries=TRIES,
            http_client=BoundedClient(timeout, max_bytes),
        )

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
            The JSON object that came back; of a stream, its pieces under 'stream'. Nothing in it is checked but that
            it is no error.

        Raises
        ------
        ServerError
            Where no answer came: its ``kind`` says whether a shorter question would help.
        """
        model = str(body.get("model", ""))
        try:
            response = self._client.post(path, body=dict(body), cast_to=httpx2.Response)
        except openai.OpenAIError as error:
            raise failure_of(error, self.address.url, self._key, model) from error
        text = response.content.decode("utf-8", "replace")
        if text.lstrip().startswith("data:") or "text/event-stream" in response.headers.get("content-type", ""):
            return {"stream": [self._object(piece, model) for piece in _pieces(text)]}
        return self._object(text, model)

    def _object(self, text: str, model: str) -> dict[str, Any]:
        """A JSON object that is no error."""
        where, words = self.address.url, said(text, self._key)
        try:
            answer = _loaded(text)
        except (ValueError, RecursionError) as error:
            what = f"{where} answers with {_WEB_PAGE if text.lstrip().startswith('<') else _NO_JSON}"
            raise ServerError(with_words(what, words), FailureKind.UNUSABLE) from error
        if not isinstance(answer, dict):
            raise ServerError(f"{where} answers with no JSON object: look at the server", FailureKind.UNUSABLE)
        if answer.get("error"):
            raise status_failure(200, words, where, model)
        return answer


def _pieces(text: str) -> list[str]:
    """The JSON objects of a stream of server-sent events."""
    lines = (line.strip() for line in text.splitlines())
    data = (line.removeprefix("data:").strip() for line in lines if line.startswith("data:"))
    return [piece for piece in data if piece and piece != "[DONE]"]


def _loaded(text: str) -> Any:
    """JSON, halves of surrogate pairs replaced: no text can hold them."""
    content = json.loads(text)
    if "\\ud" not in text.lower():
        return content
    return json.loads(_HALVES.sub("\N{REPLACEMENT CHARACTER}", json.dumps(content, ensure_ascii=False)))
