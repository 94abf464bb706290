"""``llm4es models``: models that can be named, those of the store and the built-in ones."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm4es.core.errors import OptionError, StoreError
from llm4es.options import EmbedOptions, Pooling

from ..options import DEFAULT_STORE, DebugOption, FormatOption, QuietOption, StoreOption, layers
from ..registry import stored_models
from ..screen import Screen, show

if TYPE_CHECKING:
    from llm4es_store import Store

app = typer.Typer(invoke_without_command=True, add_completion=False)


@app.callback()
def models(
    context: typer.Context,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """List the built-in models and those tuned in this store.

    Examples:

        llm4es models

        llm4es models pull smollm2-135m
    """
    if context.invoked_subcommand is None:
        _list(format_, store)


@app.command("list")
def list_models(
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """List the built-in models and those tuned in this store."""
    _list(format_, store)


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="A model of the store, or any that --model takes.")],
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Show a model: its sizes, its fingerprint, and for a tuned one what tuning did (JSON).

    Example:

        llm4es models show smollm2-135m
    """
    from llm4es.core.sql import literal
    from llm4es.models.resolve import resolve

    kept = _opened(store)
    ref = resolve(name, {} if kept is None else stored_models(kept))
    found = {
        "model": ref.name,
        "layers": ref.n_layers,
        "dim": ref.dim,
        "context": ref.context,
        "base": ref.base,
        "fingerprint": ref.fingerprint,
        "revision": ref.revision,
        "folder": str(ref.adapter or ref.folder),
    }
    if kept is not None:
        columns = (
            "dataset, method, load_in, dtype, steps, n_entities, held_out_loss_before, held_out_loss_after, verdict"
        )
        tuned = kept.sql(f"SELECT {columns} FROM models WHERE model = {literal(name)}").to_arrow_table().to_pylist()
        found |= tuned[0] if tuned else {}
    typer.echo(json.dumps(found, indent=1))


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A built-in model's name.")],
    store: StoreOption = DEFAULT_STORE,  # as every command has it; the cache is everybody's
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch a built-in model, verify it, and unpack it once into the cache."""
    from llm4es.models.resolve import pull as fetch

    Screen(quiet).say(f"{name}: fetching and unpacking, once")
    typer.echo(str(fetch(name).folder))


@app.command("export")
def export(
    name: Annotated[str, typer.Argument(help="A model of the store, or any that --model takes.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder.")],
    k: Annotated[str, typer.Option("--k", help="Last layers averaged, or all.")] = "8",
    pooling: Annotated[Pooling, typer.Option("--pooling", help="mean or last.")] = Pooling.MEAN,
    max_length: Annotated[int, typer.Option("--max-length", min=2, help="Tokens a text.")] = EmbedOptions.max_length,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a folder that `SentenceTransformer(DIR).encode(texts)` reads, with the same vectors.

    Example:

        llm4es models export mine --to mine-embedder --k 8
    """
    from llm4es.embed.sentence_transformers import export as write
    from llm4es.models import load_model
    from llm4es.models.resolve import resolve

    depths = layers(k)
    if len(depths) != 1:
        raise OptionError(f"--k {k!r} is not one number of layers: a folder gives one vector a text")
    kept = _opened(store)
    model = load_model(resolve(name, {} if kept is None else stored_models(kept)))
    typer.echo(str(write(model, to, depths[0], pooling, max_length)))


def _opened(root: str) -> "Store | None":
    """The store; None where there is none: built-in models, folders and Hugging Face ids have names all the same."""
    from llm4es_store import Store

    try:
        return Store(root)
    except StoreError:
        if Path(root).exists():
            raise
        return None


def _list(format_: FormatOption, store: str) -> None:
    import pyarrow as pa

    from llm4es.models.resolve import builtin_models

    rows = [{"model": model.name, "where": "built in", "description": model.description} for model in builtin_models()]
    if (kept := _opened(store)) is not None:
        query = """SELECT model, 'this store' AS "where",
            format('{} tuned on {} ({}, {} steps)', base, dataset, method, steps) AS description
            FROM models ORDER BY model"""
        rows += kept.sql(query).to_arrow_table().to_pylist()
    show(pa.Table.from_pylist(rows), format_)
