"""``--help`` of every command: how it is called, what it does, examples, and its options under headings.

In: a command as Typer makes it. Out: lines that fit the terminal, parted between words only. Knows no command: headings
are those of ``Panel``, and what is typed most stands in the list of commands.
"""

import os
import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from llm4es.options.panels import Panel

from .commands import COMMANDS

_TYPED = 26
"""Columns for what is typed; what is longer has a line of its own."""

_READABLE = 100
"""Columns of a line, however wide the terminal is."""

_JOINED = "\N{NO-BREAK SPACE}"
"""A space at which no line is parted."""

_UNPARTED = re.compile(r"--?[\w-]+ (?!-)('[^']*'|\"[^\"]*\"|\S+)|'[^']*'|\"[^\"]*\"")
"""Of a command, what is best not parted: an option and its value, what stands between quotes."""

Row = tuple[str, str]
"""What is typed, and what it does."""


class HelpfulCommand(TyperCommand):
    """A command whose help is laid out here."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        formatter.write("\n".join([*_page(self, ctx), ""]))

    def get_short_help_str(self, limit: int = 0) -> str:
        """What a list of commands says of it, whole: lines are parted where they are shown."""
        return self.short_help or (self.help or "").partition("\n")[0]


class HelpfulGroup(TyperGroup):
    """A group of commands whose help is laid out here."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, and the commands below this one."""
        below = (line for title, rows in self.headings(ctx) for line in _section(title, rows, _width()))
        formatter.write("\n".join([*_page(self, ctx, "COMMAND ..."), *below, ""]))

    def headings(self, ctx: Any) -> list[tuple[str, list[Row]]]:
        """Headings, and the commands under each."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return [("Commands", [(name, one.get_short_help_str()) for name, one in commands if one])]


def _page(command: Any, ctx: Any, *below: str) -> Iterator[str]:
    """Everything but the commands below it."""
    width = _width()
    shown = [parameter for parameter in command.get_params(ctx) if not getattr(parameter, "hidden", False)]
    arguments = [(p, (p.metavar or p.name).upper()) for p in shown if p.param_type_name == "argument"]
    words = [name if p.required else f"[{name}]" for p, name in arguments]
    yield from _wrapped(" ".join([f"Usage: {ctx.command_path}", *words, "[OPTIONS]", *below]), width, 4 * " ")
    yield from _prose(command.help or "", width)
    yield from _section("Arguments", [(name, p.help or "") for p, name in arguments], width)
    often = next((one.often for one in COMMANDS if one.name == command.name), ()) if ctx.parent else ()
    panels: dict[str, list[tuple[int, Row]]] = {panel: [] for panel in [*Panel, "Options"]}
    for option in (parameter for parameter in shown if parameter.param_type_name == "option"):
        rank = next((often.index(flag) for flag in option.opts if flag in often), None)
        other = option.rich_help_panel or (Panel.OUTPUT if ctx.parent else "Options")
        panel = other if rank is None else Panel.OFTEN
        typed, does = option.get_help_record(ctx)
        panels[panel].append((rank or 0, (typed, _bounds(does))))
    for panel, rows in panels.items():
        yield from _section(panel, [row for _, row in sorted(rows, key=lambda ranked: ranked[0])], width)


def _prose(text: str, width: int) -> Iterator[str]:
    """Paragraphs; lines that are indented are commands, and go on after a backslash."""
    before = ""
    for paragraph in text.split("\n\n"):
        is_command = paragraph.startswith("    ")
        if not (is_command and before.startswith("    ")):
            yield ""
        if is_command:
            whole = _UNPARTED.sub(lambda found: found[0].replace(" ", _JOINED), paragraph.strip())
            *lines, last = _wrapped(whole, width - 6, 4 * " ")
            yield from (f"    {line}" for line in (*(f"{line} \\" for line in lines), last))
        else:
            yield from _wrapped(paragraph, width)
        before = paragraph


def _section(title: str, rows: Sequence[Row], width: int) -> Iterator[str]:
    """A heading and its rows; nothing where there is none."""
    if not rows:
        return
    yield from ("", *map(_bold, _wrapped(f"{title}:", width)))
    room = min(max(len(typed) for typed, _ in rows), _TYPED, width // 3)
    for typed, does in rows:
        *above, beside = [*_wrapped(typed, width - 2), ""] if len(typed) > room else [typed]
        words = [word if len(word) <= width - room - 4 else word.replace(_JOINED, " ") for word in does.split(" ")]
        first, *more = _wrapped(" ".join(words), width - room - 4) or [""]
        yield from (f"  {line}" for line in above)
        yield f"  {beside:{room}}  {first}".rstrip()
        yield from (f"{'':{room + 4}}{line}" for line in more)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    lines = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_JOINED, " ") for line in lines]


def _bounds(text: str) -> str:
    """A help as Typer makes it, with bounds in words, in one piece: '[default: 8; 1 or more]'."""
    text = re.sub(r"(\S+)<=x<=(\S+)(?=\]$)", r"\1 to \2", re.sub(r"x>=(\S+)(?=\]$)", r"\1 or more", text))
    return re.sub(r"  (\[[^\[\]]*\])$", lambda found: "  " + found[1].replace(" ", _JOINED), text)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _READABLE)


def _bold(text: str) -> str:
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if is_plain else typer.style(text, bold=True)
