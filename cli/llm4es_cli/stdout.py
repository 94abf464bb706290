"""Stdout that ends well: a reader who has left, a full disk, an encoding that lacks a character, no stdout at all.

In: the process's streams. Out: the same, which ends the command in one line or quietly. Knows no command.
"""

import codecs
import io
import os
import sys
from typing import Any

from llm4es.core.errors import OptionError

_REFUSE = "llm4es_refuse"


def guard() -> None:
    """Guard stdout for the rest of the process, and put nothing in the place of a stdin or stderr that was closed.

    On a terminal what its encoding lacks is written out (``\\u0141``). In a pipe or file text is UTF-8, as other
    programs read it, whatever the locale, unless PYTHONIOENCODING asks for another encoding, which then has to hold
    every character: data are not altered.
    """
    while (nowhere := os.open(os.devnull, os.O_RDWR)) < 3:  # else the next file opened gets what others print
        pass
    os.close(nowhere)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BytesIO())
    sys.stderr = sys.stderr or io.TextIOWrapper(io.BytesIO())
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Closed(os.devnull, "w")), encoding="utf-8")
    elif sys.stdout.isatty():
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper
    else:
        codecs.register_error(_REFUSE, _refuse)
        asked = os.environ.get("PYTHONIOENCODING", "")
        encoding = sys.stdout.encoding if asked.partition(":")[0] else "utf-8"
        errors = sys.stdout.errors if ":" in asked else _REFUSE
        file = io.BufferedWriter(_Stdout(sys.stdout.fileno(), "w", closefd=False))
        sys.stdout = io.TextIOWrapper(file, encoding=encoding, errors=errors)


class _Stdout(io.FileIO):
    """The file under stdout; after a write that failed it takes whatever still comes, and keeps none of it."""

    _failed = False

    def write(self, data: Any, /) -> int:
        if self._failed:
            return len(memoryview(data).cast("B"))
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            self._failed = True
            raise SystemExit(0) from None  # as `| head` wants it
        except OSError as error:
            self._failed = True
            raise OptionError(f"cannot write to stdout: {error.strerror}") from error


class _Closed(_Stdout):
    """What stands for a stdout that was closed by who started us."""

    def write(self, data: Any, /) -> int:
        if not self._failed:
            self._failed = True
            raise OptionError("cannot write to stdout: it is closed")
        return super().write(data)


def _refuse(error: UnicodeError) -> tuple[str, int]:
    missing = error.object[error.start] if isinstance(error, UnicodeEncodeError) else ""
    raise OptionError(
        f"stdout takes {sys.stdout.encoding}, which has no {missing!a}: set PYTHONIOENCODING=utf-8"
    ) from None
