"""What models can be named: the built-in ones, those of a store, and what is known of one.

In: a store, where there is one. Out: rows. Loads no weights, but for an export.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.sql import literal
from ..models.built_in import builtin_models
from ..models.resolve import pull
from .stored_models import resolved

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..options import ModelExportOptions

_TUNED = """SELECT model, 'this store' AS "where",
    format('{} tuned on {} ({}, {} steps)', base, dataset, method, steps) AS description FROM models
    ORDER BY split_part(model, '@', 1), version"""

_TUNING = (
    "version, dataset, method, load_in, dtype, steps, n_entities, held_out_loss_before, held_out_loss_after, verdict"
)


def list_models(store: "Store | None") -> list[dict[str, Any]]:
    """The models that need no hub: model, where it is, what it is.

    Parameters
    ----------
    store : Store or None
        Whose tuned models are listed too.

    Returns
    -------
    list of dict
        ``model``, ``where`` and ``description``; of a tuned model a row a version.

    Examples
    --------
    >>> [row["model"] for row in list_models(None)]
    ['smollm2-135m', 'all-minilm-l6-v2']
    """
    rows = [{"model": model.name, "where": "built in", "description": model.description} for model in builtin_models()]
    return rows if store is None else rows + store.sql(_TUNED).to_arrow_table().to_pylist()


def show_model(store: "Store | None", name: str) -> dict[str, Any]:
    """A model's sizes and fingerprint, and for a tuned one what tuning did.

    Parameters
    ----------
    store : Store or None
        Whose tuned models are known too.
    name : str
        What ``--model`` takes.

    Returns
    -------
    dict
        ``model``, ``layers``, ``dim``, ``context``, ``kind``, ``base``, ``fingerprint``, ``revision``, ``folder``...

    Raises
    ------
    ModelError
        For a model that is not found.

    Examples
    --------
    >>> of = show_model(None, folder)
    >>> of["layers"], of["dim"], of["context"]
    (4, 32, 256)
    """
    ref = resolved(store, name)
    facts = {
        "model": ref.name,
        "layers": ref.n_layers,
        "dim": ref.dim,
        "context": ref.context,
        "kind": "encoder" if ref.encoder else "decoder",
        "base": ref.base,
        "fingerprint": ref.fingerprint,
        "revision": ref.revision,
        "folder": str(ref.adapter or ref.folder),
    }
    if store is None:
        return facts
    tuned = store.sql(f"SELECT {_TUNING} FROM models WHERE model = {literal(ref.name)}").to_arrow_table().to_pylist()
    return facts | (tuned[0] if tuned else {})


def pull_model(name: str) -> Path:
    """Fetch a built-in model, or ask the hub for its newest, and unpack it once; returns its folder.

    Parameters
    ----------
    name : str
        A built-in name or a Hugging Face id.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ModelError, FetchError
        For a model that is not found, or cannot be fetched.
    """
    return pull(name).folder


def export_model(store: "Store | None", name: str, to: Path, options: "ModelExportOptions") -> Path:
    """Write a folder that ``SentenceTransformer(folder).encode(texts)`` reads, with the same vectors.

    Parameters
    ----------
    store : Store or None
        Whose tuned models are known too.
    name : str
        What ``--model`` takes.
    to : Path
        The new folder.
    options : ModelExportOptions
        k, pooling, tokens.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelError
        For a model that is not found, and a folder that cannot be written.
    """
    from ..embed.sentence_transformers import export
    from ..models import load_model

    return export(load_model(resolved(store, name)), to, options.k, options.pooling, options.max_length)
