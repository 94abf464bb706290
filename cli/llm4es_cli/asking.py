"""Questions to whoever sits at the terminal: what a recipe's draft is in doubt about.

In: doubts. Out: choices. Decides nothing: Enter takes what was guessed.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm4es.core.errors import nearest
from llm4es.core.printable import printable

if TYPE_CHECKING:
    from llm4es.recipes.init.choices import OpenGuess

_NAMED = 12
"""Columns that a question names."""


def ask(doubts: "Sequence[OpenGuess]") -> dict[str, str]:
    """What was answered otherwise than it was guessed, by what it is about. The end of input takes what was guessed."""
    answers = {}
    for doubt in doubts:
        others = [name for name in doubt.among if name != doubt.taken]
        more = ", ..." if len(others) > _NAMED else ""
        named = f" (or {', '.join(others[:_NAMED])}{more})" if others else ""
        while True:
            _show(printable(f"{doubt.question} [{doubt.taken}]{named} "))
            answer = sys.stdin.readline().strip() or doubt.taken
            if answer in doubt.among:
                break
            _show(printable(f"no column {answer!r}: {nearest(answer, doubt.among)}\n"))
        if answer != doubt.taken:
            answers[doubt.about] = answer
    return answers


def _show(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
