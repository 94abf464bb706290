"""``llm4es doctor``: what this machine brings."""

from typing import Annotated

import typer

from llm4es.options import DEFAULT_MODEL
from llm4es.options.panels import Panel

from ..call import Call
from ..options import ModelOption
from ..signature import with_options


@with_options(shared=("format",))
def doctor(
    call: Call,
    model: ModelOption = DEFAULT_MODEL,
    speed: Annotated[
        bool,
        typer.Option("--speed/--no-speed", help="Try how fast the model reads: 10 seconds.", rich_help_panel=Panel.HOW),
    ] = True,
) -> None:
    """Show versions, devices, memory, disk and cache, and how many tokens a second this machine reads.

    Plans of a machine that has done nothing of the kind yet go by that figure: `llm4es run RECIPE --dry-run`.

    Examples:

        llm4es doctor

        llm4es doctor --no-speed
    """
    from llm4es.project.doctor import doctor as look

    call.show(look(call.store, model, call.screen, speed=speed), wrapped=True)
