"""What a recipe may say is to be predicted, and how the entities are split for it.

In: plain values read from a TOML. Out: frozen models, or a validation error that names the key. Reads nothing.
"""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from ...core.tasks import PRIMARY, Kind
from .base import Name, Strict, Texts
from .events import Time


def _expression(value: Any) -> Any:
    """An expression alone stands for a time in ISO 8601."""
    return {"from": value} if isinstance(value, str) else value


OwnTime = Annotated[Time, BeforeValidator(_expression)]


def _as_text(value: Any) -> Any:
    """A label as the store keeps it: 1 and true are '1' and 'true'."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else value


Label = Annotated[str, BeforeValidator(_as_text)]


class Task(Strict):
    """Something to predict for an entity."""

    kind: Kind
    metric: str = ""
    """Empty: PRIMARY of the kind."""
    table: Name
    entity: str
    """SQL expression of the entity's id; read as text."""
    label: str
    """SQL expression; rows where it is null have no label."""
    positive: Label = Field(default="", exclude_if=lambda value: not value)
    """Of two classes, the label that average precision and the report's axes are about. Empty: the last in order."""
    description: str = ""
    as_of: OwnTime | None = Field(default=None, exclude_if=lambda value: value is None)
    """When each label is of: SQL expression over the task's table, or what ``events.time`` takes. The texts and all
    that stands beside them hold an entity's events before its own time. Left out of a recipe's content where not given:
    recipes that never had it keep their hash."""
    uses: Texts = ()
    """Raw columns that the label is made of: a text that shows one of them gives the label away."""

    @model_validator(mode="after")
    def _positive_of_two(self) -> Self:
        if self.positive and self.kind is not Kind.BINARY:
            raise ValueError(f"positive {self.positive!r} is for a binary task, and this one is {self.kind}")
        return self

    @model_validator(mode="after")
    def _default_metric(self) -> Self:
        return self if self.metric else self.model_copy(update={"metric": PRIMARY[self.kind]})


class HashSplit(Strict):
    """Shares of entities, by a hash of their ids: a new entity never moves an old one."""

    test: float = Field(default=0.2, ge=0, lt=1)
    validation: float = Field(default=0.1, ge=0, lt=1)


class PtlsSplit(Strict):
    """The pytorch-lifestream convention: labelled ids sorted as strings, shuffled by seed 42, the last share tested."""

    task: str
    test: float = Field(default=0.1, gt=0, lt=1)


class ColumnSplit(Strict):
    """A split that the data itself names."""

    table: Name
    entity: str
    split: str
    """SQL expression that is 'train', 'validation' or 'test'."""


class Splits(Strict):
    """Named splits of the entities; the first of ``default`` is what stages use."""

    default: str = "hash"
    hash: HashSplit = HashSplit()
    ptls: PtlsSplit | None = None
    columns: dict[Name, ColumnSplit] = Field(default={})

    @property
    def names(self) -> list[str]:
        """Every split there is, the default first."""
        names = ["hash", *(["ptls"] if self.ptls else []), *self.columns]
        return sorted(names, key=lambda name: (name != self.default, names.index(name)))

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What decides who trains in the default split, as plain values; nothing where the recipe says nothing."""
        of: dict[str, Strict | None] = {"hash": self.hash, "ptls": self.ptls, **self.columns}
        chosen = of[self.default]
        return {} if chosen in (None, HashSplit()) else {self.default: chosen.model_dump(mode="json")}
