"""How much of a model's rewritings a rule wrote in its place, for whoever compares vectors of such texts.

In: feature sets with the configuration of their vectors, a store. Out: sentences. Decides nothing.
"""

from collections.abc import Iterable, Iterator

from ..core.sql import literal
from .context import Context
from .feature_source import FeatureSource
from .recorded import runs_of
from .selection import RAW, Texts

_UNTOLD = "(n_events_by_rule IS NULL AND coalesce(note, '') LIKE '% replaced by %')"
"""SQL condition of rewritings in which a rule wrote nobody knows how much: 0.1 did not count."""


def rule_written(context: Context, sources: Iterable[FeatureSource]) -> Iterator[str]:
    """Say of each feature set how many events of its rewritings are a rule's.

    Parameters
    ----------
    context : Context
        Dataset and store.
    sources : iterable of FeatureSource
        What is compared.

    Yields
    ------
    str
        A sentence a feature set of whose rewritings a rule wrote a part, and one where 0.1, which did not record how
        much, wrote such.

    Examples
    --------
    >>> list(rule_written(context, []))
    []
    """
    runs = [run.config for run in runs_of(context.store, context.dataset, "embed") if "texts" in run.config]
    texts = {str(config.get("config_id")): config["texts"] for config in runs}
    for source in sources:
        pairs = tuple((str(variant), str(made)) for variant, made in texts.get(source.config_id, ()) if variant != RAW)
        if not pairs:
            continue
        chosen = f"{Texts(context.dataset, pairs).condition} AND fidelity IS NOT NULL"
        counts = f"""SELECT coalesce(sum(n_events_by_rule), 0), sum(n_events) FILTER (NOT {_UNTOLD}),
            count(*) FILTER ({_UNTOLD}) FROM texts WHERE {chosen}"""
        ((by_rule, events, untold),) = context.store.sql(counts).fetchall()
        if by_rule:
            yield (
                f"{source.name}: a rule wrote {by_rule:,} of the {events:,} events of its rewritings in the model's "
                f"place, see n_events_by_rule in texts of dataset {literal(context.dataset)}"
            )
        if untold:
            yield (
                f"{source.name}: a rule wrote a part of {untold:,} of its rewritings, which are of llm4es 0.1, in the "
                f"model's place: how much is not recorded, see note in texts of dataset {literal(context.dataset)}"
            )
