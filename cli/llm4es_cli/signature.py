"""The options of a command, made from the options classes of its step: one option a field.

In: a command that takes ``**words``, and options classes. Out: the command with a signature that Typer shows: flag,
help, default, bounds and choices as the fields say them. Knows no step; values travel as they were typed, and
``Options.of`` reads and checks them.
"""

import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any

import typer

from llm4es.options import REQUIRED, Options, Setting
from llm4es.options.coerce import plain

from .call import Call
from .completion import complete_choices, complete_names
from .options import BESIDE, COMMON, EVERY_COMMAND

_CONTEXT, _COMMON = "context_", "common_"


def with_options(
    *classes: type[Options], leave_out: Collection[str] = (), shared: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that the fields of ``classes`` describe.

    Parameters
    ----------
    classes
        Options classes; a name that two of them have is offered once, as the first says it.
    leave_out
        Fields that the command does not offer.
    shared
        Options of ``options.COMMON`` that it offers, besides those of every command.

    Returns
    -------
    Callable
        A decorator for ``def command(call, recipe, **words)``. ``call`` is a ``Call``. ``words`` holds what was
        typed, and nothing else: a preset's and a recipe's own values stay.
    """
    settings: dict[str, Setting] = {}
    for cls in classes:
        settings |= {name: setting for name, setting in cls.settings().items() if name not in settings}
    asked = (*shared, *(BESIDE[name] for name in shared if name in BESIDE), *EVERY_COMMAND)
    names = [name for name in COMMON if name in asked]
    offered = [setting for setting in settings.values() if setting.name not in leave_out]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        before = [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
        context = inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        of_fields = [_parameter(setting) for setting in offered]
        parameters = [context, *(p.replace(kind=p.KEYWORD_ONLY) for p in before), *of_fields, *map(_shared, names)]

        def typed(**values: Any) -> None:
            given = values.pop(_CONTEXT)
            of_common = {name: values.pop(f"{_COMMON}{name}") for name in names}
            left = {s.name for s in offered if not _was_given(given, s.name)}
            words = {name: value for name, value in values.items() if name not in left}
            command(Call(**of_common, subcommand=given.invoked_subcommand), **words)

        typed.__name__, typed.__doc__, typed.__module__ = command.__name__, command.__doc__, command.__module__
        typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect reads
        typed.__annotations__ = {p.name: p.annotation for p in parameters}
        return typed

    return decorate


def _shared(name: str) -> inspect.Parameter:
    """A common option as a parameter that Typer reads."""
    annotation, default = COMMON[name]
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(f"{_COMMON}{name}", kind, annotation=annotation, default=default)


def _parameter(setting: Setting) -> inspect.Parameter:
    """A field as a parameter that Typer reads: text, so that ``Options.of`` says what is wrong with it; or a flag."""
    is_flag = setting.kind is bool
    shown = typer.Option(
        *([setting.short] if setting.short else []),
        setting.flag,
        help=setting.help,
        metavar=None if is_flag else _metavar(setting),
        min=None if setting.exclusive_minimum else setting.minimum,
        max=None if setting.exclusive_maximum else setting.maximum,
        rich_help_panel=setting.group,
        autocompletion=_completion(setting),
    )
    default: Any = inspect.Parameter.empty
    if setting.default is not REQUIRED:
        default = setting.default if is_flag else plain(setting, setting.default) or None
    annotation: Any = Annotated[bool, shown] if is_flag else Annotated[str, shown]
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _metavar(setting: Setting) -> str:
    """What stands for the value in ``--help``: the choices, or what kind of thing it is."""
    kinds = {int: "N", float: "X", str: "NAME"}
    one = "|".join([*([kinds[setting.kind]] if setting.kind in kinds else []), *setting.choices]) or "TIME"
    return setting.metavar or (f"{one},..." if setting.many else one)


def _completion(setting: Setting) -> Callable[..., list[str]] | None:
    """What a shell may complete."""
    if setting.completes is not None:
        return complete_names(setting.completes, many=setting.many)
    return complete_choices(setting.choices, many=setting.many) if setting.choices else None


def _was_given(context: typer.Context, name: str) -> bool:
    """Whether an option was typed, and does not merely have its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
