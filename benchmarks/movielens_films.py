"""Every film of MovieLens-100K asked about: what the language model knows of a film, not of the words in its title.

1,682 films are few, so a question about each ("... is mostly watched by") costs a minute where reading histories costs
an hour. Two things are kept of a question: the state of its last token in every layer, from which the model answers,
and the log probability of some words as the answer's first. A user is then pooled over the films that the user has
rated, weighed as TF-IDF weighs them: TF-IDF, smoothed over films that the model thinks alike.

In: a store whose events are serialized. Out: feature sets; ``OUT/films-MODEL-DTYPE-QUESTION.npz`` a question, so
that a killed run resumes. No label is read here. Questions and words were written from what a viewer can be, after a
first round of five questions and twenty words had been probed on the same users.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from benchmarks.movielens_events import (
    VIEW,
    grouped,
    loaded_once,
    padded,
    whitened,
)
from llm4es.features.feature_set import FeatureSet, Preprocess
from llm4es_store import Store

QUESTIONS = {
    "about": 'The film "{title}" ({year}, {genres}) is about',
    "word": 'The film "{title}" ({year}, {genres}) means in one word: "',
    "watched by": 'The film "{title}" ({year}, {genres}) is mostly watched by',
    "I am": 'My favourite film is "{title}" ({year}). I am a',
    "people": 'The film "{title}" ({year}, {genres}) appeals to people who are',
    "aged": 'The film "{title}" ({year}, {genres}) is the favourite of people aged ',
    "born": 'The film "{title}" ({year}, {genres}) is loved by people born in 19',
    "is": 'The film "{title}" ({year}, {genres}) is very',
}
"""What is asked about each film; the model's next word is its answer."""

ANSWERS = """
    man woman boy girl men women boys girls father mother husband wife kid kids children child family parents
    student students teenager teenagers adult adults young old elderly retired single married college school
    teacher doctor engineer writer artist scientist programmer fan funny sad scary violent romantic dark sweet
    clever silly exciting boring beautiful classic modern popular strange serious emotional famous important
""".split()  # noqa: SIM905  # sixty words, not sixty lines
"""First words of an answer whose probabilities are kept."""

DIGITS = tuple("0123456789")

States = NDArray[np.floating[Any]]

# U users, F films, T tokens, L layers, D width, A answers


def asked(store: Store, model: str, dtype: str, out: Path) -> dict[str, tuple[States, States]]:
    """Question -> (F, L, D) states of its last token and (F, A) log probabilities, films in the order of ``films``."""
    found = {}
    for name, question in QUESTIONS.items():
        path = out / f"films-{model}-{dtype}-{name.replace(' ', '-')}.npz"
        if not path.exists():
            states, answers = _ask([question.format(**film) for _, film in films(store)], model, dtype)
            unfinished = path.with_suffix(".part.npz")
            np.savez(unfinished, states=states, answers=answers)
            unfinished.rename(path)
            print(f"asked of {len(states)} films: {question}", flush=True)
        with np.load(path) as kept:
            found[name] = (kept["states"], kept["answers"])
    return found


def films(store: Store) -> list[tuple[str, dict[str, str]]]:
    """(item_id, what is told of the film) of every film, in order."""
    rows = store.sql(
        f"""SELECT item_id, any_value(title), any_value(year)::VARCHAR, lower(any_value(genres)) FROM {VIEW}
        GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    return [(item, {"title": _spoken(title), "year": year, "genres": genres}) for item, title, year, genres in rows]


def _spoken(title: str) -> str:
    """'Piano, The' as people say it."""
    name, comma, article = title.rpartition(", ")
    return f"{article} {name}" if comma and article in ("The", "A", "An") else title


def features(
    store: Store, answered: dict[str, tuple[States, States]], model: str, ids: Sequence[str], prefix: str
) -> Iterator[FeatureSet]:
    """Users as sums over their films, weighed by rarity, of what was answered about each."""
    rated, liked = _bags(store, ids)  # (U, F) each
    bags = TfidfTransformer().fit_transform(rated)  # (U, F) rows of unit length
    share = sparse.diags(1 / np.asarray(rated.sum(axis=1)).ravel())

    def made(name: str, of_films: States) -> FeatureSet:
        dense = np.asarray(bags @ of_films, dtype=np.float32)  # (U, C)
        return named(name, dense - dense.mean(0), Preprocess.NONE)

    def named(name: str, matrix: States, how: Preprocess) -> FeatureSet:
        content = f"{prefix} {name} {len(ids)}"
        dense = np.asarray(matrix, dtype=np.float32)
        return FeatureSet(f"{prefix} {name}", list(ids), dense, model, None, frozenset(), content, how)

    yield made("answers", unit(standard(np.concatenate([answers for _, answers in answered.values()], axis=1))))
    every = np.concatenate([grouped(states) for states, _ in answered.values()], axis=1)
    yield made("states", unit(every))
    white = whitened(every)
    yield made("states whitened", white)
    both = np.concatenate([share @ rated @ white, share @ liked @ white], axis=1)  # (U, 2 C)
    yield named("states whitened, with likes", both, Preprocess.STANDARD)


def standard(x: States) -> States:
    """Columns of zero mean and unit variance."""
    return np.asarray((x - x.mean(0)) / np.maximum(x.std(0), 1e-6))


def unit(x: States) -> States:
    """Rows of unit length."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9))


def _bags(store: Store, ids: Sequence[str]) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """(U, F) how often each user rated each film, and the stars above or below three."""
    place = {item: i for i, (item, _) in enumerate(films(store))}
    user = {entity: i for i, entity in enumerate(ids)}
    rows = [row for row in store.sql(f"SELECT entity_id, item_id, stars FROM {VIEW}").fetchall() if row[0] in user]
    at = ([user[entity] for entity, _, _ in rows], [place[item] for _, item, _ in rows])
    shape = (len(ids), len(place))
    rated = sparse.csr_matrix((np.ones(len(rows)), at), shape=shape)
    return rated, sparse.csr_matrix(([stars - 3 for *_, stars in rows], at), shape=shape)


def _ask(texts: Sequence[str], model: str, dtype: str) -> tuple[States, States]:
    """(F, L, D) states of each text's last token, and (F, A) log probabilities of the answers after it."""
    import torch

    loaded = loaded_once(model, dtype)
    encode = loaded.tokenizer
    first = [encode(f" {word}", add_special_tokens=False)["input_ids"][0] for word in ANSWERS]
    first += [encode(digit, add_special_tokens=False)["input_ids"][0] for digit in DIGITS]
    ids = [encode(text, add_special_tokens=False)["input_ids"] for text in texts]
    states, answers = {}, {}
    for batch, tokens in padded(ids):
        rows, last = torch.arange(len(batch)), torch.tensor([len(ids[i]) - 1 for i in batch])
        with torch.inference_mode():
            seen = loaded.network.base_model(input_ids=tokens, use_cache=False, output_hidden_states=True)
            at = torch.stack([each[rows, last] for each in seen.hidden_states[1:]], dim=1)  # (N, L, D)
            said = loaded.network.lm_head(at[:, -1]).float().log_softmax(-1)[:, first]  # (N, A)
        for i, state, answer in zip(batch, at.float().numpy().astype(np.float16), said.numpy(), strict=True):
            states[i], answers[i] = state, answer
    return np.stack([states[i] for i in range(len(ids))]), np.stack([answers[i] for i in range(len(ids))])
