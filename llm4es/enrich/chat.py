"""What a model is told and asked, as tokens: its chat template around texts that cannot end their turn.

In: a fast tokenizer, a system text and a question. Out: token ids. Knows no model and no batch.
"""

import re
from typing import Any

from ..core.errors import ModelError, one_line
from ..inputs.control_tokens import control_tokens, plain_ids
from ..inputs.tokenize import tokenize

PRIVATE = range(0xE000, 0xF900)
"""Code points that stand for nothing: one that is in no text marks a place in the template."""


def prompt_ids(tokenizer: Any, name: str, system: str, user: str) -> list[int]:
    """A request as the model's chat template has it; plain paragraphs for a model without one.

    A control token in a text (``<|im_end|>`` in a product's name) is spelled out, so that it ends no turn; without one
    the ids are those of ``tokenizer.apply_chat_template``.
    """
    if not getattr(tokenizer, "chat_template", None):
        (read,) = tokenize(tokenizer, [f"{system}\n\n{user}\n\n"])
        return [*read.prefix, *read.ids, *read.suffix]
    control = control_tokens(tokenizer)
    mark = next(chr(code) for code in PRIVATE if chr(code) not in system + user)
    strings = sorted(filter(None, control.values()), key=len, reverse=True)
    found = re.compile("|".join(map(re.escape, strings)) or "(?!)")
    places: list[str] = []

    def marked(match: re.Match[str]) -> str:
        places.append(match[0])
        return f"{mark}{len(places) - 1}{mark}"

    text = _rendered(tokenizer, name, found.sub(marked, system), found.sub(marked, user))
    ids: list[int] = []
    for at, part in enumerate(re.split(f"{mark}(\\d+){mark}", text)):  # odd ones are places
        if at % 2:
            ids += plain_ids(tokenizer, control, places[int(part)])
        elif part:
            ids += tokenizer(part, add_special_tokens=False)["input_ids"]
    return ids


def _rendered(tokenizer: Any, name: str, system: str, user: str) -> str:
    """The template's text; a template that knows no system role gets one question of both."""
    alone = [{"role": "user", "content": f"{system}\n\n{user}"}]
    both = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    for messages in (both, alone):
        try:
            return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except Exception as error:  # a template is a program of the model's: whatever it raises, it does not work
            failed = error
    raise ModelError(
        f"the chat template of {name} does not work ({one_line(failed, 200)}): mend or remove chat_template.jinja"
    ) from failed
