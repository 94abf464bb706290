"""How many tokens an embedding will read: of events all are counted, of many texts some, and the rest estimated.

In: a context, a model, what is planned. Out: an ``Amount``. Loads the model's tokenizer and no weights.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.limits import LEAN
from ..embed.prompts import PromptSet, history_frame
from ..embed.token_counts import PLAIN, Frame, tokens_of_events, tokens_of_texts
from ..models.ref import ModelRef
from ..models.sentence_modules import SentenceModules
from ..options import EmbedOptions, LoadOptions
from .context import Context
from .costs import Amount
from .embed_executor import characters_of
from .underway import TOKENS

if TYPE_CHECKING:
    from llm4es_store import Run

SAMPLE = 256
"""Entities whose texts are tokenised: of the others the characters are counted."""


def frames_of(prompts: PromptSet | None, modules: SentenceModules | None) -> Sequence[Frame]:
    """What is read before and behind a text."""
    if prompts is not None:
        return [history_frame(template) for template in prompts.templates]
    return PLAIN if modules is None else [(modules.prompt, None)]


def to_embed(
    context: Context,
    ref: ModelRef,
    load: LoadOptions,
    options: EmbedOptions,
    condition: str,
    todo: pa.Table,
    frames: Sequence[Frame],
) -> Amount:
    """What embedding the texts of some entities will read.

    Parameters
    ----------
    context : Context
        Its store holds the texts.
    ref, load, options
        What reads them, and how.
    condition : str
        SQL condition on ``texts``: those that are read.
    todo : pyarrow.Table
        The entities, in ``entity_id``, each as often as it likes.
    frames : sequence of (str, str or None)
        What is read before and behind each text.

    Returns
    -------
    Amount
        Tokens: counted where the entities are few, else estimated from some of them.
    """
    from ..models.load import load_tokenizer

    entities = todo.select(["entity_id"]).group_by("entity_id", use_threads=False).aggregate([])
    with context.store.connect(limits=LEAN) as connection:
        connection.register("todo", entities)
        connection.register("sampled", _some(entities))
        query = f"SELECT text, event_offsets, n_events FROM texts SEMI JOIN sampled USING (entity_id) WHERE {condition}"
        texts = connection.sql(query).to_arrow_table()
    n = tokens_of_texts(texts.to_batches(), load_tokenizer(ref, load), options, frames)
    if len(entities) <= SAMPLE:
        return Amount(n)
    of_all = characters_of(context, options, condition, entities)
    of_some = characters_of(context, options, condition, _some(entities))
    return Amount(round(n * of_all / max(of_some, 1)), TOKENS, counted=False)


def events_to_embed(ref: ModelRef, load: LoadOptions, options: EmbedOptions, texts: Sequence[str], before: str) -> int:
    """Tokens that reading some events takes, each counted.

    Parameters
    ----------
    ref, load, options
        What reads them, and how.
    texts : sequence of str
        Each once.
    before : str
        What is read before each.

    Returns
    -------
    int
        With what is read before them.
    """
    from ..models.load import load_tokenizer

    return tokens_of_events(texts, load_tokenizer(ref, load), options, before) if texts else 0


def read_by(context: Context, run: "Run") -> int:
    """Tokens of the texts that a run has embedded.

    Parameters
    ----------
    context : Context
        Its store holds the vectors.
    run : Run
        Whose.

    Returns
    -------
    int
        Each entity's once, however many k were made of one pass.
    """
    query = f"""SELECT coalesce(max(n), 0)::BIGINT FROM
        (SELECT sum(n_tokens) AS n FROM embeddings WHERE run_id = '{run.run_id}' GROUP BY k)"""
    return int(context.store.sql(query).fetchall()[0][0])


def _some(entities: pa.Table) -> pa.Table:
    """Every so many-th of them, ``SAMPLE`` at most."""
    step = -(-len(entities) // SAMPLE) or 1
    return entities.take(pa.array(range(0, len(entities), step)))
