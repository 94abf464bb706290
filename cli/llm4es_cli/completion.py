"""What a shell completes: choices, and names of the store at hand.

In: the words typed so far. Out: words that begin as the last of them does. Knows no name itself.
"""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import typer

from llm4es.options.completes import Completes

_DATASET = ("recipe", "dataset")
"""Parameters that say whose tasks and features are meant."""


def complete_choices(choices: Collection[str], *, many: bool = False) -> Callable[[str], list[str]]:
    """A completion among words that are known beforehand; ``many``: of the last in a list with commas."""

    def complete(incomplete: str) -> list[str]:
        return _beginning(incomplete, choices, many)

    return complete


def complete_names(what: Completes, *, many: bool = False) -> Callable[[typer.Context, str], list[str]]:
    """A completion among the names that this program and the store at hand have."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from llm4es.project.names_here import names_here

        store = ctx.params.get("common_store") or os.environ.get("LLM4ES_STORE") or ""
        read = [
            ctx.params.get(name) for name in _DATASET
        ]  # nothing where the option before the cursor has no value yet
        dataset = next((word for word in (*read, *ctx.args) if word), None)
        names = names_here(what, store, dataset)
        if what is Completes.RECIPES:
            with suppress(RuntimeError, OSError):  # `~nobody`, and folders that must not be read
                beside = Path(incomplete + "_").expanduser().parent
                names += [incomplete[: incomplete.rfind("/") + 1] + path.name for path in sorted(beside.glob("*.toml"))]
        return _beginning(incomplete, names, many)

    return complete


def _beginning(incomplete: str, names: Collection[str], many: bool) -> list[str]:
    """The names that begin so."""
    before = incomplete[: incomplete.rfind(",") + 1] if many else ""
    return [before + name for name in names if name.startswith(incomplete[len(before) :])]
