"""Answers of a server of embeddings: a vector a text that a test can compute too."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .serving import Reply, Served

MODEL = "bge"

WIDTH = 8

FIXED = 4
"""Requests that come first: three fixed texts, together and each alone."""

ANYTHING: dict[str, Any] = {"object": "list", "model": "m"}


def vector_of(text: str, width: int = WIDTH) -> list[float]:
    """A vector of length 1, always the same for a text."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
    x = np.random.default_rng(seed).normal(size=width)
    return [float(value) for value in (x / np.linalg.norm(x)).astype(np.float32)]


def reply_of(vectors: Sequence[Any], **more: Any) -> Reply:
    """An answer with these vectors, in order; a token a character would be ``usage``."""
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return Reply(ANYTHING | {"data": data, "usage": {"prompt_tokens": 10 * len(data)}} | more)


def embedded(asked: dict[str, Any]) -> Reply:
    """What a sound server answers."""
    return reply_of([vector_of(text) for text in asked["input"]])


def of_width(width: int) -> Callable[[dict[str, Any]], Reply]:
    """A server whose vectors have so many numbers."""
    return lambda asked: reply_of([vector_of(text, width) for text in asked["input"]])


def words(server: Served | str, *more: object) -> tuple[object, ...]:
    """The options of ``embed`` that ask this server."""
    url = server if isinstance(server, str) else server.url
    return ("--model", MODEL, "--engine", "openai", "--base-url", url, *more)
