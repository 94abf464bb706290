"""Commands that make again what the store holds, as a shell takes them; where none does, what is missing for one.

In: words, options as a record has them. Out: lines. Writes nothing.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from ..core.errors import Llm4esError, OptionError, one_line
from ..core.printable import printable_line
from ..core.times import typed
from ..options import Options
from ..options.coerce import coerce, plain
from .next_commands import store_option

THEN = " && "
"""Between commands of which the second needs the first."""


class UntoldError(Llm4esError):
    """Why no command can be named: one short line."""


def line(words: Sequence[str], root: str) -> str:
    """A line for a shell, which names the store ``root`` where another one would be meant without.

    Raises UntoldError for characters that a terminal would not show as they are.

    Examples
    --------
    >>> line(["probe", "shop", "--features", "m@8 [events]"], "llm4es-store")
    "llm4es probe shop --features 'm@8 [events]'"
    """
    text = shlex.join(["llm4es", *words, *store_option(root)])
    if printable_line(text) != text:
        raise UntoldError("a name holds characters that no command line shows")
    return text


@contextmanager
def untold(whys: list[str], of: str = "") -> Iterator[None]:
    """Where no command can be named, add why to ``whys``, ``of`` in front, and go on."""
    try:
        yield
    except Llm4esError as why:
        whys.append(of + printable_line(one_line(why)))
    except (KeyError, TypeError):  # recorded by a version that said less, or otherwise
        whys.append(f"{of}an older version recorded less of how it was made")


def told(make: Callable[[], Sequence[str]]) -> str:
    """The commands that ``make`` gives, one after the other, or why it gives none."""
    whys: list[str] = []
    with untold(whys):
        return THEN.join(make())
    return whys[0]


def flags(options: Options, usual: Options, but: Sequence[str] = ()) -> list[str]:
    """What has to be typed so that ``options`` are meant where ``usual`` ones are without; fields ``but`` are not.

    Raises UntoldError for a value that is another one when it is typed.

    Examples
    --------
    >>> from llm4es.options import EmbedOptions
    >>> flags(EmbedOptions.of(history="events", max_length=64), EmbedOptions())
    ['--history', 'events', '--max-length', '64']
    """
    words: list[str] = []
    for name, setting in options.settings().items():
        value = getattr(options, name)
        if name in but or value == getattr(usual, name):
            continue
        said = typed(value) if isinstance(value, datetime) else plain(setting, value) or "none"
        try:
            same = coerce(setting, said) == value is not False
        except OptionError:
            same = False
        if not same:
            raise UntoldError(f"{setting.flag} {said!r} cannot be typed")
        words += [setting.flag] if value is True else [setting.flag, said]
    return words
