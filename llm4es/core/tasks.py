"""What can be predicted of an entity, the metric that a task is about, and the protocols that need no split.

In: nothing. Out: names. Imports nothing heavy: recipes, options and probes share it.
"""

from datetime import datetime
from enum import StrEnum

from .times import shown


class Kind(StrEnum):
    """What a task's labels are."""

    BINARY = "binary"  # two classes; the second in sorted order is the positive one, unless the task says so
    MULTICLASS = "multiclass"  # two classes or more
    REGRESSION = "regression"  # numbers


PRIMARY: dict[Kind, str] = {Kind.BINARY: "roc_auc", Kind.MULTICLASS: "accuracy", Kind.REGRESSION: "r2"}
"""The metric that a task is about unless another is asked for."""

OF_NUMBERS = ("r2", "mae")
"""The metrics of a regression; no other kind has them, nor a regression any other."""


def of_kind_sql(kind: Kind | None) -> str:
    """SQL condition: a row of ``probes`` is of a task of this kind; None: whatever it is.

    Examples
    --------
    >>> of_kind_sql(Kind.REGRESSION)
    "split_part(metric, ' ', 1) IN ('r2', 'mae')"
    """
    among = f"IN ({', '.join(repr(metric) for metric in OF_NUMBERS)})"
    return "true" if kind is None else f"split_part(metric, ' ', 1) {'' if kind is Kind.REGRESSION else 'NOT '}{among}"


NEW_ITEMS = "new-items"
"""The protocol that learns from the events of some items and scores by those of others."""

HALF = 0.5
"""Of the items, those that are learnt from where nothing else is said."""

OWN_FOLDS = ("cv", "holdout", "ptls", NEW_ITEMS)
"""Protocols that make their own folds; any other name is a split of the recipe."""

_TRAINED = ", trained at "
_OF, _SHARE, _SINCE = " of ", ", share ", ", since "


def at_times(protocol: str, train_as_of: datetime | None, test_as_of: datetime | None) -> str:
    """A protocol's name as rows bear it: with the two times, where a probe learns at another than it is scored at.

    Parameters
    ----------
    protocol : str
        Its plain name.
    train_as_of, test_as_of : datetime or None
        Exclusive cut-offs; None: both alike.

    Returns
    -------
    str
        The plain name where there are no two times.

    Examples
    --------
    >>> at_times("cv", datetime(2024, 1, 1), datetime(2024, 7, 1))
    'cv, trained at 2024-01-01, scored at 2024-07-01'
    """
    if train_as_of is None or test_as_of is None:
        return protocol
    return f"{protocol}{_TRAINED}{shown(train_as_of)}, scored at {shown(test_as_of)}"


def of_items(protocol: str, item: str | None, share: float | None, since: datetime | None) -> str:
    """A protocol's name as rows bear it: with what halves the items, where that is not the usual.

    Parameters
    ----------
    protocol : str
        Its plain name.
    item : str or None
        Field of the item; None: the recipe's.
    share : float or None
        Of the items, those that are learnt from; None: half of them.
    since : datetime or None
        Items first met before it are learnt from; None: they are halved by share.

    Returns
    -------
    str
        The plain name where nothing is given.

    Examples
    --------
    >>> of_items("new-items", "merchant", 0.3, None), of_items("new-items", None, None, datetime(2024, 1, 1))
    ('new-items of merchant, share 0.3', 'new-items, since 2024-01-01')
    """
    name = protocol if item is None else f"{protocol}{_OF}{item}"
    name = name if share is None else f"{name}{_SHARE}{share:g}"
    return name if since is None else f"{name}{_SINCE}{shown(since)}"


def item_of(name: str) -> str | None:
    """The field that a protocol's name says items are of, as ``of_items`` makes it; None: the recipe's.

    Parameters
    ----------
    name : str
        As rows bear it.

    Returns
    -------
    str or None
        Its name.

    Examples
    --------
    >>> item_of("new-items of merchant, share 0.3@50"), item_of("new-items")
    ('merchant', None)
    """
    first = name.partition("@")[0].partition(", ")[0]
    return first.partition(_OF)[2] or None


def left_out_of(name: str) -> float | None:
    """The share of items that each repeat of a protocol leaves out, other ones each time.

    Parameters
    ----------
    name : str
        As rows bear it.

    Returns
    -------
    float or None
        None: repeats differ in their folds alone.

    Examples
    --------
    >>> left_out_of("new-items"), left_out_of("new-items of merchant, share 0.75@50")
    (0.5, 0.25)
    >>> left_out_of("new-items, since 2024-01-01"), left_out_of("cv")
    (None, None)
    """
    if plain_protocol(name) != NEW_ITEMS or _SINCE in name:
        return None
    share = name.partition("@")[0].partition(_SHARE)[2]
    return 1 - float(share or HALF)


def plain_protocol(name: str) -> str:
    """A protocol's plain name, from what rows bear: without times, halves of items and size of the training set.

    Parameters
    ----------
    name : str
        As ``at_times`` and ``of_items`` make it, perhaps with ``@`` and a size behind.

    Returns
    -------
    str
        As ``--protocol`` takes it.

    Examples
    --------
    >>> plain_protocol("cv@50"), plain_protocol("cv, trained at 2024-01-01, scored at 2024-07-01@50")
    ('cv', 'cv')
    >>> plain_protocol("new-items of merchant, since 2024-01-01@50")
    'new-items'
    """
    plain = name.partition("@")[0].partition(_TRAINED)[0]
    return NEW_ITEMS if plain.startswith((NEW_ITEMS + _OF, NEW_ITEMS + ", ")) else plain


BASELINES = {
    "tfidf": "counts of the item, weighed by rarity",
    "words": "TF-IDF over the words of the events' texts and pairs of neighbouring ones",
    "words-aligned": "the words of an item's text, mapped to who chooses it",
    "aggregates": "number of events; sums, means and deviations of the amount, in all and by category",
    "counts": "logarithms of the number of events and of distinct values: how much history, not what",
    "recency": "time alone: days since the first and the last event, and how often",
    "majority": "nothing: the shares of the classes, or the mean",
}
"""What each feature set is that is made without a model, in the order that tables list them."""

BASELINE_NAMES = tuple(BASELINES)
"""Their names: no vectors may bear them."""
