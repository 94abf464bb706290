"""What every stage's options are: a frozen dataclass whose fields say all that is known of them.

In: values, or words as people type them. Out: checked values whose ``fingerprint()`` names the configuration. Imports
nothing heavy: the command line reads its options from here.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar, get_type_hints, overload

from ..core.errors import OptionError, did_you_mean
from .coerce import coerce
from .setting import REQUIRED, Setting

DEFAULT_MODEL = "smollm2-135m"
"""The model where none is named: a built-in one."""

MAX_LENGTH = 512
"""Tokens that are read, or written, at once where nothing else is said."""


class History(StrEnum):
    """Which events stay where a history is longer than what can be read at once."""

    NEWEST = "newest"  # cut between events, the newest kept
    OLDEST = "oldest"  # cut between events, the oldest kept
    FULL = "full"  # every event; texts longer than the context are embedded window by window
    EVENTS = "events"  # of embed: each distinct event read once, and an entity's vector a weighted mean of them


@dataclass(frozen=True)
class Options:
    """Base of every stage's options: each field is an ``option(...)``, and reads its value as people type them.

    Raises
    ------
    OptionError
        For a value that a field cannot have: one line that says what to give.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions
    >>> EmbedOptions(k=8, history="full").k
    (8,)
    """

    def __post_init__(self) -> None:
        for name, setting in fields_of(type(self)).items():
            value = getattr(self, name)
            value = setting.default if value is None else coerce(setting, value, typed=False)
            if value is REQUIRED:
                raise OptionError(f"{setting.flag} is missing: {setting.help}")
            setting.check(value)
            object.__setattr__(self, name, value)  # frozen for everybody else

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """What ``of`` takes and the command line offers, by name, in the fields' order."""
        return {name: setting for name, setting in fields_of(cls).items() if not setting.internal}

    @classmethod
    def of(cls, **words: Any) -> Self:
        """Options from plain values, as people type them.

        Parameters
        ----------
        **words
            Fields by name: text for a choice (``history="full"``), numbers or their text, ``"1,8,all"`` or
            ``(1, 8, "all")`` or ``8`` for several, ISO text for a time. None stands for the default. A number that
            only its name may ask for, as ``"all"`` for 0 layers, is taken by that name alone.

        Raises
        ------
        OptionError
            For a name that there is not, or a value that a field cannot have: one line that says what to give.

        Examples
        --------
        >>> from llm4es.options import EmbedOptions
        >>> EmbedOptions.of(k="1,8,all", history="full", texts=["raw", "json"]).k
        (1, 8, 0)
        >>> EmbedOptions.of(max_length="many")
        Traceback (most recent call last):
        llm4es.core.errors.OptionError: --max-length 'many' is no number of tokens: give 2 or more
        """
        values = cls.coerced(words)
        for name, setting in cls.settings().items():
            if setting.default is REQUIRED and name not in values:
                raise OptionError(f"{setting.flag} is missing: {setting.help}")
        return cls(**values)

    @classmethod
    def coerced(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the words that were given. Raises OptionError for one that is unknown or cannot be."""
        _refuse_unknown(words, cls)
        settings = cls.settings()
        return {name: coerce(settings[name], value) for name, value in words.items() if value is not None}

    def fingerprint(self) -> dict[str, Any]:
        """The fields that change the result, as plain values: what ``config_id`` is made from."""
        return {
            name: _plain(getattr(self, name))
            for name, setting in fields_of(type(self)).items()
            if setting.changes_result and not (setting.unset and getattr(self, name) == setting.default)
        }


A = TypeVar("A", bound=Options)
B = TypeVar("B", bound=Options)
C = TypeVar("C", bound=Options)


@overload
def split(words: Mapping[str, Any], first: type[A], second: type[B], /) -> tuple[A, B]: ...
@overload
def split(words: Mapping[str, Any], first: type[A], second: type[B], third: type[C], /) -> tuple[A, B, C]: ...
def split(words: Mapping[str, Any], *classes: type[Options]) -> tuple[Options, ...]:
    """One object of each class, from the words that are its own.

    Parameters
    ----------
    words
        Names and plain values, as ``Options.of`` takes them.
    *classes
        Options classes; a word that several have goes to each.

    Returns
    -------
    tuple
        The classes' objects, in the order of the classes.

    Raises
    ------
    OptionError
        For a word that is nobody's, or a value that cannot be.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions, LoadOptions
    >>> options, load = split({"k": 8, "dtype": "bfloat16"}, EmbedOptions, LoadOptions)
    >>> options.k, str(load.dtype)
    ((8,), 'bfloat16')
    """
    _refuse_unknown(words, *classes)
    return tuple(cls.of(**{name: words[name] for name in cls.settings() if name in words}) for cls in classes)


def fields_of(cls: type[Options]) -> dict[str, Setting]:
    """What each field says, with its name and type."""
    hints = get_type_hints(cls)
    return {f.name: f.metadata["setting"].at(f.name, hints[f.name]) for f in dataclasses.fields(cls)}


def _refuse_unknown(words: Mapping[str, Any], *classes: type[Options]) -> None:
    known = [name for cls in classes for name in cls.settings()]
    for word in words:
        if word not in known:
            hint = did_you_mean(word, known) or f"; there are {', '.join(known)}"
            raise OptionError(f"no option {word!r}{hint}")


def _plain(value: Any) -> Any:
    """A field's value as JSON can carry it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
