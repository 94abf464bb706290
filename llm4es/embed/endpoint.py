"""A model behind a server, asked for vectors.

In: texts, and whose they are. Out: a vector each, checked to be of one model and one length; or why a text was too
long, or refused. Knows neither entities nor the store.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ModelError
from .drift import TEXTS
from .embeddings_reply import EmbeddingsReply, read_reply
from .smaller_vectors import shortened

if TYPE_CHECKING:
    from ..servers.server import Server

# N texts, D width

IN_A_ROW = 32
"""Refused texts, none answered between them, after which a fixed text is asked: is it these texts, or all?"""

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
    """(D,); None: it was too long, or refused."""
    n_tokens: int | None
    """As the server counts them: of several texts a request, in proportion to their sizes; None: it says none."""
    refusal: str = ""
    """What the server says of it, where there is no vector."""
    too_long: bool = False
    """Whether a shorter text may be answered."""


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
        self._refused = 0  # texts since the last answer
        self._dims_width: int | None = None  # numbers that come where dims are asked for: dims, or all
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
                return reply
            self._check_dims(dims, width)
        first = np.stack([shortened(vector, dims) for vector in reply.vectors])  # (N, dims), cut here or by the server
        return EmbeddingsReply(first, reply.n_tokens, reply.served_by)

    def ask(self, sent: Sequence[Sent], *, whole: bool = False) -> list[Answered]:
        """A vector each, in order, or why there is none. A request that is too long or refused goes in halves.

        What refuses a fixed text, which are asked ``whole``, is the server: that is raised.
        """
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
            if error.kind is FailureKind.TOO_LONG:
                return [Answered(None, None, str(error), too_long=True)]
            if whole:
                raise ServerError(f"{sent[0].name}: {error}", error.kind, error.said) from error
            self._count_refusal()
            return [Answered(None, None, str(error))]
        self._refused = 0
        shares = _shares(reply.n_tokens, [text.size for text in sent])
        return [Answered(vector, tokens) for vector, tokens in zip(reply.vectors, shares, strict=True)]

    def _in_halves(self, sent: Sequence[Sent], *, whole: bool) -> list[Answered]:
        """The answers of both halves; where no text was too long by itself, later requests are no larger."""
        middle = (len(sent) + 1) // 2
        answers = self.ask(sent[:middle], whole=whole) + self.ask(sent[middle:], whole=whole)
        if not any(answer.refusal for answer in answers):
            with self._lock:
                self._most = min(self._most or middle, middle)
        return answers

    def _count_refusal(self) -> None:
        """After many refusals in a row, raise what the server says to a text that it has answered."""
        with self._lock:
            self._refused += 1
            in_doubt = self._refused % IN_A_ROW == 0
        if in_doubt:
            self.vectors([TEXTS["prose"]], ["the fixed text 'prose'"])

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
                f"{self.url} gives vectors of {width} dimensions where {self.model!r} has given {self.width}: it "
                "serves another model; serve that one again, or give this one another --model name"
            )
        self.width = width

    def _check_dims(self, dims: int, width: int) -> None:
        if width < dims:
            raise ModelError(f"--dims {dims} is above the {width} dimensions of {self.model!r}: give fewer")
        if width not in (dims, self.width or width):
            raise ModelError(f"{self.url} gives {width} dimensions where {dims} were asked for: look at the server")
        if self._dims_width not in (None, width):
            raise ModelError(
                f"{self.url} gives vectors of {width} dimensions where it has given {self._dims_width} to --dims "
                f"{dims}: it serves another model than {self.model!r}; serve that one again"
            )
        self._dims_width = width


def _shares(total: int | None, sizes: Sequence[int]) -> list[int | None]:
    """A total in whole parts in proportion to the sizes."""
    if total is None:
        return [None] * len(sizes)
    ends = np.rint(np.cumsum(sizes) / max(1, sum(sizes)) * total).astype(int)
    return [int(share) for share in np.diff(ends, prepend=0)]
