"""``llm4es copy``: a consistent copy of a store, also while others write to it."""

from typing import Annotated

import typer

from ..call import Call
from ..signature import with_options


@with_options(shared=("format",))
def copy(
    call: Call,
    dest: Annotated[str, typer.Argument(metavar="DEST", help="A folder that is empty or not there yet.")],
) -> None:
    """Copy the store as it is at one moment, also while others write to it: the way to back it up.

    Every version that --at can read goes along, tuned models and kept frames too. Each file is compared with its
    checksum, and DEST appears when it is whole.

    Example:

        llm4es copy backups/2026-11-29
    """
    from llm4es.project.copy import copy as copied

    call.show(copied(call.opened(), dest, call.screen))
