"""Options of what a model is asked about an event or a history, in place of only reading it.

In: what a user typed. Out: checked values. Imports nothing heavy; prompts are in ``embed.prompts``.
"""

from dataclasses import dataclass

from ..core.errors import OptionError
from .base import Options
from .completes import Completes
from .setting import option

FEW_ANSWERS = 4
"""Answers that stand in a name; of more the number does."""


@dataclass(frozen=True)
class PromptOptions(Options):
    """A prompt, and the answers whose probabilities are kept."""

    prompt: str | None = option(
        None,
        "Ask about each event or history: one-word, meta, or a TOML file of templates.",
        unset=True,
        completes=Completes.PROMPTS,
    )
    """The state of the prompt's last token is the vector. None: nothing is asked."""

    answers: tuple[str, ...] = option(
        (), "With --prompt, of events: keep log probabilities of these words as the answer, e.g. man,woman.", unset=True
    )
    """One dimension an answer, its first token's; (): the state of the last token."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.answers:
            return
        if self.prompt is None:
            raise OptionError(f"--answers {','.join(self.answers)} without --prompt: nothing is asked; give one")
        object.__setattr__(self, "answers", tuple(dict.fromkeys(self.answers)))  # frozen for everybody else

    @property
    def shown_answers(self) -> str:
        """What names show of the answers: these, or of many how many.

        Examples
        --------
        >>> PromptOptions(prompt="one-word", answers=("man", "woman")).shown_answers
        'man/woman'
        >>> PromptOptions(prompt="one-word", answers=tuple("abcdef")).shown_answers
        '6 answers'
        """
        n = len(self.answers)
        return "/".join(self.answers) if n <= FEW_ANSWERS else f"{n} answers"
