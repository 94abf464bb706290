"""Signatures and docstrings of methods that take a stage's options: each option is said once, at its field.

In: a method with ``**options``, options classes. Out: the same method, whose signature and docstring name every option.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from ..options import Options
from ..options.setting import REQUIRED, Setting

F = TypeVar("F", bound=Callable[..., Any])


def takes(*classes: type[Options], leave_out: Sequence[str] = ()) -> Callable[[F], F]:
    """Let a method's signature and docstring tell the options that its ``**options`` stand for.

    Parameters
    ----------
    *classes : type of Options
        Whose fields the method takes.
    leave_out : sequence of str, default ()
        Fields that the method sets itself.

    Returns
    -------
    callable
        A decorator.

    Examples
    --------
    >>> import inspect
    >>> from llm4es.options import ExportOptions
    >>> @takes(ExportOptions)
    ... def export(**options):
    ...     \"\"\"Write a table.\"\"\"
    >>> list(inspect.signature(export).parameters)
    ['features', 'layout', 'scores', 'since', 'partition_by']
    """

    def documented(method: F) -> F:
        settings = {name: one for cls in classes for name, one in cls.settings().items() if name not in leave_out}
        signature = inspect.signature(method)
        given = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        options = {name: settings[name] for name in settings if name not in {parameter.name for parameter in given}}
        method.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*given, *(_parameter(name, setting) for name, setting in options.items())]
        )
        lines = [_line(name, setting) for name, setting in options.items()]
        method.__doc__ = _with_section(inspect.cleandoc(method.__doc__ or ""), lines)
        return method

    return documented


def _parameter(name: str, setting: Setting) -> inspect.Parameter:
    """The option in the signature, as people write it: a choice is its word."""
    kind = str if issubclass(setting.kind, StrEnum) else setting.kind
    default = inspect.Parameter.empty if setting.default is REQUIRED else _plain(setting.default)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _line(name: str, setting: Setting) -> str:
    """The option in the docstring: type, unit and default, and below them what it is."""
    default = {REQUIRED: "", None: ", optional"}.get(setting.default, f", default {_plain(setting.default)!r}")
    text = re.sub(r"--([a-z][a-z-]*)", lambda flag: f"``{flag[1].replace('-', '_')}``", setting.help)
    return f"{name} : {_kind(setting)}{f', in {setting.unit}' if setting.unit else ''}{default}\n    {text}"


def _kind(setting: Setting) -> str:
    """The words and types that it takes."""
    words = [repr(choice) for choice in setting.choices]
    kinds = words if issubclass(setting.kind, StrEnum) else [setting.kind.__name__, *words]
    return " or ".join(kinds) + (", one or several" if setting.many else "")


def _plain(default: Any) -> Any:
    """A choice as its word."""
    return str(default) if isinstance(default, StrEnum) else default


def _with_section(doc: str, lines: Sequence[str]) -> str:
    """The docstring with the options behind its own parameters."""
    section = "Other Parameters\n----------------\n" + "\n".join(lines)
    head, returns, tail = doc.partition("Returns\n-------")
    return f"{head.rstrip()}\n\n{section}\n\n{returns}{tail}".rstrip() + "\n"
