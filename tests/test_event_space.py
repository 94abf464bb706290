"""Spaces of event vectors against scikit-learn, plain numpy, and tables made by hand."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import StandardScaler, normalize

from llm4es.core.errors import DataError, OptionError
from llm4es.core.hashing import text_hash
from llm4es.features.event_pool import pool
from llm4es.features.event_reading import EventReading
from llm4es.features.event_space import EventSpace

ENTITIES, KINDS, WIDTH = 40, 60, 12


def table(seed: int = 0) -> tuple[sparse.csr_matrix, Any]:
    """Counts of entities x kinds, one of which (the last) nobody has; and vectors with one huge dimension."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.3, (ENTITIES, KINDS))
    counts[:, 0] += 1  # a kind that everybody has
    counts[:, -1] = 0
    vectors = rng.standard_normal((KINDS, WIDTH)) * np.logspace(0, -1, WIDTH)
    vectors[:, 3] = 500 + 40 * vectors[:, 3]
    return sparse.csr_matrix(counts), vectors.astype(np.float32)


def fitted(reading: EventReading, **given: Any) -> EventSpace:
    counts, vectors = table()
    return EventSpace.fit(counts, vectors, given.pop("items", None), reading, **given)


def test_users_are_plain_means_where_nothing_is_asked_for() -> None:
    counts, vectors = table()
    space = fitted(EventReading())
    assert space.map(vectors) is vectors
    dense = counts.toarray()
    expected = dense @ vectors.astype(float) / dense.sum(axis=1, keepdims=True)
    assert pool(counts, space.weights, space.map(vectors)) == pytest.approx(expected, abs=1e-5 * np.abs(expected).max())


def test_rarity_is_scikit_learn_s() -> None:
    counts, _ = table()
    assert fitted(EventReading(("tfidf",))).weights == pytest.approx(TfidfTransformer().fit(counts).idf_)
    pooled = pool(counts, fitted(EventReading(("tfidf",))).weights, np.eye(KINDS))
    assert pooled == pytest.approx(TfidfTransformer(norm="l1").fit_transform(counts).toarray(), abs=1e-6)


def test_smooth_inverse_frequency_is_its_formula_and_weights_multiply() -> None:
    counts, _ = table()
    shares = counts.toarray().sum(axis=0) / counts.sum()
    expected = 0.001 / (0.001 + shares)
    assert fitted(EventReading(("sif",))).weights == pytest.approx(expected)
    both = fitted(EventReading(("sif", "tfidf"))).weights
    assert both == pytest.approx(expected * fitted(EventReading(("tfidf",))).weights)
    assert fitted(EventReading(("amount", "recency:9d"))).weights.tolist() == [1] * KINDS


def test_kinds_are_found_by_their_hashes_on_another_day() -> None:
    hashes = [text_hash(f"kind {i}") for i in range(KINDS)]
    space = fitted(EventReading(("tfidf",)), hashes=hashes)
    asked = [text_hash("new"), hashes[7], hashes[0], hashes[-1]]
    unseen = np.log(1 + ENTITIES) + 1
    assert space.weights_of(asked) == pytest.approx([unseen, space.weights[7], 1, unseen])
    assert fitted(EventReading(("tfidf",))).weights_of(asked) == pytest.approx([unseen] * 4)  # no hash was given
    assert space.weights_of([]).tolist() == []


def test_whitening_is_scikit_learn_s_pca_of_standardised_vectors_that_somebody_has() -> None:
    _, vectors = table()
    scaler, pca = StandardScaler(), PCA(5, whiten=True, svd_solver="full")
    pca.fit(scaler.fit_transform(vectors[:-1].astype(float)))  # the last kind is nobody's
    expected = normalize(pca.transform(scaler.transform(vectors.astype(float))))
    space = fitted(EventReading(whiten=5))
    assert space.map(vectors) == pytest.approx(expected, abs=1e-3)
    vectors[-1] += 100  # what nobody has changes nothing
    counts, _ = table()
    assert EventSpace.fit(counts, vectors, None, EventReading(whiten=5)).map(vectors[:-1]) == pytest.approx(
        space.map(vectors[:-1]), abs=1e-6
    )


def test_removed_components_are_those_of_users_vectors() -> None:
    counts, vectors = table()
    space = fitted(EventReading(("sif",), remove_components=2))
    users = pool(counts, space.weights, vectors).astype(float)
    _, _, directions = np.linalg.svd(users, full_matrices=False)
    expected = users - users @ directions[:2].T @ directions[:2]
    assert pool(counts, space.weights, space.map(vectors)) == pytest.approx(expected, abs=1e-3)


def clubs(seed: int = 0) -> tuple[sparse.csr_matrix, Any, Any, Any]:
    """Two groups of users, each with items of its own; a text says the group, among much that says nothing.

    Counts, vectors of 2 kinds an item, items of the kinds, and the group of each item.
    """
    rng = np.random.default_rng(seed)
    users, group = np.repeat([0, 1], 50), np.tile([0, 1], 40)  # (100,), (80,)
    likes = np.where(users[:, None] == group, 0.4, 0.02)
    items = np.repeat(np.arange(80), 2)  # (160,)
    counts = rng.poisson(likes[:, items])
    texts = rng.standard_normal((160, 10))
    texts[:, 4] = 2 * group[items] - 1 + 0.3 * texts[:, 4]
    return sparse.csr_matrix(counts), texts.astype(np.float32), items, group


@pytest.mark.parametrize("reading", [EventReading(align=2), EventReading(whiten=10, align=2)], ids=str)
def test_new_items_with_like_texts_get_like_factors(reading: EventReading) -> None:
    counts, texts, items, group = clubs()
    known, new = np.flatnonzero(items < 60), np.flatnonzero(items >= 60)
    space = EventSpace.fit(counts[:, known], texts[known], items[known], reading)
    factors = space.map(texts[new])  # (40, 2) of items that nobody of the fit has met
    sides = group[items[new]]
    means = np.stack([factors[sides == side].mean(axis=0) for side in (0, 1)])
    right = np.linalg.norm(factors[:, None] - means, axis=2).argmin(axis=1) == sides
    assert right.mean() > 0.95
    plain = EventSpace.fit(counts[:, known], texts[known], items[known], EventReading(whiten=10)).map(texts[new])
    within = [
        np.linalg.norm(x[sides == 0] - x[sides == 0].mean(0)) / np.linalg.norm(x - x.mean(0)) for x in (plain, factors)
    ]
    assert within[1] < 0.6 * within[0]


def test_kinds_without_an_item_are_not_learnt_from_and_get_factors() -> None:
    counts, texts, items, _ = clubs()
    reading, bare = EventReading(align=2), items.copy()
    bare[::2] = -1
    some = EventSpace.fit(counts, texts, bare, reading)
    alone = EventSpace.fit(counts[:, 1::2], texts[1::2], items[1::2], reading)
    assert some.map(texts) == pytest.approx(alone.map(texts), abs=1e-4)


@pytest.mark.parametrize(
    "reading",
    [EventReading(), EventReading(("tfidf",), 4, 1, 3), EventReading(("sif", "amount"), remove_components=1)],
    ids=str,
)
def test_a_space_comes_back_from_its_arrays_to_the_bit(reading: EventReading) -> None:
    counts, vectors = table()
    items, hashes = np.arange(KINDS) // 2, [text_hash(str(i)) for i in range(KINDS)]
    space, again = (EventSpace.fit(counts, vectors, items, reading, hashes) for _ in range(2))
    kept = {name: array.copy() for name, array in space.arrays().items()}
    assert {name: array.tobytes() for name, array in again.arrays().items()} == {
        name: array.tobytes() for name, array in kept.items()
    }
    read = EventSpace.from_arrays(kept, EventReading.of(reading.as_dict()))
    assert read.map(vectors).tobytes() == space.map(vectors).tobytes()
    assert read.weights_of(hashes).tobytes() == space.weights_of(hashes).tobytes()
    assert read.arrays().keys() == kept.keys()


def test_counts_may_repeat_a_cell_and_are_left_as_they_are() -> None:
    _, vectors = table()
    halves = sparse.csr_matrix(
        (np.ones(4), ([1, 1, 0, 3]), np.array([0, 3, 4])), shape=(2, 5)
    )  # the first has kind 1 twice
    space = EventSpace.fit(halves, vectors[:5], None, EventReading(("tfidf",)))
    assert (space.holders.tolist(), space.events.tolist()) == ([1, 1, 0, 1, 0], [1, 2, 0, 1, 0])
    assert halves.nnz == 4
    assert pool(halves, np.ones(5), np.eye(5))[0].tolist() == pytest.approx([1 / 3, 2 / 3, 0, 0, 0])


def test_an_entity_whose_events_weigh_nothing_has_zeros() -> None:
    counts = sparse.csr_matrix((np.array([0.0, 3]), np.array([1, 1]), np.array([0, 1, 2])))  # a weight of 0 is kept
    assert pool(counts, np.ones(2), np.eye(2)).tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (EventReading(whiten=13), "--whiten 13 is wider than the data: 59 distinct events span 12 of 12 dimensions"),
        (EventReading(remove_components=12), "--remove-components 12 leaves nothing of vectors of 12 dimensions of 40"),
        (EventReading(align=30), "--align 30 is wider than the data: 30 items of 40 train entities have fewer"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wider_than_the_data_is_refused(reading: EventReading, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        fitted(reading, items=np.arange(KINDS) // 2)


def test_whitening_refuses_dimensions_that_only_repeat_others() -> None:
    counts, vectors = table()
    twice = np.concatenate([vectors[:, :4], vectors[:, :4], np.ones((KINDS, 1), np.float32)], axis=1)
    assert EventSpace.fit(counts, twice, None, EventReading(whiten=4)).map(twice).shape == (KINDS, 4)
    with pytest.raises(OptionError, match="59 distinct events span 4 of 9 dimensions; give 4 or less"):
        EventSpace.fit(counts, twice, None, EventReading(whiten=5))
    with pytest.raises(OptionError, match="59 distinct events span 0 of 12 dimensions; leave it out"):
        EventSpace.fit(counts, np.ones((KINDS, WIDTH), np.float32), None, EventReading(whiten=2))


def test_there_must_be_events_and_items_to_learn_from() -> None:
    nothing, vectors = sparse.csr_matrix((0, 4)), np.eye(4, dtype=np.float32)
    with pytest.raises(DataError, match="no event of a train entity to learn 'tfidf, whiten 2' from"):
        EventSpace.fit(nothing, vectors, None, EventReading(("tfidf",), whiten=2))
    assert EventSpace.fit(nothing, vectors, None, EventReading()).n_events == 0
    with pytest.raises(OptionError, match="--align 2 has no items: name the field of the item in the recipe"):
        fitted(EventReading(align=2))
    with pytest.raises(OptionError, match=r"--align 2 is wider than the data: 0 items .*; leave it out"):
        fitted(EventReading(align=2), items=np.full(KINDS, -1))


def test_removal_refuses_to_take_all_that_vectors_span() -> None:
    counts, vectors = table()
    flat = np.concatenate([vectors[:, :3], vectors[:, :3]], axis=1)  # 6 dimensions that span 3
    assert EventSpace.fit(counts, flat, None, EventReading(remove_components=2)).map(flat).any()
    with pytest.raises(OptionError, match=r"--remove-components 3 .* which span 3; give 2 or less"):
        EventSpace.fit(counts, flat, None, EventReading(remove_components=3))
