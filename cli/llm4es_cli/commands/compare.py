"""``llm4es compare``: every embedding and baseline side by side."""

from typing import Annotated, Any

import typer

from llm4es.options import CompareOptions

from ..comparison import show_comparison
from ..opened import project
from ..options import (
    DEFAULT_STORE,
    DebugOption,
    FormatOption,
    QuietOption,
    RecipeArgument,
    StoreOption,
    TaskOption,
)
from ..signature import with_options


@with_options(CompareOptions)
def compare(
    recipe: RecipeArgument,
    task: TaskOption = None,
    wide: Annotated[bool, typer.Option("--wide", help="Every column, also on a narrow terminal.")] = False,
    format_: FormatOption = None,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    **options: Any,
) -> None:
    """Compare everything that was probed: metric, interval, paired difference against the best baseline.

    Examples:

        llm4es compare movielens-100k --task gender

        llm4es compare movielens-100k --task gender --unseen-only --reference smollm2-135m@8 --format json

        llm4es compare movielens-100k --format markdown
    """
    show_comparison(project(recipe, store, quiet).compare(task, **options), format_, wide=wide)
