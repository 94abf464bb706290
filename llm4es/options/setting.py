"""What an options field says of itself: default, bound, help and unit, for the command line, the docs and the checks.

In: the words at a field. Out: a dataclass field that carries them. Knows no stage and no command.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import NoneType
from typing import Any, Self, get_args, get_origin

from ..core.errors import OptionError
from .completes import Completes
from .panels import Panel

REQUIRED = dataclasses.MISSING
"""Default of a field that must be given."""


@dataclass(frozen=True)
class Setting:
    """One setting of a step: what its field says, and what follows from the field's type."""

    default: Any
    """Where nothing is given; ``REQUIRED`` where something must be."""
    help: str
    """One line, as ``--help`` shows it; what the unit and None mean."""
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    """Whether the minimum itself is too small."""
    exclusive_maximum: bool = False
    """Whether the maximum itself is too large."""
    unit: str = ""
    """What is counted: tokens, layers, steps."""
    names: Mapping[str, Any] = field(default_factory=dict)
    """Words that stand for values: 'all' for 0 layers."""
    refuses: tuple[str, ...] = ()
    """Choices of its enum that other options take and this one refuses: they are not offered."""
    metavar: str = ""
    """What ``--help`` shows for the value; '' makes it from the type."""
    completes: Completes | None = None
    """What it names, so that a shell can complete it; its choices it completes anyway."""
    group: Panel = Panel.HOW
    """Heading in ``--help``."""
    flag: str = ""
    """The option as it is typed, and as errors name it; made from the field's name where it says none."""
    short: str = ""
    """A second, short flag: '-m'."""
    changes_result: bool = True
    """Whether it changes what comes out, and so ``config_id``; if not, it changes only how the work is done."""
    unset: bool = False
    """Whether its default stays out of ``config_id``: so it is with fields younger than stores that are there."""
    internal: bool = False
    """Whether only our own code sets it: the command line and ``Options.of`` do not take it."""
    name: str = ""
    """The field's name."""
    kind: type = object
    """Type of one value."""
    many: bool = False
    """Whether it is a tuple of such values."""

    def at(self, name: str, hint: Any) -> Self:
        """This setting at a field of that name and type: ``int``, ``int | None``, ``tuple[int, ...]``."""
        kinds = [kind for kind in get_args(hint) if kind not in (NoneType, ...)] or [hint]
        flag = self.flag or f"--{name.replace('_', '-')}"
        return dataclasses.replace(self, name=name, flag=flag, kind=kinds[0], many=get_origin(hint) is tuple)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it takes: an enum's values, or the names beside numbers."""
        words = map(str, self.kind) if issubclass(self.kind, StrEnum) else self.names
        return tuple(word for word in words if word not in self.refuses)

    def check(self, value: Any) -> None:
        """Raise OptionError for a number out of bounds; None and what is no number pass, and so does a named value."""
        for item in value if self.many else (value,):
            if item not in self.names.values():
                self.check_one(item)

    def check_one(self, value: Any) -> None:
        """``check`` for one value, where no name stands for it."""
        if self.kind is bool or isinstance(value, bool) or not isinstance(value, int | float):
            return
        low, high = self.minimum, self.maximum
        if not math.isfinite(value):
            raise OptionError(f"{self.flag} {value} is no number: {self.remedy}")
        too_low = low is not None and (value <= low if self.exclusive_minimum else value < low)
        too_high = high is not None and (value >= high if self.exclusive_maximum else value > high)
        if (too_low or too_high) and low is not None and high is not None:
            raise OptionError(f"{self.flag} {value:g} is not between {low:g} and {high:g}: {self.remedy}")
        if too_low:
            word = "not above" if self.exclusive_minimum else "below"
            raise OptionError(f"{self.flag} {value:g} is {word} {low:g}: {self.remedy}")
        if too_high:
            raise OptionError(f"{self.flag} {value:g} is above {high:g}: {self.remedy}")

    @property
    def remedy(self) -> str:
        """What to give instead of a wrong number."""
        low, high = self.minimum, self.maximum
        numbers = "a whole number" if self.kind is int else "a number"
        if low is not None and high is not None:
            numbers = f"a number from {low:g} to {'below ' if self.exclusive_maximum else ''}{high:g}"
        elif low is not None:
            numbers = f"a number above {low:g}" if self.exclusive_minimum else f"{low:g} or more"
        elif high is not None:
            numbers = f"{high:g} or less"
        return f"give {numbers}" + (f", or {', '.join(map(repr, self.names))}" if self.names else "")


def option(default: Any, help: str, **says: Any) -> Any:
    """A field of an options class.

    Parameters
    ----------
    default
        Where nothing is given; ``REQUIRED`` where something must be.
    help
        One line for ``--help``: what it is, its unit, what None means.
    **says
        Whatever else of ``Setting`` the field says: ``minimum``, ``unit``, ``names``, ``changes_result``, ...

    Returns
    -------
    dataclasses.Field
        The field; typed as Any, so that it can stand as the default of any type.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from llm4es.options import Options
    >>> @dataclass(frozen=True)
    ... class Reading(Options):
    ...     max_length: int = option(512, "Tokens a window.", minimum=2, unit="tokens")
    >>> Reading.of(max_length="256")
    Reading(max_length=256)
    >>> Reading(max_length=1)
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --max-length 1 is below 2: give 2 or more
    """
    return field(default=default, metadata={"setting": Setting(default, help, **says)})


def like(options: type, name: str, **says: Any) -> Any:
    """A field that says what the field ``name`` of other ``options`` says, but for what is in ``says``."""
    of = next(f for f in dataclasses.fields(options) if f.name == name)
    setting = dataclasses.replace(of.metadata["setting"], **says)
    return field(default=setting.default, metadata={"setting": setting})
