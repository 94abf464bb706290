"""What a recipe may say of ``serialize``: its options where none are typed, and by which fields one event is read.

In: plain values read from a TOML. Out: checked options. Reads nothing.
"""

from typing import Any, Self

from pydantic import Field, model_validator

from ...core.errors import OptionError
from ...options import History, OnBadRow, SerializeOptions
from .base import Strict, Texts


class Defaults(Strict):
    """Options of ``serialize`` where none are typed."""

    preset: str = SerializeOptions.preset
    history: History = SerializeOptions.history
    max_events: int | None = SerializeOptions.max_events
    on_bad_row: OnBadRow = SerializeOptions.on_bad_row
    by: Texts = Field(default=(), exclude_if=lambda value: not value)
    """Fields that one event is read by on its own (``embed --history events``); none: those of the preset but times.
    Changes no text. Left out of a recipe's content where not given."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            self.options()
        except OptionError as error:
            raise ValueError(str(error)) from error
        return self

    def options(self, **typed: Any) -> SerializeOptions:
        """What was typed (not None), else what the recipe says. One of --history full and --max-events beats it."""
        typed = SerializeOptions.coerced(typed)
        if typed.get("history") is History.FULL:
            typed.setdefault("max_events", None)
        if "max_events" in typed and self.history is History.FULL:
            typed.setdefault("history", SerializeOptions.history)
        return SerializeOptions(**{**self.model_dump(exclude={"by"}), **typed})
