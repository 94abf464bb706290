"""Names of columns that any tool takes: lower-case letters, digits and underscores, each once.

In: feature sets. Out: a name a number, and what it stands for. LightGBM and XGBoost refuse brackets and commas in
names, Spark and Hive dots and capitals, databases most others.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..core.hashing import text_hash
from .feature_set import FeatureSet

FEWEST_DIGITS = 3
"""Of numbered columns: ``smollm2_135m_k8_007``."""


class ColumnName(NamedTuple):
    """One column of a table."""

    name: str
    """``[a-z0-9_]`` only."""

    features: str
    """The feature set that it is of, as tables of ours show it."""

    column: str
    """What it is there: an item, an amount's mean, or its number from 0 on."""


def column_names(features: Sequence[FeatureSet], taken: Sequence[str] = ("entity_id",)) -> list[ColumnName]:
    """The names of all columns, those of one feature set after the other.

    Parameters
    ----------
    features : sequence of FeatureSet
        Each under a name of its own.
    taken : sequence of str, default ("entity_id",)
        Names of other columns.

    Returns
    -------
    list of ColumnName
        Each name once: where two would be alike, both get six digits of a hash of what they stand for.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = FeatureSet("smollm2-135m@8 [128 tokens]", ["a"], np.zeros((1, 2)))
    >>> items = FeatureSet("tfidf", ["a"], np.zeros((1, 3)), columns=("Heat (1995)", "Amélie", "AMÉLIE"))
    >>> [each.name for each in column_names([vectors, items])][1:]
    ['smollm2_135m_k8_001', 'tfidf_heat_1995', 'tfidf_amelie_af9aff', 'tfidf_amelie_180cdc']
    """
    prefixes = prefixes_of([part.name for part in features])
    found = [
        ColumnName(_joined(prefixes[part.name], shown), part.name, said)
        for part in features
        for shown, said in _columns(part)
    ]
    counts = Counter([*(each.name for each in found), *taken])
    return [
        each if counts[each.name] == 1 else each._replace(name=f"{each.name}_{_digits(each.features, each.column)}")
        for each in found
    ]


def prefixes_of(names: Sequence[str]) -> dict[str, str]:
    """Feature sets' names as columns begin with them: without their settings, where these are not needed.

    Examples
    --------
    >>> prefixes_of(["m@8 [128 tokens]", "m@8 [full]", "Org/Model-X@layer3", "vote(a, b)"])["m@8 [full]"]
    'm_k8_full'
    """
    short = {name: cleaned(re.sub(r" (\[[^\]]*\]|#\w+)", "", name)) for name in names}
    counts = Counter(short.values())
    full = {name: cleaned(name) for name in names}
    alike = Counter(full.values())
    return {
        name: short[name]
        if counts[short[name]] == 1
        else full[name]
        if alike[full[name]] == 1
        else f"{full[name]}_{_digits(name)}"
        for name in names
    }


def cleaned(text: str) -> str:
    """A text in ``[a-z0-9_]``: ``smollm2-135m@8`` is ``smollm2_135m_k8``; '' where nothing of it can be said so.

    Examples
    --------
    >>> cleaned("Org/Model@layer3"), cleaned("Crème brûlée"), cleaned("日本")
    ('org_model_layer3', 'creme_brulee', '')
    """
    text = re.sub(r"@(?=layer\d)", " ", text)
    text = re.sub(r"@(?=\d+\b|all\b)", " k", text)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _columns(features: FeatureSet) -> list[tuple[str, str]]:
    """Of each column what it adds to the name, and what it is."""
    digits = max(FEWEST_DIGITS, len(str(features.width - 1)))
    numbers = [f"{number:0{digits}d}" for number in range(features.width)]
    if len(features.columns) != features.width:
        return [(number, str(int(number))) for number in numbers]
    return [(cleaned(said) or number, said) for number, said in zip(numbers, features.columns, strict=True)]


def _joined(prefix: str, column: str) -> str:
    """Never beginning with a digit, which SQL takes for a number."""
    name = f"{prefix}_{column}".strip("_")
    return f"f_{name}" if name[:1].isdigit() else name


def _digits(*texts: str) -> str:
    return text_hash("\n".join(texts))[:6]
