"""Signatures and docstrings of methods that take a stage's options: each option is said once, at its field.

In: a method with ``**options``, options classes. Out: the same method, whose signature and docstring name every option.
"""

import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from ..options import REQUIRED, Options, Setting

F = TypeVar("F", bound=Callable[..., Any])


def takes(*classes: type[Options], leave_out: Sequence[str] = ()) -> Callable[[F], F]:
    """Let a method's signature and docstring tell the options that its ``**options`` stand for."""

    def told(method: F) -> F:
        settings = {
            name: setting for cls in classes for name, setting in cls.settings().items() if name not in leave_out
        }
        signature = inspect.signature(method)
        given = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        names = {parameter.name for parameter in given}
        options = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_shown(setting), annotation=setting.kind)
            for name, setting in settings.items()
            if name not in names
        ]
        method.__signature__ = signature.replace(parameters=[*given, *options])  # type: ignore[attr-defined]
        lines = [_line(name, settings[name]) for name in settings if name not in names]
        method.__doc__ = _with_section(inspect.cleandoc(method.__doc__ or ""), lines)
        return method

    return told


def _shown(setting: Setting) -> Any:
    """The default, where there is one."""
    return inspect.Parameter.empty if setting.default is REQUIRED else setting.default


def _line(name: str, setting: Setting) -> str:
    """An option as numpydoc has a parameter."""
    words = " or ".join(map(repr, setting.choices))
    kind = words if issubclass(setting.kind, StrEnum) else " or ".join(filter(None, (setting.kind.__name__, words)))
    kind += ", or several" if setting.many else ""
    unit = f", in {setting.unit}" if setting.unit else ""
    default = "" if setting.default is REQUIRED else f", default {_word(setting.default)}"
    return f"{name} : {kind}{unit}{default}\n    {setting.help}"


def _word(value: Any) -> str:
    """A default as people type it."""
    return repr(str(value) if isinstance(value, StrEnum) else value)


def _with_section(doc: str, lines: Sequence[str]) -> str:
    """The docstring with the options before its examples."""
    section = "Other Parameters\n----------------\n" + "\n".join(lines)
    head, examples, tail = doc.partition("Examples\n--------")
    return f"{head.rstrip()}\n\n{section}\n\n{examples}{tail}".rstrip() + "\n"
