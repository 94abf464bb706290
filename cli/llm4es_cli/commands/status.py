"""``llm4es status``: the store at a glance."""

from ..call import Call
from ..signature import with_options


@with_options(shared=("format",))
def status(call: Call) -> None:
    """Show what the store holds, what of it is out of date, and the command that mends that.

    The command makes the same anew: with the options, the model and the store that it was made with. Where none does,
    what is missing is said in its place. Raw files are read to see whether they have changed.

    Examples:

        llm4es status

        llm4es status --format json
    """
    from llm4es.project.status import status as look

    call.show(look(call.opened(), call.screen), wrapped=True, spare=("rows",))
