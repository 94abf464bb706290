"""Whether a model still gives the vectors that it gave at first.

In: a loaded model; later also the rows that it gave before. Out: rows of ``CANARIES``, and how far the vectors moved. A
new release of a library, another device or a wrong revision can move every vector of a space without an error anywhere:
three fixed texts show it before vectors of two spaces are mixed. Knows no store.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..core.schemas import CANARIES

if TYPE_CHECKING:
    from ..models.load import Model

# L layers, D width

TEXTS = {
    "events": "Date | Category | Amount\n2024-02-29 | Grocery stores | 12.50\n2024-03-01 | Fuel | -40.00\n",
    "prose": "A customer bought bread in the morning, paid for fuel at noon and went to the cinema in the evening.",
    "unicode": "naïve café, 東京, Москва, مرحبا, 🎬 €5\t\\n | \\|",
}
"""The fixed texts, by name: never changed, new ones get new names."""

LIBRARIES = ("torch", "transformers", "tokenizers")
"""Libraries whose release can move a vector."""

TOLERANCE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest cosine distance (a layer, a text) that rounding explains, by number format; far below what another model,
another tokenizer or other weights give."""


@dataclass(frozen=True)
class Drift:
    """A fixed text whose vectors are no longer what they were."""

    text: str
    """Name of the text."""

    layer: int
    """The layer that moved farthest, counted from 1; 0: the vectors have another size."""

    distance: float
    """Cosine distance between then and now at that layer: 0 the same, 1 unrelated."""

    then: str
    """Device and library releases of the first use."""

    now: str
    """Device and library releases of this one."""

    def __str__(self) -> str:
        return (
            f"vectors of this model moved: text {self.text!r}, layer {self.layer}, "
            f"cosine distance {self.distance:.2g}; then {self.then}, now {self.now}"
        )


def canaries(model: "Model") -> pa.RecordBatch:
    """Every layer's mean over the tokens of the fixed texts.

    Parameters
    ----------
    model : Model
        What ``load_model`` gave.

    Returns
    -------
    pyarrow.RecordBatch
        Rows of ``CANARIES``, one a text; ``vector`` is (L * D,) float32, the first layer first.

    Examples
    --------
    >>> from llm4es.models import load_model, resolve
    >>> canaries(load_model(resolve("smollm2-135m"))).column("text").to_pylist()  # doctest: +SKIP
    ['events', 'prose', 'unicode']
    """
    from ..inputs.packing import Layout
    from ..inputs.tokenize import tokenize
    from .pooling import layer_sums

    rows = []
    for name, tokens in zip(TEXTS, tokenize(model.tokenizer, list(TEXTS.values())), strict=True):
        window = [*tokens.prefix, *tokens.ids, *tokens.suffix][: model.ref.context]
        sums = layer_sums(model.network, model.ref.n_layers, [window], [(0, len(window))], Layout.PADDED)  # (L, 1, D)
        rows.append(
            {
                "model": model.name,
                "fingerprint": model.fingerprint,
                "text": name,
                "vector": (sums[:, 0] / len(window)).flatten().cpu().numpy(),  # (L * D)
                "device": model.device.type,
                "versions": json.dumps({library: version(library) for library in LIBRARIES}),
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=CANARIES)


def drifted(before: Iterable[Mapping[str, Any]], now: pa.RecordBatch, n_layers: int, dtype: str) -> list[Drift]:
    """The fixed texts whose vectors differ by more than rounding from those of the first use of the same space.

    Parameters
    ----------
    before : iterable of mappings
        Rows of ``CANARIES`` that were kept; those of other models or fingerprints are left aside.
    now : pyarrow.RecordBatch
        What ``canaries`` gives now.
    n_layers : int
        Layers of the model, by which a ``vector`` of (L * D,) numbers is divided.
    dtype : str
        Number format, by which ``TOLERANCE`` says what rounding explains.

    Returns
    -------
    list of Drift
        The texts that moved; empty where none did.

    Examples
    --------
    >>> def row(vector):
    ...     of = {"model": "m", "fingerprint": "f", "text": "prose", "device": "cpu", "versions": "{}"}
    ...     return of | {"vector": vector}
    >>> now = pa.RecordBatch.from_pylist([row([1.0, 0.0, 0.0, 1.0])], schema=CANARIES)
    >>> drifted([row([1.0, 0.0, 0.0, 1.0])], now, n_layers=2, dtype="float32")
    []
    >>> [(moved.text, moved.layer) for moved in drifted([row([1.0, 0.0, 1.0, 0.0])], now, 2, "float32")]
    [('prose', 2)]
    """
    first = {(row["model"], row["fingerprint"], row["text"]): row for row in before}
    moved = []
    for row in now.to_pylist():
        then = first.get((row["model"], row["fingerprint"], row["text"]))
        if then is None:
            continue
        layer, distance = _farthest(then["vector"], row["vector"], n_layers)
        if not distance <= TOLERANCE.get(dtype, TOLERANCE["float32"]):  # a NaN has moved, too
            moved.append(Drift(row["text"], layer, distance, _where(then), _where(row)))
    return moved


def _farthest(a: Any, b: Any, n_layers: int) -> tuple[int, float]:
    """The layer with the largest cosine distance, and that distance."""
    if len(a) != len(b):
        return 0, 1.0
    x, y = (np.asarray(vector, np.float64).reshape(n_layers, -1) for vector in (a, b))  # (L, D)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)  # (L)
    distances = 1 - (x * y).sum(1) / np.where(lengths == 0, 1, lengths)  # (L)
    layer = int(np.argmax(distances))
    return layer + 1, float(distances[layer])


def _where(row: Mapping[str, Any]) -> str:
    """Device and releases, readable."""
    return f"{row['device']} " + " ".join(f"{name} {number}" for name, number in json.loads(row["versions"]).items())
