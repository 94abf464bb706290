"""An answer without the thinking that some models write into it.

In: an answer's words, and the events, which may hold such marks themselves. Out: what was meant as the answer. Judges
nothing. Each mark is looked at once.
"""

import re

_BLOCKS = (
    (r"<(?:seed:)?think(?:ing)?\b[^<>]{0,200}>", r"</(?:seed:)?think(?:ing)?>"),  # Qwen, DeepSeek, Seed and most others
    (
        r"<(?:thought|reasoning|reflection|scratchpad|analysis)>",
        r"</(?:thought|reasoning|reflection|scratchpad|analysis)>",
    ),
    (r"\[think\]", r"\[/think\]"),  # Magistral
    ("\N{WHITE LEFT-POINTING TRIANGLE}think\N{WHITE RIGHT-POINTING TRIANGLE}",
     "\N{WHITE LEFT-POINTING TRIANGLE}/think\N{WHITE RIGHT-POINTING TRIANGLE}"),  # Kimi
    (r"<\|(?:begin_of_thought|START_THINKING)\|>", r"<\|(?:end_of_thought|END_THINKING)\|>"),  # Sky, Cohere
    (r"<unused94>", r"<unused95>"),  # Gemma
)  # fmt: skip
"""How blocks of thinking begin and end."""

_WRAPS = (
    (r"<answer>", r"</answer>"),
    (r"<\|(?:begin_of_solution|START_RESPONSE)\|>", r"<\|(?:end_of_solution|END_RESPONSE)\|>"),
)
"""Marks around an answer that stand beside such blocks."""

_FINAL = re.compile(r"<\|channel\|>\s*final\b.{0,100}?<\|message\|>")
_CHANNEL = re.compile(r"<\|channel\|>")
_BARE_FINAL = "assistantfinal"
"""What is left of its mark where the special tokens were left out; such an answer begins with 'analysis'."""
_END = re.compile(r"<\|(?:end|return|call|start)\|>")


def without_thinking(text: str, events: str = "") -> str:
    """The answer in an answer; '' where all of it is thinking that never came to an end.

    Examples
    --------
    >>> without_thinking("<think>so many</think>| tea | 3 |")
    '| tea | 3 |'
    >>> without_thinking("the user wants a table</think>| tea | 3 |")
    '| tea | 3 |'
    >>> without_thinking("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>tea")
    'tea'
    """
    text = _final_channel(text, events)
    thought = False
    for begin, end in _BLOCKS:
        marks = re.compile(f"(?P<begin>{begin})|(?P<end>{end})", re.IGNORECASE)
        if marks.search(text) and not marks.search(events):
            text, thought = _outside(text, marks), True
    for begin, end in _WRAPS:
        marks = re.compile(f"{begin}|{end}", re.IGNORECASE)
        if (thought or re.match(rf"\s*{begin}", text, re.IGNORECASE)) and not marks.search(events):
            text = marks.sub("", text)
    return text.strip()


def _outside(text: str, marks: re.Pattern[str]) -> str:
    """What stands outside the blocks. A beginning may stand in the question or in the thinking itself, and an end may
    never have come."""
    kept: list[str] = []
    inside, at = False, 0
    for mark in marks.finditer(text):
        if not inside:
            kept.append(text[at : mark.start()])
            if mark["end"]:
                kept.clear()  # the question itself held the beginning, or thinking held an end
        inside, at = bool(mark["begin"]), mark.end()
    return "".join(kept) + ("" if inside else text[at:])


def _final_channel(text: str, events: str) -> str:
    """The channel 'final' of the harmony format; other channels are thinking."""
    if _CHANNEL.search(events):
        return text
    if not _CHANNEL.search(text):
        bare = text.lstrip().startswith("analysis") and _BARE_FINAL in text
        return text.rpartition(_BARE_FINAL)[2] if bare else text
    final = [match.end() for match in _FINAL.finditer(text)]
    if not final:
        return ""
    end = _END.search(text, final[-1])
    return text[final[-1] : end.start() if end else None]
