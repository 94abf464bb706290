"""A model behind a server, asked for vectors.

In: texts, and whose they are. Out: a vector each, checked to be of one model and one length; or why a text was too
long. Knows neither entities nor the store.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ModelError
from .embeddings_reply import EmbeddingsReply, read_reply

if TYPE_CHECKING:
    from ..servers.server import Server

# N texts, D width

_ABOUT_DIMS = re.compile(r"dimension|matryoshka", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """One text on its way."""

    text: str
    size: int
    """Estimated tokens."""
    owner: int
    """Which entity's it is."""
    place: int
    """Which of the entity's."""
    name: str
    """Whose it is, for messages."""


@dataclass(frozen=True)
class Answered:
    """What came back for one text."""

    vector: NDArray[np.float32] | None
    """(D,); None: it was too long."""
    n_tokens: int | None
    """As the server counts them: of several texts a request, in proportion to their sizes; None: it says none."""
    too_long: str = ""
    """What the server says of it, where it was too long."""


class Endpoint:
    """A model of a server. May be asked from several threads.

    Parameters
    ----------
    server : Server
        Where questions go.
    model : str
        The name that the server knows.
    dims : int, optional
        First dimensions kept, at length 1; None: all.
    width : int, optional
        Numbers that a whole vector has; None: as the first answer has it.
    """

    def __init__(self, server: "Server", model: str, dims: int | None = None, width: int | None = None) -> None:
        self.model, self.dims, self.width = model, dims, width
        self.served_by = ""
        self._most: int | None = None  # texts that a request may hold, as refusals have taught
        self.url = server.address.url
        self._server = server
        self._lock = threading.Lock()

    def vectors(self, texts: Sequence[str], names: Sequence[str], *, whole: bool = False) -> EmbeddingsReply:
        """Ask once; ``whole``: all dimensions. Raises ModelError for what is no vector each, ServerError for none."""
        dims = None if whole else self.dims
        body: dict[str, Any] = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        body |= {"dimensions": dims} if dims else {}
        reply = read_reply(self._post(body), names, self.url)
        width = reply.vectors.shape[1]
        with self._lock:
            self._check_model(reply.served_by)
            if dims is None:
                self._check_width(width)
        return reply if dims is None else EmbeddingsReply(self._first(reply.vectors), reply.n_tokens, reply.served_by)

    def ask(self, sent: Sequence[Sent], *, whole: bool = False) -> list[Answered]:
        """A vector each, in order. A request that is too long or refused, as of too many texts, goes in halves."""
        from ..servers.failures import FailureKind, ServerError  # heavy, and not there without the client

        if (most := self._most) and len(sent) > most:
            parts = [sent[at : at + most] for at in range(0, len(sent), most)]
            return [answer for part in parts for answer in self.ask(part, whole=whole)]
        try:
            reply = self.vectors([text.text for text in sent], [text.name for text in sent], whole=whole)
        except ServerError as error:
            if error.kind is FailureKind.UNUSABLE:
                raise
            if len(sent) > 1:
                return self._in_halves(sent, whole=whole)
            if error.kind is FailureKind.REFUSED:
                raise ServerError(f"{sent[0].name}: {error}", error.kind, error.said) from error
            return [Answered(None, None, str(error))]
        shares = _shares(reply.n_tokens, [text.size for text in sent])
        return [Answered(vector, tokens) for vector, tokens in zip(reply.vectors, shares, strict=True)]

    def _in_halves(self, sent: Sequence[Sent], *, whole: bool) -> list[Answered]:
        """The answers of both halves; where no text was too long by itself, later requests are no larger."""
        middle = (len(sent) + 1) // 2
        answers = self.ask(sent[:middle], whole=whole) + self.ask(sent[middle:], whole=whole)
        if not any(answer.too_long for answer in answers):
            with self._lock:
                self._most = min(self._most or middle, middle)
        return answers

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        """The server's answer; a refusal of the dimensions that were asked for says what to leave out."""
        from ..servers.failures import FailureKind, ServerError

        try:
            return self._server.post("/embeddings", body)
        except ServerError as error:
            about_dims = "dimensions" in body and _ABOUT_DIMS.search(f"{error.said.parameter} {error.said.words}")
            if error.kind is not FailureKind.REFUSED or not about_dims:
                raise
            message = f"--dims {self.dims} with {self.model!r}: leave it out ({error})"
            raise ServerError(message, FailureKind.UNUSABLE, error.said) from error

    def _check_model(self, served_by: str) -> None:
        if self.served_by and served_by and served_by != self.served_by:
            raise ModelError(
                f"{self.url} answers as {self.served_by!r} and then as {served_by!r}: vectors of two models are not "
                "comparable; let it serve one"
            )
        self.served_by = self.served_by or served_by

    def _check_width(self, width: int) -> None:
        if self.width not in (None, width):
            raise ModelError(
                f"{self.url} gives vectors of {width} numbers where {self.model!r} has given {self.width}: it serves "
                "another model; serve that one again, or give this one another --model name"
            )
        self.width = width

    def _first(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first dimensions, at length 1: cut here where the server has not done it."""
        width = vectors.shape[1]
        if self.dims is None or width < self.dims:
            raise ModelError(f"--dims {self.dims} is above the {width} dimensions of {self.model!r}: give fewer")
        if width not in (self.dims, self.width or width):
            raise ModelError(f"{self.url} gives {width} numbers where {self.dims} were asked for: look at the server")
        kept = vectors[:, : self.dims].astype(np.float64)  # (N, D)
        lengths = np.linalg.norm(kept, axis=1, keepdims=True)  # (N, 1)
        return np.asarray(kept / np.where(lengths == 0, 1, lengths), np.float32)


def _shares(total: int | None, sizes: Sequence[int]) -> list[int | None]:
    """A total in whole parts in proportion to the sizes."""
    if total is None:
        return [None] * len(sizes)
    ends = np.rint(np.cumsum(sizes) / max(1, sum(sizes)) * total).astype(int)
    return [int(share) for share in np.diff(ends, prepend=0)]
