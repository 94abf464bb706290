"""``llm4es diff``: what changed between two versions, two models, or two k."""

import sys
from typing import Annotated, Any

import typer

from llm4es.options import DiffOptions
from llm4es.options.completes import Completes
from llm4es.options.panels import Panel

from ..call import Call
from ..completion import complete_names
from ..options import OutputFormat
from ..screen import show
from ..signature import with_options
from ..table import Look

_FEATURES = complete_names(Completes.FEATURES)


@with_options(DiffOptions, shared=("format",))
def diff(
    call: Call,
    a: Annotated[
        str,
        typer.Argument(metavar="A", autocompletion=_FEATURES, help="A version, a time, features, or FEATURES:VERSION."),
    ],
    b: Annotated[str, typer.Argument(metavar="B", autocompletion=_FEATURES, help="The same; what A is compared with.")],
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            metavar="D",
            autocompletion=complete_names(Completes.DATASETS),
            help="Default: the only one there is.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    **options: Any,
) -> None:
    """Show entities added, gone and changed, how far vectors moved, neighbours kept, and the paired probe difference.

    Two versions are compared for the texts and every embedding that either has.

    Examples:

        llm4es diff 12 15

        llm4es diff smollm2-135m@1 smollm2-135m@8

        llm4es diff smollm2-135m@8:2026-11-20T10:00 smollm2-135m@8
    """
    from llm4es.project.diff import diff as between

    changes: Any = between(call.opened(), a, b, dataset, DiffOptions.of(**options))
    if call.format in (None, OutputFormat.TABLE) and sys.stdout.isatty() and not call.wide:
        changes = _said_once(changes.to_pylist())
    show(changes, call.format, piped=OutputFormat.TABLE, look=Look(call.wide, wrapped=True))


def _said_once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names of features take many lines on a narrow terminal: they stand at the first row that is about them."""
    before = [None, *(row["features"] for row in rows)]
    return [
        row | {"features": None if row["features"] == above else row["features"]}
        for row, above in zip(rows, before, strict=False)
    ]
