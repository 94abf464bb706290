"""Where texts are embedded: in this process, or in as many as are worth their start.

In: a context, a model, the entities to embed. Out: an executor; on the terminal, how many processes there are. Knows no
network.
"""

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from ..core.limits import LEAN
from ..models.devices import device_name
from ..models.ref import ModelRef
from ..options import EmbedOptions, History, LoadOptions
from .context import Context
from .executor import Executor, Local, check_devices, where_it_pays
from .worker_count import is_enough, worker_count

CHARACTERS = 4
"""Of a token, about: enough to tell much work from little."""


def embed_executor(
    context: Context, ref: ModelRef, load: LoadOptions, options: EmbedOptions, condition: str, todo: pa.Table
) -> Executor:
    """The context's executor; where that is ``Local``, with as many processes as the work is worth.

    Parameters
    ----------
    context : Context
        Its executor says how many processes were asked for, its store holds the texts.
    ref, load, options
        What reads the texts, and how.
    condition : str
        SQL condition on ``texts``: those that are read.
    todo : pyarrow.Table
        The entities, in ``entity_id``.

    Returns
    -------
    Executor
        For ``Job.executor``.
    """
    characters = partial(characters_of, context, options, condition, todo)
    return executor_for(context, ref, load, len(todo), lambda: characters() // CHARACTERS)


def executor_for(
    context: Context, ref: ModelRef, load: LoadOptions, n_texts: int, n_tokens: Callable[[], int]
) -> Executor:
    """``embed_executor`` for so many texts of about so many tokens, which are counted only where it matters."""
    asked = context.executor
    check_devices(asked, device_name(load))
    if type(asked) is not Local:
        return where_it_pays(asked, lambda: is_enough(ref, n_tokens()), context.observer.say)
    if asked.workers == 1:
        return asked
    workers = min(n_texts, worker_count(asked.workers, ref, load, n_tokens()))
    if workers <= 1:
        return Local(1)
    context.observer.say(f"embed: {workers} processes, each with a model of its own; --workers 1 for one process")
    return Local(workers, warn=context.observer.warn)


def characters_of(context: Context, options: EmbedOptions, condition: str, todo: pa.Table) -> int:
    """Characters of texts of some entities, as far as they are read, about."""
    most = "" if options.history is History.FULL else f", {options.max_length * CHARACTERS}"
    with context.store.connect(limits=LEAN) as connection:
        connection.register("todo", todo)
        query = f"SELECT sum(least(length(text){most})) FROM texts SEMI JOIN todo USING (entity_id) WHERE {condition}"
        ((characters,),) = connection.sql(query).fetchall()
    return int(characters or 0)
