"""Prompts by name: versioned files, each with what it asks for and how its answer is checked.

In: a name. Out: a frozen prompt. A change of a file changes ``digest``, and so the configuration of the rows.
"""

import tomllib
from dataclasses import dataclass
from functools import cache

from ...core.errors import OptionError, near_names
from ...core.hashing import config_id
from ...core.shipped import shipped_names, shipped_text
from ...serialize.formats import TextFormat

_HERE = "enrich/prompts"

MARKS = ("{events}", "{fence}")
"""What a question must hold: the events, and the mark around them."""

FIELDS = ("version", "system", "user", "by_line", "fallback")
"""What a file must say."""


@dataclass(frozen=True)
class Prompt:
    """One way to ask for a rewriting."""

    name: str
    """Name of its file."""

    version: int
    """Raised with each change of its words."""

    system: str
    """What the model is told first."""

    user: str
    """What it is asked; ``{events}`` stands for the events, ``{fence}`` for the mark around them."""

    by_line: bool
    """Whether the answer has a line for each event, which is compared field by field."""

    free_form: bool
    """Whether prose is in an order of its own, and may end with a sentence about all events."""

    fallback: TextFormat
    """The format that stands in for an answer that is not good enough."""

    @property
    def checked(self) -> str:
        """How its answers are compared with their events: by 'fields', or by the weaker rule of 'words'."""
        return "fields" if self.by_line else "words"

    def __post_init__(self) -> None:
        if "{events}" not in self.user:
            raise OptionError(f"prompt {self.name!r} says not where the events go: write {{events}} in its 'user'")

    @property
    def digest(self) -> str:
        """Name of its words."""
        return config_id([self.system, self.user, self.by_line, self.fallback.value])


def prompt_names() -> list[str]:
    """Every prompt there is."""
    return shipped_names(_HERE)


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt of that name."""
    if name not in prompt_names():
        near = near_names(name, prompt_names(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(prompt_names())}"
        raise OptionError(f"--formats {name!r} is no prompt: {hint}")
    fields = tomllib.loads(shipped_text(_HERE, name))
    lacking = [mark for mark in MARKS if mark not in fields.get("user", "")]
    lacking += [f"{field} = ..." for field in FIELDS if field not in fields]
    if lacking:
        raise OptionError(f"prompt {name!r} lacks {lacking[0]}: write it into {name}.toml")
    return Prompt(
        name=name,
        version=fields["version"],
        system=fields["system"].strip(),
        user=fields["user"].strip(),
        by_line=fields["by_line"],
        free_form=fields.get("free_form", False),
        fallback=TextFormat(fields["fallback"]),
    )
