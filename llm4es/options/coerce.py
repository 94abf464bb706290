"""Values as people type them, in a terminal or in Python, as the values that options have.

In: a setting and a plain value: '1,8,all', (1, 8, 'all'), 8, 'full', '1998-03-01'. Out: the value, or one line that
names the option, what was given and what to give. Knows no stage.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Integral, Real
from typing import Any

from ..core.errors import OptionError, did_you_mean
from ..core.lists import split_outside
from .setting import Setting

_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def coerce(setting: Setting, value: Any, *, typed: bool = True) -> Any:
    """The value that a setting has when ``value`` was given for it.

    What a person typed names a value that has a name and is out of bounds: 'all', not 0. Our own objects (``typed``
    False) hold the value itself.
    """
    if not setting.many:
        return _one(setting, value, typed)
    if isinstance(value, str):
        value = split_outside(value)
    items = value if isinstance(value, Iterable) and not isinstance(value, Mapping) else (value,)
    return tuple(_one(setting, item, typed) for item in items)


def plain(setting: Setting, value: Any) -> str:
    """A value as it is typed: '1,8', 'all', 'newest'; '' for None and for nothing."""
    if value is None:
        return ""
    if setting.many:
        return ",".join(_named(setting, item) for item in value)
    return _named(setting, value)


def _named(setting: Setting, value: Any) -> str:
    return next((name for name, stands_for in setting.names.items() if stands_for == value), str(value))


def _one(setting: Setting, value: Any, typed: bool) -> Any:
    """One value, of a tuple or alone."""
    if isinstance(value, str) and not issubclass(setting.kind, StrEnum):
        value = value.strip() if setting.kind is not str else value
        if value in setting.names:
            return setting.names[value]
    if issubclass(setting.kind, StrEnum):
        return _choice(setting, value)
    read = _KINDS[setting.kind](setting, value)
    if typed or isinstance(value, str):
        setting.check_one(read)
    return read


def _choice(setting: Setting, value: Any) -> StrEnum:
    """A member of an enum, from its value."""
    try:
        return setting.kind(value)  # type: ignore[no-any-return]  # checked by the caller
    except ValueError:
        choices = ", ".join(setting.choices)
        hint = did_you_mean(str(value).lower(), setting.choices)
        raise OptionError(f"{setting.flag} {value!r} is unknown: choose one of {choices}{hint}") from None


def _number(setting: Setting, value: Any) -> int | float:
    """A number from a number or its text."""
    number = _read(setting, value)
    if number is None:
        of = f" of {setting.unit}" if setting.unit and setting.kind is int else ""
        raise OptionError(f"{setting.flag} {value!r} is no number{of}: {setting.remedy}")
    return number


def _read(setting: Setting, value: Any) -> int | float | None:
    """A number of the setting's kind; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | Real):
        return None
    try:
        number = float(value)
        if setting.kind is float:
            return number
        return int(value) if isinstance(value, str | Integral) else int(number) if number.is_integer() else None
    except ValueError:
        return None


def _truth(setting: Setting, value: Any) -> bool:
    """True or False; its text too."""
    truth = _TRUTH.get(value.lower()) if isinstance(value, str) else bool(value) if value in (True, False) else None
    if truth is None:
        raise OptionError(f"{setting.flag} {value!r} is neither true nor false: give one of them")
    return truth


def _text(setting: Setting, value: Any) -> str:
    """Text; a path's too."""
    if not isinstance(value, str | os.PathLike):
        raise OptionError(f"{setting.flag} {value!r} is no text: give it between quotes")
    return os.fspath(value)


def _moment(setting: Setting, value: Any) -> datetime:
    """A date or time in UTC, which it is where it names no zone: one moment is one value however it was written."""
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    except (ValueError, AttributeError) as error:
        raise OptionError(
            f"{setting.flag} {value!r} is no date: give for example 1998-03-01 or 1998-03-01T12:00"
        ) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_KINDS: dict[type, Callable[[Setting, Any], Any]] = {
    int: _number,
    float: _number,
    bool: _truth,
    str: _text,
    datetime: _moment,
}
