"""The group of all commands: a command's module is loaded when the command is used, and not before.

In: the list of commands. Out: a Typer group; words that it cannot read become an OptionError, one line as all errors.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from itertools import groupby
from typing import Any

import typer

from llm4es.core.errors import OptionError, one_line
from llm4es.options import Setting
from llm4es.options.coerce import coerce

from .bash_words import whole_words
from .commands import COMMANDS, Command
from .help_page import HelpfulCommand, HelpfulGroup, Row

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

_UsageError: Any = typer.BadParameter.__mro__[1]
"""What Typer raises for bad words of any kind, some versions from click and some from a copy of their own."""

_OF_NUMBERS = {"int_parsing", "greater_than_equal"}
"""Kinds of pydantic's errors that the options of every step have words for."""


class Group(HelpfulGroup):
    """Lists commands from their list, and loads the one that is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(command.name for command in COMMANDS)  # type: ignore[assignment]  # until loaded

    def main(self, *words: Any, **settings: Any) -> Any:
        """The whole program, or what it answers to a shell that completes a line."""
        with whole_words() if os.environ.get("_LLM4ES_COMPLETE") == "complete_bash" else nullcontext():
            return super().main(*words, **settings)

    def make_context(self, info_name: Any, args: Any, *rest: Any, **settings: Any) -> Any:
        """The words before the command, read; where there are none, the help is shown."""
        _refuse_bytes(args)
        with _in_one_line() if args else nullcontext():
            return super().make_context(info_name, args, *rest, **settings)

    def invoke(self, ctx: Any) -> Any:
        """The command and the words after it, read; and the command, done."""
        with _in_one_line():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, None where there is none."""
        found = next((command for command in COMMANDS if command.name == cmd_name), None)
        if found is not None and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _loaded(found)
        return self.commands.get(cmd_name)

    def headings(self, ctx: Any) -> list[tuple[str, list[Row]]]:
        """The commands under their headings, none of them loaded."""
        panels = groupby(COMMANDS, key=lambda command: command.panel)
        return [(panel, [(command.name, command.short) for command in commands]) for panel, commands in panels]


def _refuse_bytes(words: Sequence[str]) -> None:
    """Raise OptionError for a word that is no text: neither a query, nor a store, nor JSON can hold it."""
    for word in words:
        if re.search("[\ud800-\udfff]", word):
            raise OptionError(f"{one_line(word, 60)!r} is no UTF-8: type it so, or give what it names another name")


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Raise OptionError for words that cannot be read."""
    try:
        yield
    except _UsageError as error:
        details: Any = getattr(error.__cause__, "errors", list)()  # pydantic's, which leave the value out of the text
        if details and details[0]["type"] in _OF_NUMBERS:
            low = details[0].get("ctx", {}).get("ge")
            flag = max(error.param.opts, key=len)
            coerce(Setting(None, "", minimum=low, flag=flag, kind=int), details[0]["input"])  # says it as of any option
        message = one_line(error.format_message()).replace("Value error, ", "").rstrip(".")
        value = repr(details[0]["input"]) if details else ""
        if value not in message:
            message += f", not {value}"
        if error.ctx is not None and not message.endswith("?"):
            message += f"; see `{error.ctx.command_path} --help`"
        raise OptionError(message[0].lower() + message[1:]) from error


def _loaded(command: Command) -> Any:
    """A command as Typer makes it."""
    module = import_module(f".commands.{command.module}", __package__)
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings=HELP_OPTIONS
        )
        app.command(command.name, cls=HelpfulCommand)(getattr(module, command.module))
    made = typer.main.get_command(app)
    made.name, made.short_help = command.name, command.short
    return made
