"""What a server's answer to ``/embeddings`` holds, or what is wrong with it in one line.

In: the JSON object, and whose texts were sent. Out: a matrix in the order of the texts. Reaches nothing.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ModelError, one_line
from ..servers.chat import without_folder

# N texts, D width

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class EmbeddingsReply:
    """Vectors in the order of the texts that were sent."""

    vectors: NDArray[np.float32]  # (N, D)
    n_tokens: int | None
    """Tokens that the server counted, all texts together; None: it says none."""
    served_by: str
    """The model that the server says it was, without its folder; '' where it says none."""


def read_reply(reply: Mapping[str, Any], names: Sequence[str], where: str) -> EmbeddingsReply:
    """Vectors of an answer, put in order by their ``index``; one that has none stands where it belongs.

    Parameters
    ----------
    reply : mapping
        The JSON object.
    names : sequence of str
        Whose texts were sent, for messages: one each.
    where : str
        The server's address, for messages.

    Returns
    -------
    EmbeddingsReply
        (N, D) float32, all finite.

    Raises
    ------
    ModelError
        For anything but one vector of one length for each text.

    Examples
    --------
    >>> data = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}]
    >>> read_reply({"data": data, "usage": {"prompt_tokens": 7}}, ["a", "b"], "http://host/v1").vectors.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> read_reply({"data": data[:1]}, ["a", "b"], "http://host/v1")
    Traceback (most recent call last):
    llm4es.core.errors.ModelError: http://host/v1 gives 1 vectors for 2 texts: look at the server
    """
    data, n_texts = reply.get("data"), len(names)
    if not isinstance(data, list):
        raise ModelError(f"{where} answers without vectors: is it a server of embeddings? (llama.cpp: --embedding)")
    if len(data) != n_texts:
        raise ModelError(f"{where} gives {len(data)} vectors for {n_texts} texts: look at the server")
    rows: dict[int, NDArray[np.float32]] = {}
    for place, given in enumerate(data):
        item = given if isinstance(given, Mapping) else {}
        index = item.get("index")
        if index is None and item:  # some servers leave a 0 out, others all
            index = place
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < n_texts or index in rows:
            again = "twice" if index in rows else f"for {n_texts} texts"
            raise ModelError(f"{where} gives a vector of index {one_line(index, 40)} {again}: look at the server")
        rows[index] = _vector(item.get("embedding"), f"{where} gives for {names[index]}")
    widths = sorted({len(vector) for vector in rows.values()})
    if len(widths) > 1:
        raise ModelError(f"{where} gives vectors of {widths[0]} and of {widths[-1]} dimensions: look at the server")
    matrix = np.stack([rows[index] for index in range(n_texts)])  # (N, D)
    model = reply.get("model")
    served_by = one_line(without_folder(str(model)), 100) if model else ""
    return EmbeddingsReply(matrix, _tokens(reply.get("usage")), served_by)


def _vector(given: Any, gives: str) -> NDArray[np.float32]:
    """One vector, (D,): of numbers, or of base64."""
    if isinstance(given, str):
        try:
            vector = np.frombuffer(base64.b64decode(given, validate=True), "<f4").astype(np.float32)
        except (binascii.Error, ValueError) as error:
            raise ModelError(f"{gives} a text that is no base64 of float32: look at the server") from error
    elif isinstance(given, list) and given and isinstance(given[0], list):
        raise ModelError(f"{gives} a vector a token: start the server with a pooling, such as mean")
    elif isinstance(given, list) and all(type(number) in (int, float) for number in given):
        vector = np.array([_float32(number) for number in given], np.float32)
    else:
        raise ModelError(f"{gives} what is no list of numbers: look at the server")
    if not len(vector):
        raise ModelError(f"{gives} an empty vector: look at the server")
    if not np.isfinite(vector).all():
        raise ModelError(f"{gives} a vector with NaN or infinity: look at the server")
    return vector


def _float32(number: float) -> float:
    """The number, or NaN where single precision has none so large."""
    return float(number) if abs(number) <= _LARGEST else float("nan")


def _tokens(usage: Any) -> int | None:
    """Tokens that were read, as a server counts them."""
    counts = usage if isinstance(usage, Mapping) else {}
    found = [counts.get(name) for name in ("prompt_tokens", "total_tokens")]
    return next((count for count in found if type(count) is int and count > 0), None)
