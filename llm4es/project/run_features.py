"""What ``run`` probes besides every embedding and baseline: the model beside a baseline, and a choice among them.

In: feature sources. Out: names of combinations. A vote has nothing fitted, a choice is made anew inside every fold: two
rows of a comparison that nobody has chosen by looking at it.
"""

from collections.abc import Sequence

from ..features.expressions import Combination, combined_name
from .feature_source import FeatureSource

BAGS = ("tfidf", "aggregates", "words")
"""Baselines that say what somebody did: the first that there is votes with the model."""


def combinations(found: Sequence[FeatureSource], config_id: str) -> list[str]:
    """The vote of the base model's deepest vectors and a baseline, and the choice among both, it and other baselines.

    Parameters
    ----------
    found : sequence of FeatureSource
        What there is for a task.
    config_id : str
        The configuration of the base model's vectors. Those of a tuned model are left out: it has seen some entities.

    Returns
    -------
    list of str
        Names, as ``probe --features`` takes them; none where there are no such vectors, or no such baseline.

    Examples
    --------
    >>> sources = [FeatureSource(name, "h", load=list) for name in ("tfidf", "words", "counts")]
    >>> sources += [FeatureSource(f"m@{k} [events]", "h", load=list, k=k, config_id="c") for k in (1, 8)]
    >>> for name in combinations(sources, "c"):
    ...     print(name)
    vote(tfidf, m@8 [events])
    best(tfidf, words, m@8 [events], vote(tfidf, m@8 [events]))
    """
    usable = [source for source in found if source.n_live != 0 and not source.lacking]
    vectors = [source for source in usable if source.config_id == config_id and source.embedded]
    bags = [name for name in BAGS if any(source.name == name for source in usable)]
    if not vectors or not bags:
        return []
    model = max(vectors, key=lambda source: source.k or 0).name
    vote = combined_name(Combination.VOTE, [bags[0], model])
    return [vote, combined_name(Combination.BEST, [*bags, model, vote])]
