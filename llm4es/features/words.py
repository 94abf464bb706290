"""The words of an entity's events: the baselines that read the same texts as a language model, and know no language.

In: how often each entity has each kind (a distinct event text), the kinds' texts and items. Out: feature sets. What is
learnt (rarity, factors) is left to the probe's training folds. Knows no labels, no store and no recipe.

Words and pairs of neighbouring ones are counted as they come: on MovieLens' users, and where the films are new more so,
that was better than single words, logarithms of counts, or character n-grams, which took ten times as long
(docs/evidence.md has the figures).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .alignment import FACTORS
from .event_reading import EventReading
from .feature_set import Block, FeatureSet, Preprocess
from .kinds import Kinds

_UNSPACED = "\\u0e00-\\u0eff\\u3040-\\u30ff\\u3400-\\u9fff"
"""Scripts that put no space between words: Thai, Lao, kana, Chinese. Each character counts as a word."""

_WORD = rf"(?u)[{_UNSPACED}]|[^\W{_UNSPACED}]+"

# N entities, E kinds, V words


def words(
    entity_ids: Sequence[str], counts: Any, texts: Sequence[str], known: Sequence[str] | None = None
) -> FeatureSet:
    """Count the words of each entity's events, and the pairs of neighbouring words.

    Parameters
    ----------
    entity_ids : sequence of str, (N,)
        Each once.
    counts : scipy.sparse matrix, (N, E)
        How many events of each kind each entity has.
    texts : sequence of str, (E,)
        The kinds' texts.
    known : sequence of str, optional
        The words, and pairs of words, that have a column: no other is counted. None: those that there are.

    Returns
    -------
    FeatureSet
        'words': a sparse (N, V) matrix of counts; the probe weighs them by rarity among those trained on, and words
        that none of these has do not count.

    Raises
    ------
    ProbeError
        Where ids and rows do not fit together.

    Examples
    --------
    >>> from scipy import sparse
    >>> features = words(["a", "b"], sparse.csr_matrix([[2, 0], [1, 1]]), ["tea | good", "green tea"])
    >>> features.matrix.toarray().tolist()  # good, green, green tea, tea, tea good
    [[2.0, 0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 1.0, 2.0, 1.0]]
    """
    counted, found = _words_of(texts, pairs=True, known=known)  # (E, V)
    return FeatureSet(
        name="words",
        entity_ids=entity_ids,
        matrix=(counts @ counted).tocsr(),  # (N, V)
        preprocess=Preprocess.WORDS,
        columns=found,
        learnt={"words": found},
    )


def words_in(texts: Sequence[str]) -> list[str]:
    """The words, and pairs of neighbouring words, that texts have: the columns of ``words``.

    Parameters
    ----------
    texts : sequence of str, (E,)
        The kinds' texts.

    Returns
    -------
    list of str, (V,)
        In the order of the columns.

    Examples
    --------
    >>> words_in(["tea | good", "green tea"])
    ['good', 'green', 'green tea', 'tea', 'tea good']
    """
    return _words_of(texts, pairs=True)[1]


def words_aligned(
    entity_ids: Sequence[str], counts: Any, texts: Sequence[str], items: NDArray[np.integer]
) -> FeatureSet:
    """What the words of each entity's events say of who does what: the mean of its events' factors.

    Parameters
    ----------
    entity_ids : sequence of str, (N,)
        Each once.
    counts : scipy.sparse matrix, (N, E)
        How many events of each kind each entity has.
    texts : sequence of str, (E,)
        The kinds' texts.
    items : numpy.ndarray of int, (E,)
        A code of each kind's item; below 0 where it has none.

    Returns
    -------
    FeatureSet
        'words-aligned': the (N, E) counts, of which each training part makes vectors. It learns factors of the items
        (a truncated singular value decomposition of entities x items) and a ridge map to them from the items' words, so
        that an item that nobody has met has factors too.

    Raises
    ------
    ProbeError
        Where ids and rows do not fit together.

    Examples
    --------
    >>> from scipy import sparse
    >>> features = words_aligned(["a", "b"], sparse.csr_matrix([[2, 0], [1, 1]]), ["tea", "rice"], np.array([0, 1]))
    >>> features.width, features.scaled_as()[0].kinds.reading.words
    (2, ('align 64',))
    """
    kinds = Kinds(_words_of(texts, pairs=False)[0], np.asarray(items), EventReading(align=FACTORS))
    return FeatureSet(
        name="words-aligned",
        entity_ids=entity_ids,
        matrix=counts.tocsr().astype(float),  # (N, E)
        blocks=(Block(counts.shape[1], Preprocess.STANDARD, kinds),),
    )


def _words_of(texts: Sequence[str], *, pairs: bool, known: Sequence[str] | None = None) -> tuple[Any, list[str]]:
    """(E, V) how often each text has each word, and the words; V is 1 where there is no word at all."""
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer  # heavy

    vectorizer = CountVectorizer(
        token_pattern=_WORD, ngram_range=(1, 2 if pairs else 1), dtype=np.float64, vocabulary=known or None
    )
    reads = vectorizer.build_analyzer()
    if known == [] or (known is None and not any(reads(text) for text in texts)):
        return sparse.csr_matrix((len(texts), 1)), []
    counted = vectorizer.fit_transform(texts)
    return counted, list(vectorizer.get_feature_names_out())
