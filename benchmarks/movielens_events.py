"""Every distinct rating of MovieLens-100K read on its own by the language model: the cheap way to whole histories.

100,000 ratings are 6,714 distinct lines (a film and a rating word), so reading each once costs a tenth of reading the
histories, and nobody's history has to be cut. A user is then pooled over all of the user's lines outside the model.

In: a store whose events are serialized. Out: feature sets; ``OUT/events-MODEL-DTYPE.npz`` with, for every line and
layer, the mean of its own tokens' states and its last token's state; parts beside it while it is made, so that a killed
run resumes. The states are Hugging Face's ``hidden_states[1:]``. The header line is read before each and never pooled:
its first token's state is hundreds of times longer than any other. No label is read here.
"""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA

from llm4es.features.feature_set import FeatureSet
from llm4es_store import Store

TEXTS_AT_ONCE = 64
LINES_A_FILE = 512
VIEW = '"events_movielens_100k"'
HEADER = "Title | Genres | Rating\n"
LAYERS = (1, 6, 12, 18, 24, 30)
GROUPS = 6
COMPONENTS = 256

States = NDArray[np.floating[Any]]

# U users, N lines, T tokens, L layers, D width


def lines(store: Store) -> list[tuple[str, str, str, float]]:
    """(item_id, rating, text, stars) of every distinct line, in order."""
    return store.sql(
        f"""SELECT item_id, rating, any_value(concat_ws(' | ', title, genres, rating)), any_value(stars) FROM {VIEW}
        GROUP BY ALL ORDER BY ALL"""
    ).fetchall()


def features(
    store: Store, states: dict[str, States], model: str, ids: Sequence[str], prefix: str
) -> Iterator[FeatureSet]:
    """Users as means over their lines, in several ways; all of them listed, none chosen."""
    bags, stars = _bags(store, ids)  # (U, N) sparse counts, (N,)
    shares = sparse.diags(1 / np.asarray(bags.sum(axis=1)).ravel()) @ bags  # (U, N) rows sum to 1

    def made(name: str, matrix: Any) -> FeatureSet:
        dense = np.asarray(matrix, dtype=np.float32)
        return FeatureSet(f"{prefix} {name}", list(ids), dense, model, None, frozenset(), f"{prefix} {name} {len(ids)}")

    for how, each in states.items():  # (N, L, D)
        for layer in LAYERS:
            yield made(f"{how} layer {layer}", shares @ each[:, layer - 1].astype(np.float32))
        yield made(f"{how} k=8", shares @ each[:, -8:].mean(1, dtype=np.float32))
        yield made(f"{how} six groups", shares @ grouped(each))
    mean, last = (whitened(grouped(states[how])) for how in ("mean", "last"))  # (N, C) each
    rare = np.log(len(ids) / np.maximum(np.asarray((bags > 0).sum(axis=0)).ravel(), 1)) + 1  # (N,)
    weighed = shares @ sparse.diags(rare)  # (U, N)
    liked = shares @ sparse.diags(stars - 3)  # (U, N) signed by what the user thought
    yield made("six groups whitened", shares @ mean)
    yield made("six groups whitened, last token", shares @ last)
    yield made("six groups whitened, rare lines weighing more", weighed @ mean)
    yield made("six groups whitened, with likes", np.concatenate([shares @ mean, liked @ mean], axis=1))


def _bags(store: Store, ids: Sequence[str]) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """How often each user has each line, and the stars of each line."""
    every = lines(store)
    place = {(item, rating): i for i, (item, rating, _, _) in enumerate(every)}
    user = {entity: i for i, entity in enumerate(ids)}
    rows = store.sql(f"SELECT entity_id, item_id, rating FROM {VIEW}").fetchall()
    found = [(user[entity], place[item, rating]) for entity, item, rating in rows if entity in user]
    at, columns = zip(*found, strict=True)
    bags = sparse.csr_matrix((np.ones(len(found)), (at, columns)), shape=(len(ids), len(every)))
    return bags, np.array([stars for *_, stars in every])


def grouped(states: States) -> NDArray[np.float32]:
    """(N, GROUPS * D) means of neighbouring layers, side by side, each column standardised over the lines."""
    groups = np.split(states.astype(np.float32), GROUPS, axis=1)
    x = np.concatenate([group.mean(1) for group in groups], axis=1)  # (N, GROUPS * D)
    return np.asarray((x - x.mean(0)) / np.maximum(x.std(0), 1e-6), np.float32)


def whitened(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, C) the lines' first principal components, each to unit variance (arXiv 2103.15316), lines of unit length."""
    y = PCA(COMPONENTS, whiten=True, svd_solver="randomized", random_state=0).fit_transform(x)  # (N, C)
    return np.asarray(y / np.linalg.norm(y, axis=1, keepdims=True), np.float32)


def event_vectors(store: Store, model: str, dtype: str, out: Path) -> dict[str, States]:
    """``mean`` and ``last``: (N, L, D) each, in the order of ``lines``."""
    whole = out / f"events-{model}-{dtype}.npz"
    if not whole.exists():
        texts = [text for _, _, text, _ in lines(store)]
        parts = [_part(texts[i : i + LINES_A_FILE], i, model, dtype, out) for i in range(0, len(texts), LINES_A_FILE)]
        mean, last = (np.concatenate([part[name] for part in parts]) for name in ("mean", "last"))
        np.savez(whole, mean=mean, last=last)
    with np.load(whole) as kept:
        return {name: kept[name] for name in ("mean", "last")}


def _part(texts: Sequence[str], first: int, model: str, dtype: str, out: Path) -> dict[str, States]:
    path = out / f"events-{model}-{dtype}-{first:05d}.npz"
    if not path.exists():
        mean, last = _read(texts, model, dtype)
        unfinished = path.with_suffix(".part.npz")
        np.savez(unfinished, mean=mean, last=last)
        unfinished.rename(path)
        print(f"lines {first} to {first + len(texts) - 1} read", flush=True)
    with np.load(path) as kept:
        return {name: kept[name] for name in ("mean", "last")}


@functools.cache
def loaded_once(model: str, dtype: str) -> Any:
    """The language model, loaded when it is first needed."""
    from llm4es.models import load_model
    from llm4es.models.resolve import resolve
    from llm4es.options import Dtype, LoadOptions

    return load_model(resolve(model), LoadOptions(dtype=Dtype(dtype)))


def padded(ids: Sequence[list[int]]) -> Iterator[tuple[list[int], Any]]:
    """Places and (N, T) tokens, those of like length together: causal, so filled on the right."""
    import torch

    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for start in range(0, len(order), TEXTS_AT_ONCE):
        batch = order[start : start + TEXTS_AT_ONCE]
        longest = max(len(ids[i]) for i in batch)
        yield batch, torch.tensor([ids[i] + [0] * (longest - len(ids[i])) for i in batch])


def _read(texts: Sequence[str], model: str, dtype: str) -> tuple[States, States]:
    """(N, L, D) twice: the mean over a line's own tokens, and its last token."""
    import torch

    loaded = loaded_once(model, dtype)
    header = loaded.tokenizer(HEADER)["input_ids"]
    ids = [header + loaded.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    means, lasts = {}, {}
    for batch, tokens in padded(ids):
        with torch.inference_mode():
            states = loaded.network.base_model(input_ids=tokens, use_cache=False, output_hidden_states=True)
        stacked = torch.stack(states.hidden_states[1:], dim=1).float()  # (N, L, T, D)
        for row, i in enumerate(batch):
            means[i] = stacked[row, :, len(header) : len(ids[i])].mean(1).numpy().astype(np.float16)  # (L, D)
            lasts[i] = stacked[row, :, len(ids[i]) - 1].numpy().astype(np.float16)  # (L, D)
    everyone = range(len(ids))
    return np.stack([means[i] for i in everyone]), np.stack([lasts[i] for i in everyone])
