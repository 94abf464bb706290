"""The scores of a protocol's fits: of one feature set, or of several that are combined.

In: what is probed, and the fits. Out: scores, and what each ``best(...)`` has chosen. Whatever a combination learns (a
choice, a small model) it learns in folds of the training part alone. What is asked for is found out first, then fitted
feature set by feature set, each fit once, a thread each; scores that are known already are not made again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..core.errors import ProbeError
from ..core.tasks import Kind
from ..features.combined import CombinedFeatures, inside
from ..features.expressions import Combination
from .combine import mean_scores, stacked, worth
from .fold_work import Features, FoldWork
from .metrics import Floats, Ints
from .protocols import Fit

INNER_FOLDS = 3
"""Folds inside a training part."""

FITS_BYTES = 256 * 2**20
"""What fits may take together where nobody says how many are made at once."""

Key = tuple[str, str, bytes, bytes, bool]
"""Feature set, who is in the cohorts, rows learnt from, rows scored, and whether those are of a training part."""


Choices = list[tuple[str, str]]
"""Name of a ``best(...)``, and the part that it chose in a fit."""


@dataclass(frozen=True)
class _Asked:
    """A fit that is asked for."""

    name: str
    train: Ints
    test: Ints
    inner: bool


@dataclass
class CombinedScores:
    """The scores of what is probed, fit by fit."""

    work: FoldWork
    """What fits one feature set."""

    metric: str
    """By which ``best(...)`` chooses."""

    positive: str | None = None
    """Of two classes, the one that the metric is about; None: the second."""

    known: dict[Key, Floats] = field(default_factory=dict)
    """Scores that were made before; those that are made are added."""

    workers: int | None = None
    """Fits at once; None: one a core, as far as ``FITS_BYTES`` goes."""

    advance: Callable[[int, int], None] = lambda made, of: None
    """Hears how many of the fits that are asked for are made, and of how many."""

    _folds: dict[bytes, list[tuple[Ints, Ints]]] = field(default_factory=dict)

    def of(self, features: Features, fits: Sequence[Fit]) -> tuple[list[list[Floats]], Choices]:
        """The scores of each fit's test rows, and of its validation rows where there are some.

        Returns
        -------
        scores : list of lists of (N tested, C) arrays
            One list a fit.
        choices : list of pairs of str
            Name of a ``best(...)`` and what it chose, one pair a fit; none where nothing is chosen.
        """
        tasks = [(fit.train, [part for part in (fit.test, fit.validation) if part is not None]) for fit in fits]
        while True:
            asked: dict[Key, _Asked] = {}
            scores = [[self._scores(features, train, test, False, asked) for test in tests] for train, tests in tasks]
            if not asked:
                break
            self._make(asked)
        found = [[score for score in of_fit if score is not None] for of_fit in scores]
        return found, self._choices(features, [train for train, _ in tasks])

    def chosen(self, node: CombinedFeatures, train: Ints) -> Features:
        """The part that a ``best(...)`` takes for rows ``train``."""
        found: Features = self._made(partial(self._choice, node, train))
        return found

    def small_model(self, node: CombinedFeatures, train: Ints) -> Any:
        """What a ``stack(...)`` learns of rows ``train``, on top of its parts."""
        held = [self._made(partial(self._held_out, part, train)) for part in node.parts]
        return stacked(held, self.work.y[train], held, self.work.kind)[0]

    def know(self, name: str, fit: Fit, scores: Floats) -> None:
        """Take over the scores of a fit's test rows that were made elsewhere."""
        self.known.setdefault(self._key(name, fit.train, fit.test, inner=False), scores)

    def _made(self, find: Callable[[dict[Key, _Asked]], Any]) -> Any:
        """What is found once every fit that it asks for is made."""
        while True:
            asked: dict[Key, _Asked] = {}
            if (found := find(asked)) is not None:
                return found
            self._make(asked)

    def _make(self, asked: Mapping[Key, _Asked]) -> None:
        """Fit what is asked for, feature set by feature set."""
        order = sorted(asked, key=lambda key: key[0])
        jobs = [delayed(self.work.scores)(a.name, a.train, a.test, inner=a.inner) for a in map(asked.get, order) if a]
        largest = max(self.work.bytes_of(a.name, len(a.train)) for a in asked.values())
        at_once = self.workers or max(1, min(cpu_count(), FITS_BYTES // max(largest, 1)))
        self.work.import_first(a.name for a in asked.values())
        # One thread a fit and one fit a core: BLAS, LightGBM and torch bring a thread pool each, and would fight.
        with threadpool_limits(1):
            made = Parallel(n_jobs=at_once, backend="threading", return_as="generator")(jobs)
            for place, (key, scores) in enumerate(zip(order, made, strict=True), start=1):
                self.known[key] = scores
                self.advance(place, len(order))

    def _scores(self, node: Features, train: Ints, test: Ints, inner: bool, asked: dict[Key, _Asked]) -> Floats | None:
        """(N tested, C) scores; None where fits are lacking, which are added to ``asked``."""
        if not isinstance(node, CombinedFeatures):
            key = self._key(node.name, train, test, inner)
            if key not in self.known:
                asked[key] = _Asked(node.name, train, test, inner)
            return self.known.get(key)
        if node.how is Combination.BEST:
            choice = self._choice(node, train, asked)
            return None if choice is None else self._scores(choice, train, test, inner, asked)
        parts = [self._scores(part, train, test, inner, asked) for part in node.parts]
        if node.how is Combination.VOTE:
            whole = _complete(parts)
            return None if whole is None else mean_scores(whole, self.work.kind)
        return self._stacked(node, parts, train, asked)

    def _stacked(
        self, node: CombinedFeatures, parts: Sequence[Floats | None], train: Ints, asked: dict[Key, _Asked]
    ) -> Floats | None:
        """The parts' scores of the test rows through a small model, fitted on those of the training rows."""
        learnt, scores = _complete([self._held_out(part, train, asked) for part in node.parts]), _complete(parts)
        if learnt is None or scores is None:
            return None
        model, found = stacked(learnt, self.work.y[train], scores, self.work.kind)
        return found if self.work.kind is Kind.REGRESSION else self.work.by_class(found, model.classes_)

    def _choice(self, node: CombinedFeatures, train: Ints, asked: dict[Key, _Asked]) -> Features | None:
        """The part that scores the training rows best, out of fold; of equal ones the first."""
        scores = _complete([self._held_out(part, train, asked) for part in node.parts])
        if scores is None:
            return None
        truth, folds = self._truth(train), np.zeros(len(train), dtype=np.int64)
        for number, (_, held) in enumerate(self._inner(train)):
            folds[held] = number
        flipped = self.positive is not None and len(self.work.classes) == 2 and self.positive == self.work.classes[0]
        values = [
            worth(score[:, ::-1] if flipped else score, 1 - truth if flipped else truth, folds, self.metric)
            for score in scores
        ]
        best = max(values)
        return node.parts[next(place for place, value in enumerate(values) if value >= best - 1e-12)]

    def _held_out(self, node: Features, train: Ints, asked: dict[Key, _Asked]) -> Floats | None:
        """(N trained, C) scores of training rows, each by a model of the other inner folds."""
        folds = self._inner(train)
        parts = [self._scores(node, train[rest], train[held], True, asked) for rest, held in folds]
        whole = _complete(parts)
        if whole is None:
            return None
        found = np.empty((len(train), whole[0].shape[1]))
        for (_, held), scores in zip(folds, whole, strict=True):
            found[held] = scores
        return found

    def _inner(self, train: Ints) -> list[tuple[Ints, Ints]]:
        """Folds of a training part, as places in it: class shares kept, no more folds than members of a class."""
        if (digest := _digest(train)) not in self._folds:
            self._folds[digest] = self._split(train)
        return self._folds[digest]

    def _split(self, train: Ints) -> list[tuple[Ints, Ints]]:
        from sklearn.model_selection import KFold, StratifiedKFold  # heavy

        y = self.work.y[train]
        numbers = self.work.kind is Kind.REGRESSION
        least = len(y) if numbers else int(np.unique(y, return_counts=True)[1].min())
        if least < 2:
            raise ProbeError(
                f"a training part of {len(y)} entities has 1 {'entity' if numbers else 'member of a class'}: best(...) "
                "and stack(...) need 2 to look inside; give more labels, larger --sizes, or vote(...)"
            )
        kind = KFold if numbers else StratifiedKFold
        return list(kind(min(INNER_FOLDS, least), shuffle=True, random_state=self.work.seed).split(y, y))

    def _truth(self, train: Ints) -> Any:
        y = self.work.y[train]
        return y if self.work.kind is Kind.REGRESSION else np.searchsorted(self.work.classes, y)

    def _key(self, name: str, train: Ints, test: Ints, inner: bool) -> Key:
        return name, self.work.cohorts, _digest(train), _digest(test), inner

    def _choices(self, features: Features, trains: Sequence[Ints]) -> Choices:
        """What each choice took in each fit; one inside another candidate is known where it was looked at."""
        return [
            (node.name, choice.name)
            for node in inside(features)
            if node.how is Combination.BEST
            for train in trains
            if (choice := self._choice(node, train, {})) is not None
        ]


def chosen_in_words(features: Features, choices: Choices) -> str | None:
    """What was chosen in how many fits, the most frequent first: ``tfidf 9, m@8 6``; None where nothing is chosen.

    Parameters
    ----------
    features : FeatureSet or CombinedFeatures
        What was probed: the choice that it is itself is not named.
    choices : list of pairs of str
        As of ``CombinedScores.of``.

    Returns
    -------
    str or None
        Choices inside it after their names.

    Examples
    --------
    >>> from llm4es.features.feature_set import FeatureSet
    >>> tfidf, counts = (FeatureSet(name, ["a"], np.ones((1, 1))) for name in ("tfidf", "counts"))
    >>> best = CombinedFeatures(Combination.BEST, (tfidf, counts))
    >>> chosen_in_words(best, [(best.name, "counts"), (best.name, "tfidf"), (best.name, "counts")])
    'counts 2, tfidf 1'
    """
    said = []
    for name in dict.fromkeys(name for name, _ in choices):
        counted = Counter(choice for of, choice in choices if of == name).most_common()
        counts = ", ".join(f"{choice} {n}" for choice, n in counted)
        said.append(counts if name == features.name else f"{name}: {counts}")
    return "; ".join(said) or None


def _complete(parts: Sequence[Floats | None]) -> list[Floats] | None:
    """The parts where none is lacking."""
    found = [part for part in parts if part is not None]
    return found if len(found) == len(parts) else None


def _digest(rows: Ints) -> bytes:
    return sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).digest()
