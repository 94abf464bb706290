"""Whether a server gives a text the same vector whatever stands beside it.

In: an endpoint, fixed texts. Out: their vectors, asked one by one. Knows no entity.

llama.cpp with several slots gives what a text's vector becomes when it shares a pass with others' tokens: a cosine of
0.97 to its own. Such vectors are of no space, and no later run would make them again.
"""

from collections.abc import Mapping

import numpy as np

from ..core.errors import ModelError
from .embeddings_reply import EmbeddingsReply
from .endpoint import Endpoint, Sent

# N texts, D width

COMPANY = 2e-3
"""Largest cosine distance of a text's vector alone and beside others that rounding in half precision explains."""


def checked_vectors(endpoint: Endpoint, texts: Mapping[str, str], *, together: bool) -> EmbeddingsReply:
    """The whole vectors of fixed texts, each asked for alone.

    Parameters
    ----------
    endpoint : Endpoint
        Who is asked.
    texts : mapping of str to str
        Name -> text.
    together : bool
        Ask for all at once too, and compare: texts will not be sent alone.

    Returns
    -------
    EmbeddingsReply
        (N, D); what they cost is not counted.

    Raises
    ------
    ModelError
        Where a vector depends on what stands beside it, or on nothing.
    """
    names = {name: f"the fixed text {name!r}" for name in texts}
    sent = [Sent(text, len(text), 0, place, names[name]) for place, (name, text) in enumerate(texts.items())]
    beside = [answer.vector for answer in endpoint.ask(sent, whole=True)] if together else []
    replies = [endpoint.vectors([text], [names[name]], whole=True) for name, text in texts.items()]
    alone = np.concatenate([reply.vectors for reply in replies])  # (N, D)
    if not alone.any(axis=1).all() or (alone == alone[0]).all():
        what = "the same vector for different texts" if alone.any() else "vectors of zeros"
        raise ModelError(f"{endpoint.url} gives {what}: look at the server, or its model {endpoint.model!r}")
    if beside:
        x, y = alone.astype(np.float64), np.array(beside, np.float64)
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)  # (N,)
        farthest = float(np.max(1 - (x * y).sum(1) / np.where(lengths == 0, 1, lengths)))
        if farthest > COMPANY:
            raise ModelError(
                f"{endpoint.url} gives a text another vector where others stand beside it (cosine distance "
                f"{farthest:.2g}): let it read one at a time (llama.cpp: --parallel 1), or give --batch-inputs 1 "
                "--concurrency 1"
            )
    return EmbeddingsReply(alone, None, replies[-1].served_by)
