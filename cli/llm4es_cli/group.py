"""The group of all commands: a command's module is loaded when the command is used, and not before.

In: the list of commands. Out: a Typer group.
"""

from importlib import import_module
from itertools import groupby
from typing import Any

import typer
from typer.core import TyperGroup

from .commands import COMMANDS, Command

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class Group(TyperGroup):
    """Lists commands from their list, and loads the one that is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(command.name for command in COMMANDS)  # type: ignore[assignment]  # until loaded

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, None where there is none."""
        found = next((command for command in COMMANDS if command.name == cmd_name), None)
        if found is not None and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _loaded(found)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands under their headings."""
        for panel, commands in groupby(COMMANDS, key=lambda command: command.panel):
            with formatter.section(panel):
                formatter.write_dl([(command.name, command.short) for command in commands])


def _loaded(command: Command) -> Any:
    """A command as Typer makes it."""
    module = import_module(f".commands.{command.module}", __package__)
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(
            add_completion=False,
            pretty_exceptions_enable=False,
            rich_markup_mode="rich",
            context_settings=HELP_OPTIONS,
        )
        app.command(command.name)(getattr(module, command.module))
    made = typer.main.get_command(app)
    made.name = command.name
    return made
