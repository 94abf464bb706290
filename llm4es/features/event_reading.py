"""How event vectors become users' vectors: the weights, and what is done to the vectors of the kinds before.

In: what a user chose. Out: one value that can be written down and read back. Knows no vectors; imports nothing heavy:
planners read it. A *kind* is one distinct event text.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..core.errors import OptionError
from ..options.weights import KIND_WEIGHTS, Weight, half_life, weight_factors


@dataclass(frozen=True)
class EventReading:
    """Whitening, removed components and alignment of the kinds' vectors, in this order, and weights of the events.

    Raises
    ------
    OptionError
        For weights that are unknown, or a number of dimensions below 1.

    Examples
    --------
    >>> reading = EventReading(weights=("tfidf",), whiten=256)
    >>> reading.words
    ('tfidf', 'whiten 256')
    >>> EventReading.of(reading.as_dict()) == reading
    True
    """

    weights: tuple[str, ...] = (Weight.COUNT.value,)
    """Factors of an event's weight, as ``options.weights.weight_factors`` gives them."""

    whiten: int | None = None
    """Dimensions kept of the kinds' vectors by PCA, each to unit variance, each vector to unit length; None: as is."""

    remove_components: int | None = None
    """Common directions taken out, as SIF takes out the first (Arora et al., ICLR 2017); None: none."""

    align: int | None = None
    """Factors of who-does-what that a ridge map predicts from the vectors; None: the vectors themselves."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", weight_factors("*".join(self.weights)))  # frozen for everybody else
        for name in ("whiten", "remove_components", "align"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise OptionError(f"--{name.replace('_', '-')} {number} is below 1: give 1 or more, or leave it out")

    @property
    def words(self) -> tuple[str, ...]:
        """What differs from the plain mean, for names that people read: 'tfidf', 'whiten 256', 'align 64'."""
        weights = "*".join(self.weights)
        numbers = (("whiten", self.whiten), ("remove", self.remove_components), ("align", self.align))
        return (
            *(() if weights == Weight.COUNT else (weights,)),
            *(f"{word} {number}" for word, number in numbers if number is not None),
        )

    @property
    def learns(self) -> bool:
        """Whether something must be learnt from train entities first."""
        maps = (self.whiten, self.remove_components, self.align)
        return any(weight in self.weights for weight in KIND_WEIGHTS) or any(number is not None for number in maps)

    @property
    def needs_amount(self) -> bool:
        """Whether each event's amount is read."""
        return Weight.AMOUNT in self.weights

    @property
    def half_life(self) -> float | None:
        """Days after which an event weighs half; None: its time is not read."""
        return half_life(self.weights)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values of the fields that differ from a plain mean: what a fingerprint is made of."""
        fields = {name: list(value) if name == "weights" else value for name, value in dataclasses.asdict(self).items()}
        return {name: value for name, value in fields.items() if value not in (None, [Weight.COUNT])}

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """The reading that ``as_dict`` wrote down."""
        plain: dict[str, Any] = {**fields, "weights": tuple(fields.get("weights", (Weight.COUNT,)))}
        return cls(**plain)
