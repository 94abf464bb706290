"""What a reader has to know before believing the report's figures: each with its task, and the command that mends it.

In: sentences that steps warn with. Out: cautions. Knows no picture.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.shell_words import shell_word
from .observer import Null, Observer
from .report_commands import REMARKS

if TYPE_CHECKING:
    from ..report.answer import Caution

_TYPED = re.compile(r"`(llm4es (?:serialize|embed|probe|run)\b([^`]*))`")
"""Commands that a sentence names: it quotes values too, which hold anything, so none but these is taken."""
_FLAGS = re.compile(r"(?: --(?!store)[a-z-]+(?: [\w.:+][\w.:+-]*)?)*")

_COMMANDS = {
    "compare with --unseen-only": "compare {dataset}{task} --unseen-only",
    "probe with --repeats 3": "probe {dataset}{task} --repeats 3",
    "embed the same entities": "embed {dataset} --model MODEL",
    "(--as-of)": f"serialize {{dataset}} --as-of DATE{REMARKS[2]}",
    "reading it back": f"serialize {{recipe}}{REMARKS[0]}",
    "under another name": f"serialize {{recipe}}{REMARKS[1]}",
}
"""What a sentence advises -> how it is typed."""


@dataclass
class Listening(Null):
    """Hears what steps warn of, for the page, and hands everything on."""

    to: Observer
    """Who hears it too."""
    heard: list[str] = field(default_factory=list)
    """Warnings, in order."""

    def say(self, message: str) -> None:
        """Hand it on."""
        self.to.say(message)

    def warn(self, message: str) -> None:
        """Keep it, and hand it on."""
        self.heard.append(message)
        self.to.warn(message)


def of_task(
    dataset: str, task: str, sentences: Iterable[str], command: str = "", recipe: str | None = None
) -> "list[Caution]":
    """Sentences about a task as cautions.

    Parameters
    ----------
    dataset, task : str
        What they are about.
    sentences : iterable of str
        As steps warn; a name of the task in front is left off.
    command : str, default ''
        What mends or shows it, where no sentence says it itself.
    recipe : str, optional
        The file that says what events show: by the dataset's name the store's own recipe is used, whatever it says.

    Returns
    -------
    list of Caution
        One a sentence.

    Examples
    --------
    >>> lines = ["loyal: 1 feature stale: m@8: labels changed; `llm4es probe shop` recomputes them"]
    >>> of_task("shop", "loyal", lines)[0].command
    'llm4es probe shop'
    """
    from ..report.answer import Caution

    return [
        Caution(line.removeprefix(f"{task}: "), task, _command(dataset, task, line, recipe) or command)
        for line in sentences
    ]


def _command(dataset: str, task: str, line: str, recipe: str | None) -> str:
    """The command that a sentence names or advises; '' where it does neither."""
    for typed, words in _TYPED.findall(line):
        named, told = f" {shell_word(dataset)}", f" --task {shell_word(task)}"
        rest = words.removeprefix(named).removeprefix(told)
        if words in ("", named) or (typed.startswith("llm4es probe") and _FLAGS.fullmatch(rest)):
            return str(typed)
    of = {"dataset": shell_word(dataset), "task": f" --task {shell_word(task)}" if task else ""}
    of["recipe"] = shell_word(recipe or "RECIPE.toml")
    return next((f"llm4es {words.format(**of)}" for advice, words in _COMMANDS.items() if advice in line), "")
