"""How much of the histories is in no vector, in a sentence.

In: a store, the rows of one configuration. Out: a sentence.
"""

from typing import TYPE_CHECKING

from ..core.sql import Scope, where
from ..options import EmbedOptions, History

if TYPE_CHECKING:
    from llm4es_store import Store


def what_is_cut(store: "Store", scope: Scope, options: EmbedOptions) -> str:
    """How many entities' vectors lack a part of their history.

    Parameters
    ----------
    store : Store
        Where they are.
    scope : mapping of str to str or int
        Which they are: dataset, model, configuration.
    options : EmbedOptions
        How histories were cut.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions
    >>> what_is_cut(project.store, {"dataset": "shop", "model": "model"}, EmbedOptions())
    '14 of 20 entities (70%) are cut: 318 tokens, 25 events of theirs are in no vector; --history full reads ...'
    """
    ((entities, cut, tokens, events),) = store.sql(
        f"""SELECT count(*), count(*) FILTER (n_tokens_dropped > 0 OR n_events_dropped > 0),
        coalesce(sum(n_tokens_dropped), 0), coalesce(sum(n_events_dropped), 0)
        FROM (SELECT DISTINCT ON (entity_id) * EXCLUDE (vector) FROM embeddings WHERE {where(scope)})"""
    ).fetchall()
    if not cut:
        return f"the vectors hold the whole history of all {entities} entities"
    more = "" if options.history is History.FULL else "; --history full reads all of a text, window by window"
    lost = f"{int(tokens)} tokens, {int(events)} events of theirs are in no vector"
    return f"{cut} of {entities} entities ({cut / entities:.0%}) are cut: {lost}{more}"
