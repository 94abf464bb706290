"""Prompts: what is asked about an event or a history, so that the state of the last token is an answer to it.

In: a TOML file's text, or the name of a prompt that comes with the program; values of events, written as text. Out: a
``PromptSet``, and one text an event. Knows no recipe, no model and no store; opens no file but those beside it.

A file has a table ``[events]``, ``[histories]`` or both, in each a template a question. A template of events shows
``{event}`` (the line of all fields), ``{fields}`` (their names) or single fields by name, such as ``{title}``; one of
histories shows ``{history}``. ``{{`` and ``}}`` are braces. ``combine`` says what becomes of several: ``join`` puts
their vectors side by side, ``mean`` takes the mean.
"""

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...core.errors import OptionError, nearest, one_line
from ...core.shipped import shipped_names, shipped_text

# E events, P prompts, D width

EVENT, FIELDS, HISTORY = "event", "fields", "history"
"""Names in templates that are no field's: an event's line, the names of its fields, a history's text."""


class Asked(StrEnum):
    """What a prompt is about: a table of its file."""

    EVENTS = "events"
    HISTORIES = "histories"


class Combine(StrEnum):
    """What becomes of the vectors of several prompts."""

    JOIN = "join"  # side by side
    MEAN = "mean"


@dataclass(frozen=True)
class PromptSet:
    """What is asked about each event, or about each history."""

    name: str
    """As features are called by it."""

    asked: Asked
    """What it is about."""

    names: tuple[str, ...]
    """Of each prompt."""

    templates: tuple[str, ...]
    """As many: text with ``{fields}`` in it."""

    combine: Combine = Combine.JOIN
    """What becomes of several vectors."""

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What vectors depend on, as plain values: the words, their order, and how several become one."""
        return {
            "templates": list(self.templates),
            **({"combine": str(self.combine)} if len(self.templates) > 1 else {}),
        }

    def combined(self, vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """One array from the vectors of each prompt: P of (..., D) to (..., D) or (..., P * D).

        Examples
        --------
        >>> asked = parse_prompts("[events]\\na = '{event} is'\\nb = '{event} has'", "mine")
        >>> asked.combined([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
        [[1.0, 2.0, 3.0, 4.0]]
        """
        if self.combine is Combine.MEAN:
            return np.asarray(np.mean(np.stack(vectors), axis=0), np.float32)
        return np.asarray(np.concatenate(vectors, axis=-1), np.float32)


def parse_prompts(text: str, name: str, asked: Asked | str = Asked.EVENTS) -> PromptSet:
    """The prompts that a TOML file has for events, or for histories.

    Parameters
    ----------
    text : str
        The file's content.
    name : str
        What features are called by: the file's name without its ending.
    asked : Asked or str, default 'events'
        Which of its tables.

    Returns
    -------
    PromptSet
        At least one prompt.

    Raises
    ------
    OptionError
        For what is no TOML, no table of that name, and a template that shows nothing of what it asks about.

    Examples
    --------
    >>> parse_prompts("[events]\\nword = 'The film {title} means in one word: '", "films").templates
    ('The film {title} means in one word: ',)
    >>> parse_prompts("[events]\\nword = 'In one word: '", "films")
    Traceback (most recent call last):
    llm4es.core.errors.OptionError: --prompt films: 'word' shows nothing of the event: write {event} or a field into it
    """
    asked = Asked(asked)
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"--prompt {name} is no TOML ({one_line(error, 120)})") from error
    if unknown := sorted(read.keys() - {*Asked, "combine"}):
        raise OptionError(f"--prompt {name}: {unknown[0]!r} is unknown: {nearest(unknown[0], [*Asked, 'combine'])}")
    if read.get("combine", Combine.JOIN) not in list(Combine):
        raise OptionError(f"--prompt {name}: combine = {read['combine']!r} is unknown: give 'join' or 'mean'")
    table = read.get(asked)
    if not isinstance(table, Mapping) or not table:
        raise OptionError(f"--prompt {name} asks nothing about {asked}: give it a table [{asked}] of templates")
    for each, template in table.items():
        _check(f"--prompt {name}: {each!r}", template, asked)
    return PromptSet(name, asked, tuple(table), tuple(table.values()), Combine(read.get("combine", Combine.JOIN)))


def built_in_prompts() -> list[str]:
    """The names of the prompts that come with the program."""
    return shipped_names("embed/prompts")


@cache
def built_in_prompt(name: str) -> str:
    """The file of a prompt that comes with the program, to be parsed. Raises OptionError for a name that is none's."""
    if name not in built_in_prompts():
        known = built_in_prompts()
        raise OptionError(f"--prompt {name!r} is neither a built-in prompt nor a .toml file: {nearest(name, known)}")
    return shipped_text("embed/prompts", name)


def prompt_fields(template: str) -> tuple[str, ...]:
    """The fields that a template shows by name, each once, in its order.

    Examples
    --------
    >>> prompt_fields('{title} ({year}), as in "{event}": {title}')
    ('title', 'year')
    """
    return tuple(dict.fromkeys(name for _, name in _pieces(template) if name not in (None, EVENT, FIELDS, HISTORY)))


def event_texts(
    template: str, values: Mapping[str, pa.Array], lines: pa.Array | None = None, header: str = ""
) -> pa.Array:
    """What is asked about each event.

    Parameters
    ----------
    template : str
        Of a ``PromptSet`` about events.
    values : mapping of str to pyarrow.Array
        Of each field that the template names, the events' values as texts; nulls are written as nothing.
    lines : pyarrow.Array, optional
        The events' lines, for ``{event}``.
    header : str, default ''
        What is written for ``{fields}``; a line break at its end is left out.

    Returns
    -------
    pyarrow.Array
        One text an event.

    Raises
    ------
    OptionError
        For a field without values.

    Examples
    --------
    >>> event_texts("{title} is about", {"title": pa.array(["Heat", "Babe"])}).to_pylist()
    ['Heat is about', 'Babe is about']
    """
    known = {name.lower(): array for name, array in values.items()}
    parts: list[Any] = []
    for literal, name in _pieces(template):
        if literal:
            parts.append(literal)
        if name is None:
            continue
        if name == FIELDS:
            parts.append(header.rstrip("\n"))
        elif name == EVENT and lines is not None:
            parts.append(lines)
        elif name.lower() in known:
            parts.append(pc.fill_null(known[name.lower()].cast(pa.string()), ""))
        else:
            raise OptionError(f"--prompt: {{{name}}} is no field of the events: {nearest(name, [*values, EVENT])}")
    return pc.binary_join_element_wise(*parts, "")


def history_frame(template: str) -> tuple[str, str]:
    """What stands before a history and what behind it.

    Examples
    --------
    >>> history_frame("They did {history} and are")
    ('They did ', ' and are')
    """
    before, after, seen = "", "", False
    for literal, name in _pieces(template):
        before, after = (before, after + literal) if seen else (before + literal, after)
        seen = seen or name is not None
    return before, after


def _pieces(template: str) -> list[tuple[str, str | None]]:
    """Text, and the name that follows it; None at the end."""
    return [(literal, name) for literal, name, *_ in string.Formatter().parse(template)]


def _check(where: str, template: Any, asked: Asked) -> None:
    """Raise OptionError for a template that cannot be filled, or shows nothing of what it is about."""
    if not isinstance(template, str):
        raise OptionError(f"{where} is no text: write the question between quotes")
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise OptionError(
            f"{where} has a brace without its other one ({error}): a brace of text is {{{{ or }}}}"
        ) from None
    names = [name for _, name, form, conversion in parsed if name is not None and not form and not conversion]
    if len(names) != sum(name is not None for _, name, *_ in parsed) or not all(names):
        raise OptionError(f"{where} has braces without a name: write {{event}}, {{history}} or a field between them")
    if asked is Asked.HISTORIES and names != [HISTORY]:
        stray = next((name for name in names if name != HISTORY), None)
        what = f"shows {{{stray}}}" if stray else f"shows the history {len(names)} times"
        raise OptionError(f"{where} {what}: a prompt about histories has {{history}} in it, once, and nothing else")
    if asked is Asked.EVENTS and HISTORY in names:
        raise OptionError(f"{where} shows {{history}}: a prompt about events has {{event}} or fields")
    if asked is Asked.EVENTS and not {*names} - {FIELDS}:
        raise OptionError(f"{where} shows nothing of the event: write {{event}} or a field into it")
